"""What a run loses when something dies: the trial that was in flight, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import counted, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

KILLER = '''
import os
import signal
import pytest
from pytest_codeact import tool
from test_shelf import Item, Shelf

RUNS = {runs!r}

class Deadly(Shelf):
    @tool(read_only=True)
    def look(self, name: str) -> Item:
        """
        Die.

        Args:
            name: Any.
        """
        os.kill(os.getpid(), signal.SIGKILL)

@pytest.fixture
def codeact_tools(codeact_scenario, codeact_case, codeact_tools, request):
    from pytest_codeact.tools import Toolbox

    with open(RUNS, "a") as log:
        log.write(request.node.name + "\\n")
    return Toolbox(Deadly()) if {deadly} else codeact_tools
'''

INTERRUPT = """
import os
import signal
import pytest

class Interrupter:
    ended = 0

    def pytest_runtest_logreport(self, report):
        self.ended += report.when == "teardown"
        if self.ended == {after}:
            self.ended += 1
            os.kill(os.getpid(), signal.SIGINT)

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Interrupter())
"""


def kill(project: pytest.Pytester, deadly: str) -> Callable[[], list[str]]:
    """Let some trials kill their worker; give a function that lists every trial that was begun."""
    runs = project.path / "runs.txt"
    project.makeconftest(KILLER.format(runs=str(runs), deadly=deadly))
    return lambda: sorted(runs.read_text().split())


def test_killed_worker_loses_the_trial_in_flight_alone(project: pytest.Pytester) -> None:
    """SIGKILL in a tool: reported as crashed, counted as an error, not run again; all others are there."""
    runs = kill(project, "request.node.name == 'test_fill[code-t2]'")
    result = project.runpytest_subprocess("-n2", "--codeact-trials=6", "--benchmark-json=run.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=23, failed=1)
    result.stdout.fnmatch_lines(
        [
            "worker 'gw?' crashed while running 'test_shelf.py::test_fill?code-t2?'",
            "double *direct *0 *6/6 *",
            "*code *0 *6/6 *",
            "fill *direct *0 *6/6 *",
            "*code *1 *5/5 *",
        ]
    )
    assert len(runs()) == len(set(runs())) == 24
    assert stored(project)["codeact"]["failed"] == ["test_shelf.py::test_fill"]
    # The one that took the dead one's place makes no third.
    assert stored(project)["codeact"]["worker_count"] == 2


def test_fifty_crashes_in_one_run(project: pytest.Pytester) -> None:
    """Every second trial kills its worker: fifty errors, and everything else is stored."""
    runs = kill(project, "codeact_case.trial % 2")
    result = project.runpytest_subprocess(
        *(
            "-n2",
            "--max-worker-restart=60",
            "--codeact-arms=direct",
            "--codeact-trials=50",
            "--benchmark-json=run.json",
        ),
        *("-p", "no:cacheprovider", "-q"),
    )
    extra = {
        entry["extra_info"]["scenario"]: entry["extra_info"]
        for entry in stored(project)["benchmarks"]
        if entry["params"]["metric"] == "latency_s"
    }

    result.assert_outcomes(passed=50, failed=50)
    assert [(each["trials"], each["errors"]) for each in extra.values()] == [(25, 25), (25, 25)]
    assert len(runs()) == len(set(runs())) == 100


def test_restart_limit_leaves_a_list_of_what_was_not_run(project: pytest.Pytester) -> None:
    """The run is red, what was finished is stored, and what never ran is named."""
    kill(project, "codeact_case.trial > 1")
    result = project.runpytest_subprocess(
        "-n2", "--max-worker-restart=2", "--codeact-arms=direct", "--codeact-trials=10", "--benchmark-json=run.json"
    )
    listed = [line for line in result.outlines if line.startswith(("  test_shelf.py::", "  ... and "))]
    outcomes = result.parseoutcomes()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    # Both workers may die before the first death is dealt with.
    assert outcomes["failed"] in (3, 4)
    left = 20 - outcomes["failed"] - outcomes.get("passed", 0)
    result.stdout.fnmatch_lines([f"{left} trials were collected and never reported: *"])
    assert len(listed) == 11


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_interrupted_run_stores_what_was_finished(project: pytest.Pytester, mode: str) -> None:
    """Ctrl-C: exit code 2, the finished trials are in the table and in the file, which says that it is incomplete."""
    project.makeconftest(INTERRUPT.format(after=5))
    result = project.runpytest_subprocess(mode, "--codeact-trials=8", "--benchmark-json=run.json")
    run = stored(project)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert run["codeact"]["interrupted"]
    assert sum(entry["stats"]["rounds"] for entry in run["benchmarks"] if entry["params"]["metric"] == "tokens") >= 5
    result.stdout.no_fnmatch_line("*collected and never reported*")


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_run_that_stops_at_the_first_failure_stores_what_was_finished(project: pytest.Pytester, mode: str) -> None:
    """-x: the failed trial and those before it are in the file."""
    shelf = project.path / "test_shelf.py"
    body = "def test_fill(codeact_trial, codeact_case, codeact_snapshot):\n    assert codeact_case.trial < 3\n"
    shelf.write_text(shelf.read_text().replace("def test_fill(codeact_trial, codeact_snapshot):\n", body))
    result = project.runpytest_subprocess(mode, "-x", "--codeact-trials=20", "--benchmark-json=run.json")
    run = stored(project)

    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    assert run["codeact"]["interrupted"]
    assert run["codeact"]["failed"] == ["test_shelf.py::test_fill"]
    assert counted(run)
    result.stdout.no_fnmatch_line("*collected and never reported*")


DEADLY_AHEAD = """
import os
import threading

