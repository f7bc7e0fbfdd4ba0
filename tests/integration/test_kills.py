"""Runs that are killed or interrupted anywhere: a resumed run completes them, and no finished trial is run again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import assert_same_run

from pytest_codeact.journal import FILE, run_names

if TYPE_CHECKING:
    from collections.abc import Callable

TRIALS = 18
TOTAL = 2 * 2 * TRIALS
"""Trials of a whole run: of two scenarios in two arms."""

COMMAND = (f"--codeact-trials={TRIALS}", "--codeact-arms=direct,direct-serial", "--benchmark-json=run.json")

PATIENCE_S = 120.0

LOGGED = """
import os
import time
from dataclasses import replace

import pytest

from pytest_codeact.providers import Solution
from pytest_codeact.records import Usage
from pytest_codeact.providers.reference import ReferenceModel


def note(*words):
    descriptor = os.open("executed.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (" ".join(map(str, words)) + "\\n").encode())
    os.close(descriptor)


class Logged:
    def __init__(self, inner, name):
        self.inner, self.name = inner, name

    def complete(self, request):
        if len(request.messages) == 1:
            note("began", os.getpid(), self.name)
        # Long enough for a kill to fall into a trial as well as between two.
        time.sleep(0.002)
        # Tokens of our own: every session would load the vocabulary, which takes longer than its trials.
        usage = Usage(input_tokens=100 * len(request.messages), output_tokens=10, counted_by="messages")
        return replace(self.inner.complete(request), usage=usage)


@pytest.fixture
def codeact_client(codeact_scenario, codeact_tools, codeact_case):
    solution = Solution(
        function=codeact_scenario.reference,
        parameters=codeact_tools.parameters,
        read_only=codeact_tools.read_only,
    )
    case = codeact_case
    inner = ReferenceModel(solution=solution, counter_loader=lambda: None)
    return Logged(inner, f"{codeact_scenario.id}|{case.arm}|{case.trial}")
"""


class Runs:
    """Sessions of one run, in the project's directory."""

    def __init__(self, project: pytest.Pytester) -> None:
        self._root = project.path
        project.makeconftest(LOGGED)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start pytest in a process group of its own; go on with the newest run, if there is one."""
        resume = ["--codeact-resume=last"] if self.runs else []
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *COMMAND, *resume, *arguments]
        with (self._root / "output.txt").open("wb") as output:
            return subprocess.Popen(
                command, cwd=self._root, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def complete(self, *arguments: str) -> str:
        """Run to the end; give what was shown."""
        assert self.start(*arguments).wait(PATIENCE_S) == pytest.ExitCode.OK, self.shown
        return self.shown

    def wait_until(self, condition: Callable[[], bool], session: subprocess.Popen[bytes]) -> None:
        """Wait for something that is to happen while a session runs, or for the session's end."""
        gives_up_at = time.monotonic() + PATIENCE_S
        while not condition() and session.poll() is None:
            assert time.monotonic() < gives_up_at, self.shown
            time.sleep(0.001)

    @property
    def runs(self) -> list[str]:
        return run_names(self._root / ".codeact")

    @property
    def shown(self) -> str:
        return (self._root / "output.txt").read_text()

    @property
    def executed(self) -> list[list[str]]:
        """The words "began", process and cell, of every trial that was really run."""
        log = self._root / "executed.log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def journal_bytes(self) -> bytes:
        return b"".join((self._root / ".codeact" / name / FILE).read_bytes() for name in self.runs)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """Give the whole lines of a kind."""
        start = f'{{"kind":"{kind}"'.encode()
        # What follows the last newline is torn.
        return [json.loads(line) for line in self.journal_bytes.split(b"\n")[:-1] if line.startswith(start)]

    @property
    def finished(self) -> set[str]:
        """The cells whose end is in the journal."""
        return {
            f"{line['scenario']}|{line['arm']}|{line['trial']}"
            for line in self.lines("trial")
            if line["ended"] != "error"
        }

    @property
    def stored(self) -> dict[str, Any]:
        """What the last session stored."""
        run: dict[str, Any] = json.loads((self._root / "run.json").read_text())
        return run


@pytest.fixture
def sessions(project: pytest.Pytester) -> Runs:
    """Give the sessions of a run whose trials leave a trace."""
    return Runs(project)


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, Any]:
    """Keep what an uninterrupted run stored, once it was made."""
    return {}


def expected(of: Runs, known: dict[str, Any]) -> dict[str, Any]:
    """Give what an uninterrupted run stores."""
    if not known:
        of.complete()
        known.update(of.stored)
        for path in of._root.glob(".codeact/*/*"):
            path.unlink()
        (of._root / "executed.log").unlink()
    return known


def kill_at(sessions: Runs, count: int, *arguments: str, whole_group: bool) -> bool:
    """
    Kill a session when so many trials more have begun or ended, whichever the draw says.

    Returns:
        Whether it was killed; it may have ended before.
    """
    draw = random.Random(count)
    began, ended = len(sessions.executed), len(sessions.finished)
    session = sessions.start(*arguments)
    if draw.random() < 0.5:
        sessions.wait_until(lambda: len(sessions.executed) >= began + count, session)
    else:
        sessions.wait_until(lambda: len(sessions.finished) >= ended + count, session)
    killed = session.poll() is None
    if killed and whole_group:
        os.killpg(session.pid, signal.SIGKILL)
    elif killed:
        session.kill()
    session.wait(PATIENCE_S)
    return killed


