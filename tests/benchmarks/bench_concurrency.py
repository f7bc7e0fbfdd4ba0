"""
Run a thousand trials of a model that answers after 0.2 s, in threads ahead and in two processes of threads ahead.

For each it prints the wall-clock time of the whole pytest run against the ideal, the peak memory of all its processes,
and what was recorded as the model's seconds against what the model took. The model does not say how long it took.
Run it as a script, on a machine that does nothing else::

    python tests/benchmarks/bench_concurrency.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TRIALS = 1000
MODEL_S = 0.2
SAMPLE_S = 0.02
"""Seconds between two looks at the memory."""

CONFTEST = f"""
import time

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, Usage


class Waits:
    def complete(self, request):
        time.sleep({MODEL_S})
        return Reply(
            message=Message(role="assistant", text="7"), stop="end", usage=Usage(input_tokens=100, output_tokens=1)
        )


def pytest_codeact_register(registry):
    registry.add_provider("waits", lambda context: Waits())
"""

SCENARIO = """
import pytest

from pytest_codeact import tool


class World:
    @tool(read_only=True)
    def look(self, name: str) -> int:
        \"\"\"
        Look.

        Args:
            name: At what.
        \"\"\"
        return 7


@pytest.mark.scenario("How many?", tools=World)
def test_waits(codeact_trial):
    assert codeact_trial.answer == "7"
    with open("seconds.txt", "a") as file:
        file.write(f"{codeact_trial.record.turns[0].model_s}\\n")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    One way to run the trials.

    Attributes:
        name: What it is called in the output.
        arguments: Of pytest.
        at_once: Trials in flight, over all processes.
        wall_target: The most that the wall-clock time should be, in multiples of the ideal.
        memory_target_mb: The most that all processes should take at a time. None for no target.
    """

    name: str
    arguments: tuple[str, ...]
    at_once: int
    wall_target: float
    memory_target_mb: float | None = None


SHAPES = (
    Shape(
        name="one process, 50 at a time",
        arguments=("--codeact-concurrency=50",),
        at_once=50,
        wall_target=1.35,
        memory_target_mb=150,
    ),
    Shape(
        name="two processes, 25 each",
        arguments=("-n2", "--codeact-concurrency=25"),
        at_once=50,
        wall_target=1.5,
    ),
)

FIDELITY_TARGET = 1.02
"""The most that recorded seconds should be, in multiples of the true ones."""


def main() -> int:
    """Print the figures and their targets; 1 if a run did not come out as it must."""
    return max(_report(shape) for shape in SHAPES)


def _report(shape: Shape) -> int:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "conftest.py").write_text(CONFTEST)
        (project / "test_waits.py").write_text(SCENARIO)
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", *_ARGUMENTS, *shape.arguments],
            cwd=project,
            stdout=subprocess.PIPE,
            text=True,
        )
        memory = _Memory(process.pid)
        output, _ = process.communicate()
        wall_s = time.perf_counter() - started
        peak_mb = memory.peak_mb()
        if process.returncode:
            sys.stdout.write(output)
            return 1
        seconds = [float(line) for line in (project / "seconds.txt").read_text().split()]
    ideal_s = TRIALS * MODEL_S / shape.at_once
    memory_target = f" (target: {shape.memory_target_mb:g})" if shape.memory_target_mb else ""
    sys.stdout.write(
        f"{shape.name}: {len(seconds)} trials\n"
        f"  wall     {wall_s:6.2f} s, {wall_s / ideal_s:.2f} x the ideal {ideal_s:g} s (target: {shape.wall_target})\n"
        f"  memory   {peak_mb:6.0f} MB at most, all processes{memory_target}\n"
        f"  recorded / true seconds of the model: median {statistics.median(seconds) / MODEL_S:.3f}, "
        f"mean {statistics.fmean(seconds) / MODEL_S:.3f}, worst {max(seconds) / MODEL_S:.3f} "
        f"(target: {FIDELITY_TARGET})\n"
    )
    return int(len(seconds) != TRIALS)


_ARGUMENTS = (
    "--codeact-model=waits",
    "--codeact-arms=direct",
    f"--codeact-trials={TRIALS}",
    "-pno:cacheprovider",
)


class _Memory:
    """Looks at the resident memory of a process and its descendants until it ends."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_kb = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def peak_mb(self) -> float:
        """Give the most that all of them took at a time, once the process has ended."""
        self._thread.join()
        return self._peak_kb / 1024

    def _watch(self) -> None:
        while resident_kb := sum(map(_resident_kb, _family(self._pid))):
            self._peak_kb = max(self._peak_kb, resident_kb)
            time.sleep(SAMPLE_S)


def _family(pid: int) -> list[int]:
    """List a process and its descendants."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in _family(child))]


def _resident_kb(pid: int) -> int:
    """Give the resident memory of a process. 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


if __name__ == "__main__":
    sys.exit(main())