import pytest

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall

JUDGING, BEGUN = threading.Event(), threading.Semaphore(0)


class Deadly:
    \"\"\"Trials 6, 7 and 8 never answer; once all have begun, and a test says so, 6 kills the worker, once.\"\"\"

    def __init__(self, context):
        self.trial = context.seed

    def complete(self, request):
        with open("began.txt", "a") as log:
            print(self.trial, file=log)
        if self.trial in (6, 7, 8) and not os.path.exists("killed"):
            BEGUN.release()
            if self.trial == 6:
                for _ in range(3):
                    BEGUN.acquire()
                JUDGING.wait()
                open("killed", "w").close()
                os._exit(9)
            threading.Event().wait()
        call = ToolCall(id="1", name="final_answer", arguments={"answer": 6})
        return Reply(message=Message(role="assistant", tool_calls=(call,)), stop="tool_calls")


def pytest_codeact_register(registry):
    registry.add_provider("deadly", Deadly)
"""

ELSEWHERE = """

@pytest.hookimpl(trylast=True)
def pytest_configure_node(node):
    from pytest_codeact.journal import DIRECTORY, FILE, Outbox

    handed = node.workerinput["codeact"]
    file = node.config.rootpath / DIRECTORY / handed["run"] / FILE
    handed.update(place=["elsewhere"], journal=Outbox.pack(file.read_bytes() if file.exists() else b""))
"""

DEADLY_TEST = """
import os
import pytest
from conftest import JUDGING
from test_shelf import Shelf


@pytest.mark.scenario("How many?", tools=Shelf, answer=int)
def test_one(codeact_trial, codeact_case):
    if codeact_case.trial == 5 and not os.path.exists("killed"):
        JUDGING.set()
        JUDGING.__class__().wait()
    assert codeact_trial.answer == 6