@pytest.mark.parametrize(("mode", "kills"), [("-n2", 20), ("-n0", 6)])
def test_killed_run_is_completed_and_nothing_is_run_twice(
    sessions: Runs, uninterrupted: dict[str, Any], mode: str, kills: int
) -> None:
    """With kill -9 of controller and workers at random points over the run, what had ended is never run again."""
    whole = expected(sessions, uninterrupted)
    draw = random.Random(mode)
    kill_count = 0
    for index in range(kills):
        finished, before = sessions.finished, len(sessions.executed)
        # What kills that came late have taken is not there for those that follow.
        share = max(1, (TOTAL - len(finished)) // (kills - index))
        killed = kill_at(sessions, draw.randint(1, share), mode, whole_group=True)

        # A machine that is busy kills late: nothing may be left to be killed at.
        assert killed or len(sessions.finished) == TOTAL, sessions.shown
        kill_count += killed
        assert [cell for _, _, cell in sessions.executed[before:] if cell in finished] == []
    assert kill_count >= kills // 2
    finished, before = sessions.finished, len(sessions.executed)
    shown = sessions.complete(mode)

    assert {cell for _, _, cell in sessions.executed[before:]} == {*all_cells(sessions)} - finished
    assert f"{len(finished)} of {TOTAL} trials taken from the journal" in shown
    assert_same_run(sessions.stored, whole)


def all_cells(sessions: Runs) -> set[str]:
    """Give every cell of the run, from the verdicts of its last session."""
    return {f"{each['scenario']}|{each['arm']}|{each['trial']}" for each in sessions.lines("verdict")}


def test_workers_of_a_killed_controller_begin_nothing_more(sessions: Runs, uninterrupted: dict[str, Any]) -> None:
    """They end the trial they are in, which is then in the journal, and die; a resumed run waits for them."""
    whole = expected(sessions, uninterrupted)
    for count in (2, 11):
        finished, before = sessions.finished, len(sessions.executed)

        assert kill_at(sessions, count, "-n2", whole_group=False), sessions.shown
        workers = {process for _, process, _ in sessions.executed[before:]}
        at_death = len(sessions.executed)
        sessions.wait_until(lambda: not any(map(lives, workers)), FOREVER)  # noqa: B023 - called in this turn only

        # A worker may have been on its way from announcing a trial to beginning it.
        assert len(sessions.executed) - at_death <= len(workers)
        assert [cell for _, _, cell in sessions.executed[before:] if cell in finished] == []
    finished, before = sessions.finished, len(sessions.executed)
    sessions.complete("-n2")

    assert [cell for _, _, cell in sessions.executed[before:] if cell in finished] == []
    assert_same_run(sessions.stored, whole)


class _Forever(subprocess.Popen[bytes]):
    """A session that does not end."""

    def __init__(self) -> None:
        """Start nothing."""

    def poll(self) -> None:
        return None

    def __del__(self) -> None:
        """Nothing to end."""


FOREVER = _Forever()


def lives(process: str) -> bool:
    """Tell whether a process runs; one that nobody has waited for does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - no path of a file
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_killed_worker_costs_the_trial_in_flight(sessions: Runs) -> None:
    """The others are run once; the lost one is an error of this run, and is what a resumed run runs."""
    lost = "test_shelf.py::test_fill|direct-serial|3"
    conftest = sessions._root / "conftest.py"
    conftest.write_text(
        LOGGED.replace(
            "        # Long",
            f"        if self.name == {lost!r} and not os.path.exists('killed'):\n"
            "            open('killed', 'w').close()\n"
            "            os.kill(os.getpid(), 9)\n"
            "        # Long",
        )
    )
    assert sessions.start("-n2").wait(PATIENCE_S) == pytest.ExitCode.TESTS_FAILED
    first = Counter(cell for _, _, cell in sessions.executed)
    verdicts = Counter(each["verdict"] for each in sessions.lines("verdict"))
    before = len(sessions.executed)
    sessions.complete("-n2")

    assert (len(first), set(first.values())) == (TOTAL, {1})
    assert verdicts == {"passed": TOTAL - 1, "error": 1}
    assert [cell for _, _, cell in sessions.executed[before:]] == [lost]


@pytest.mark.parametrize(("mode", "group"), [("-n0", True), ("-n2", True), ("-n2", False)])
def test_interrupted_run_keeps_what_has_ended(
    sessions: Runs, uninterrupted: dict[str, Any], mode: str, group: bool
) -> None:
    """Ctrl-C, from a terminal or to the controller alone: exit 2, an honest file, and a run that can be completed."""
    whole = expected(sessions, uninterrupted)
    for count in (3, 20):
        session = sessions.start(mode)
        judged = len(sessions.lines("verdict"))
        sessions.wait_until(lambda: len(sessions.lines("verdict")) >= judged + count, session)  # noqa: B023 - as above
        (os.killpg if group else os.kill)(session.pid, signal.SIGINT)

        assert session.wait(PATIENCE_S) == pytest.ExitCode.INTERRUPTED, sessions.shown
        passed = [each for each in sessions.lines("verdict")[judged:] if each["verdict"] == "passed"]
        entries = [each for each in sessions.stored["benchmarks"] if each["params"]["metric"] == "latency_s"]
        assert sessions.stored["codeact"]["interrupted"] is True
        assert sum(each["stats"]["rounds"] for each in entries) == len(passed)
        assert len(sessions.finished) >= len(passed)
        assert f"resume with --codeact-resume={sessions.runs[0]}" in sessions.shown
    finished, before = sessions.finished, len(sessions.executed)
    sessions.complete(mode)

    assert [cell for _, _, cell in sessions.executed[before:] if cell in finished] == []
    assert_same_run(sessions.stored, whole)
