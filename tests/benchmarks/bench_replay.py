"""
Compare a replay of the shipped scenarios in two arms with a run of the reference model, whole processes, in turn.

What is replayed was recorded before, from a fake live model that the reference model is behind: both runs do the same
turns. Run it as a script, from the root of a checkout::

    python tests/benchmarks/bench_replay.py
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))
from live_fake import LIVE

PAIRS = 7
TARGET_RATIO = 1.2
"""Seconds that a replay may take, in multiples of the reference run's."""

SDKS = ("anthropic", "mistralai", "openai", "google.genai", "tenacity", "genai_prices")

NOTE_IMPORTS = f"""

def pytest_sessionfinish(session):
    import sys

    with open(os.environ["IMPORTED"], "a") as file:
        file.write(repr([name for name in {SDKS} if name in sys.modules]) + "\\n")
"""


def main() -> int:
    """Print the seconds and their ratios; 1 if the target is missed or an SDK was imported."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "fake_live.py").write_text(LIVE + NOTE_IMPORTS)
        fake = ("-p", "fake_live", "--codeact-model=fake/x", f"--codeact-cassettes={home / 'cassettes'}")
        _seconds(home, *fake, "--codeact-mode=record", "--codeact-budget=none")
        (home / "imported.txt").unlink()
        reference: list[tuple[float, float]] = []
        replay: list[tuple[float, float]] = []
        for pair in range(PAIRS):
            sides = [(reference, ("-p", "fake_live")), (replay, (*fake, "--codeact-mode=replay"))]
            # ABBA: what drifts over time meets both alike.
            for seconds, arguments in reversed(sides) if pair % 2 else sides:
                seconds.append(_seconds(home, *arguments))
        imported = set((home / "imported.txt").read_text().split("\n")) - {"", "[]"}
    missed = bool(imported)
    for name, part in (("wall", 0), ("CPU", 1)):
        base, now = (median(each[part] for each in side) for side in (reference, replay))
        ratios = sorted(b[part] / a[part] for a, b in zip(reference, replay, strict=True))
        sys.stdout.write(
            f"{name:5} reference {base:.3f} s, replay {now:.3f} s, ratio {now / base:.3f} "
            f"(pairs {ratios[0]:.3f} to {ratios[-1]:.3f}; target: at most {TARGET_RATIO})\n"
        )
        missed |= now / base > TARGET_RATIO
    sys.stdout.write(f"SDKs imported: {', '.join(sorted(imported)) or 'none'}\n")
    return int(missed)


def _seconds(home: Path, *arguments: str) -> tuple[float, float]:
    """Run the scenarios; give the seconds on the wall and those of all its processes."""
    path = os.pathsep.join(filter(None, (str(home), os.environ.get("PYTHONPATH", ""))))
    env = {**os.environ, "PYTHONPATH": path, "FAKE_LOG": os.devnull, "IMPORTED": str(home / "imported.txt")}
    before, begun_at = _children_s(), time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "scenarios"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - begun_at
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return wall_s, _children_s() - before


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