"""


@pytest.mark.parametrize("elsewhere", ["", ELSEWHERE], ids=["same machine", "other machine"])
def test_worker_that_dies_costs_what_ran_ahead_in_it_once(project: pytest.Pytester, elsewhere: str) -> None:
    """What was in flight is an error and named, what had ended stays so, and nothing is paid for again."""
    project.makeconftest(DEADLY_AHEAD + elsewhere)
    project.makepyfile(test_one=DEADLY_TEST)
    arguments = ("test_one.py", "-n1", "--codeact-concurrency=3", "--codeact-model=deadly", "--codeact-arms=direct")
    result = project.runpytest_subprocess(*arguments, "--codeact-trials=20")
    began = (project.path / "began.txt").read_text().split()
    crashed = [line for line in result.outlines if "crashed while running" in line]

    result.assert_outcomes(passed=16, failed=4)
    assert sorted(map(int, began)) == list(range(1, 21))
    for trial in (5, 6, 7, 8):
        assert sum(f"[direct-deadly-t{trial}]" in line for line in crashed) == 1
    result.stdout.fnmatch_lines(
        [
            "one *direct *4 *16/16 *",
            "test_one.py::test_one[[]direct-deadly-t5]: its worker died after the trial had ended; "
            "a resumed run takes it from the journal and judges it",
        ]
    )
    resumed = project.runpytest_subprocess(*arguments, "--codeact-resume=last")

    resumed.assert_outcomes(passed=20)
    resumed.stdout.fnmatch_lines(["17 of 20 trials taken from the journal"])


@pytest.mark.parametrize("elsewhere", ["", ELSEWHERE], ids=["same machine", "other machine"])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_ended_and_was_not_judged_is_taken_by_a_resumed_run(
    project: pytest.Pytester, elsewhere: str, concurrency: int
) -> None:
    """A worker's last words reach the controller's journal, from wherever it is; nothing is run twice."""
    project.makeconftest(DEADLY_AHEAD.replace("in (6, 7, 8)", "in ()") + elsewhere)
    # Ctrl-C at the first test: its trial has ended, and no report of it was sent.
    project.makepyfile(
        test_one="""
        import os
        import pytest
        from test_shelf import Shelf

        @pytest.mark.scenario("How many?", tools=Shelf, answer=int)
        def test_one(codeact_trial):
            if not os.path.exists("killed"):
                open("killed", "w").close()
                raise KeyboardInterrupt
        """
    )
    arguments = (
        "test_one.py",
        "-n1",
        f"--codeact-concurrency={concurrency}",
        "--codeact-model=deadly",
        "--codeact-arms=direct",
    )
    result = project.runpytest_subprocess(*arguments, "--codeact-trials=20")
    ended = len((project.path / "began.txt").read_text().split())
    resumed = project.runpytest_subprocess(*arguments, "--codeact-resume=last")
    began = (project.path / "began.txt").read_text().split()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    if concurrency > 1:
        result.stdout.fnmatch_lines(["* ran ahead and w* not judged: the run ended before *"])
    resumed.assert_outcomes(passed=20)
    resumed.stdout.fnmatch_lines([f"{ended} of 20 trials taken from the journal"])
    assert sorted(map(int, began)) == list(range(1, 21))


def test_exit_of_any_code_leaves_an_incomplete_run(project: pytest.Pytester) -> None:
    """pytest.exit says that the run ends here, also with the exit code of a run that is done."""
    project.makepyfile(test_exit="import pytest\n\ndef test_exit():\n    pytest.exit('enough', returncode=0)\n")
    arguments = ("test_exit.py", "test_shelf.py::test_double", "--benchmark-json=run.json")
    result = project.runpytest_subprocess("test_shelf.py::test_fill", *arguments)

    assert result.ret == pytest.ExitCode.OK
    assert stored(project)["codeact"]["interrupted"]
    result.stdout.fnmatch_lines(["codeact: journal *; resume with --codeact-resume=*"])


def test_worker_that_dies_between_two_trials_costs_the_next(project: pytest.Pytester) -> None:
    """The crash is charged to a trial that had not begun; it is counted as an error, as it will not be run."""
    project.makeconftest(
        """
        import os
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_runtest_logstart(nodeid):
            if nodeid.endswith("test_fill[code-t3]") and "PYTEST_XDIST_WORKER" in os.environ:
                os._exit(3)
        """
    )
    result = project.runpytest_subprocess("-n1", "--codeact-trials=4", "--max-worker-restart=2")

    result.assert_outcomes(passed=15, failed=1)
    result.stdout.fnmatch_lines(["fill *direct *0 *4/4 *", "*code *1 *3/3 *"])
