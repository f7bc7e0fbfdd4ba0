"""
Measure what one trial costs the controller, in CPU milliseconds: collect, record, measure, store.

Two workers run trials of one turn each; the controller's own CPU time is read when it ends, once with many trials and
once with a tenth of them, and compared with a run of two. It holds xdist's and pytest's share of a test as well. Run it
as a script::

    python tests/benchmarks/bench_controller.py [TRIALS]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

TRIALS = 10_000
TARGET_MS = 1.5
"""CPU milliseconds of the controller per trial."""

SCENARIOS = 10

CONFTEST = '''
import time
from pathlib import Path

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, Usage


class Parrot:
    """Answers at once."""

    def complete(self, request):
        usage = Usage(input_tokens=1000, output_tokens=10)
        return Reply(message=Message(role="assistant", text="4"), stop="end", usage=usage, mode="live")


def pytest_codeact_register(registry):
    registry.add_provider("parrot", lambda context: Parrot())


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        Path("cpu").write_text(str(time.process_time()))
'''

TESTS = '''
import pytest

from pytest_codeact import tool


class World:
    @tool(read_only=True)
    def look(self) -> int:
        """Look."""
        return 4

    def end_state(self):
        return None

'''

TEST = """
@pytest.mark.scenario("How many?", tools=World)
def test_{number}(codeact_trial):
    assert codeact_trial.answer == "4"

"""


def main() -> int:
    """Print the milliseconds per trial; 1 if the target is missed."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    base_s = _controller_s(1, 2)
    missed = False
    for count in (trials // 10, trials):
        per_trial_ms = (_controller_s(SCENARIOS, count // SCENARIOS) - base_s) / count * 1e3
        missed |= per_trial_ms > TARGET_MS
        sys.stdout.write(f"{count:7,} trials: {per_trial_ms:5.2f} ms CPU each (target: {TARGET_MS})\n")
    return int(missed)


def _controller_s(scenarios: int, trials: int) -> float:
    """Give the CPU seconds of the controller of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_many.py").write_text(TESTS + "".join(TEST.format(number=n) for n in range(scenarios)))
        options = ["--codeact-arms=direct", "--codeact-model=parrot", f"--codeact-trials={trials}"]
        command = [sys.executable, "-m", "pytest", "-q", "-n2", *options, "--benchmark-save=run"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stdout[-2000:] + run.stderr[-2000:])
        return float((folder / "cpu").read_text())


if __name__ == "__main__":
    sys.exit(main())
