"""--codeact-concurrency: trials in threads ahead of their tests."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from projects import KEEP_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

MEETING = '''
import threading

import pytest

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall

LOCK = threading.Lock()
BEGUN, ENDED = [], []


class Meeting:
    """Lets no request through until so many are there."""

    def __init__(self, of):
        self.missing = of
        self.complete = threading.Event()

    def wait(self, timeout_s):
        with LOCK:
            self.missing -= 1
        if self.missing <= 0:
            self.complete.set()
        if not self.complete.wait(timeout_s):
            raise TimeoutError("the others did not come")


class Model:
    """Answers once so many requests have met; notes how many there are at a time."""

    def __init__(self, context):
        self.meeting = MEETING

    def complete(self, request):
        with LOCK:
            BEGUN.append(1)
            most = len(BEGUN) - len(ENDED)
        with open("most.txt", "a") as file:
            file.write(f"{most}\\n")
        self.meeting.wait(20)
        with LOCK:
            ENDED.append(1)
            with open("ended.txt", "a") as file:
                file.write("1\\n")
        call = ToolCall(id="1", name="final_answer", arguments={"answer": 6})
        return Reply(message=Message(role="assistant", tool_calls=(call,)), stop="tool_calls")


def pytest_codeact_register(registry):
    registry.add_provider("meets", Model)
'''

ONE = """
import pytest
from test_shelf import Shelf


@pytest.mark.scenario("How many?", tools=Shelf, answer=int)
def test_one(codeact_trial):
    assert codeact_trial.answer == 6
"""


def meeting(of: int) -> str:
    """Write a conftest whose model answers once so many requests have met."""
    return f"{MEETING}\n\nMEETING = Meeting({of})\n"


def records(project: pytest.Pytester) -> list[dict[str, Any]]:
    """Give what was recorded, in the order of reports, without times and what tells the ways to run apart."""
    path = project.path / "records.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    for record in found:
        for turn in record["turns"]:
            del turn["model_s"], turn["action_s"]
        for call in record["calls"]:
            del call["tool_s"]
        del record["in_flight"], record["worker"]
    return sorted(found, key=lambda record: (record["scenario"], record["arm"], record["trial"]))


def shown(result: pytest.RunResult) -> list[str]:
    """Give what a run printed, without times, traces of addresses and the count of workers."""
    lines = [re.sub(r"[\d.]+s|[\d.]+ ?ms|0x\w+", "TIME", line) for line in result.outlines]
    start = next(index for index, line in enumerate(lines) if "codeact" in line and "---" in line)
    return [re.sub(r" +\d+\.\d(?= )", " TIME", line) for line in lines[start:]]


def test_threads_change_no_figure(project: pytest.Pytester) -> None:
    """Records and the table are those of a run without threads in all that is no time, in both arms."""
    project.makeconftest(KEEP_RECORDS)
    runs = []
    for option in ("--codeact-concurrency=1", "--codeact-concurrency=4"):
        result = project.runpytest_subprocess(option, "--codeact-trials=3", "--codeact-metrics=success,tokens")
        result.assert_outcomes(passed=12)
        runs.append((records(project), shown(result)))

    assert runs[0] == runs[1]


FAULTS = """
import pytest

from pytest_codeact.errors import ProviderError
from pytest_codeact.providers.reference import reference_model


class Faulty:
    def __init__(self, context):
        self.inner = reference_model(context)
        self.number = context.seed

    def complete(self, request):
        if self.number == 2:
            raise ProviderError("the model is down")
        if self.number == 3:
            raise SystemExit("a tool's own")
        if self.number == 4:
            raise ValueError("a bug")
        if self.number == 5:
            pytest.skip("not today")
        return self.inner.complete(request)


def pytest_codeact_register(registry):
    registry.add_provider("faulty", Faulty)
"""

BROKEN = """

def make_one():
    raise OSError("no room")


class Broken(Shelf):
    def end_state(self):
        raise RuntimeError("no state")


@pytest.mark.scenario("No world.", tools=make_one, reference=fill)
def test_no_world(codeact_trial):
    assert False


@pytest.mark.scenario("No state.", tools=Broken, reference=double, answer=int)
def test_no_state(codeact_trial):
    assert False


@pytest.mark.scenario("No reference.", tools=Shelf)
def test_no_reference(codeact_trial):
    assert False
"""


def test_failures_appear_at_their_own_tests(project: pytest.Pytester) -> None:
    """What fails ahead, wherever it does, is reported by its own test as it is without threads."""
    project.makeconftest(FAULTS + KEEP_RECORDS)
    shelf = project.path / "test_shelf.py"
    shelf.write_text(shelf.read_text() + BROKEN)
    runs = []
    for option in ("--codeact-concurrency=1", "--codeact-concurrency=4"):
        result = project.runpytest_subprocess(
            option,
            "--codeact-model=faulty",
            "--codeact-trials=6",
            "--codeact-arms=direct",
            "--codeact-metrics=success",
            "-rA",
            "--tb=line",
        )
        outcomes = sorted(line for line in result.outlines if line.startswith(("PASSED", "FAILED", "ERROR", "SKIPPED")))
        runs.append((result.parseoutcomes(), outcomes, records(project)))

    assert runs[0] == runs[1]
    assert runs[0][0] == {"passed": 4, "errors": 23, "skipped": 3}


def test_interrupt_in_a_tool_interrupts_the_run_at_its_test(project: pytest.Pytester) -> None:
    """Ctrl-C in a trial that runs ahead comes when its test does: those before it are judged and kept."""
    project.makeconftest(
        FAULTS.replace('SystemExit("a tool\'s own")', "KeyboardInterrupt").replace(
            "if self.number == 2", "if self.number == -2"
        )
        + KEEP_RECORDS
    )
    result = project.runpytest_subprocess(
        "--codeact-concurrency=4", "--codeact-model=faulty", "--codeact-trials=6", "--codeact-arms=direct", "-k", "fill"
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [record["trial"] for record in records(project)] == [1, 2]
    result.stdout.fnmatch_lines(["fill *2/2*", "? trial* ran ahead and w* not judged: the run ended before * test*"])


@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["plain", "-n1"])
def test_so_many_run_at_a_time_and_no_more(project: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """Three trials meet inside the model, a fourth never; records say how many ran."""
    project.makeconftest(meeting(3) + KEEP_RECORDS)
    project.makepyfile(test_one=ONE)
    result = project.runpytest_subprocess(
        "test_one.py",
        "--codeact-concurrency=3",
        "--codeact-model=meets",
        "--codeact-trials=12",
        "--codeact-arms=direct",
        *mode,
    )
    in_flight = [json.loads(line)["in_flight"] for line in (project.path / "records.jsonl").read_text().splitlines()]

    result.assert_outcomes(passed=12)
    assert max(map(int, (project.path / "most.txt").read_text().split())) == 3
    assert set(in_flight) <= {1, 2, 3}
    assert max(in_flight) == 3
    result.stdout.no_fnmatch_line("*did not run ahead*")


def test_workers_and_threads_multiply(project: pytest.Pytester) -> None:
    """Two workers with threads of their own give one table."""
    result = project.runpytest_subprocess("-n2", "--codeact-concurrency=3", "--codeact-trials=5")

    result.assert_outcomes(passed=20)
    result.stdout.fnmatch_lines(["double *direct *5/5 *", " *code *5/5 *", "fill *direct *5/5 *", " *code *5/5 *"])


def marked(mark: str) -> str:
    """Write the test with another mark."""
    return ONE.replace("@pytest.mark.scenario", f"@pytest.mark.{mark}\n@pytest.mark.scenario")


@pytest.mark.parametrize(
    ("conftest", "test", "reason"),
    [
        (
            "@pytest.fixture\ndef codeact_client():\n    return Model(None)\n",
            ONE,
            "its fixture codeact_client is overridden",
        ),
        ("", marked("skipif(False, reason='')"), "its mark skipif may skip it"),
        ("", marked("xfail(strict=False)"), "its mark xfail may skip it"),
        (
            "@pytest.fixture(autouse=True)\ndef stock():\n    pass\n",
            ONE,
            "the fixture stock is set up before codeact_trial",
        ),
        (
            "@pytest.fixture\ndef stock(codeact_tools):\n    pass\n",
            ONE.replace("(codeact_trial)", "(stock, codeact_trial)"),
            "the fixture stock is set up before codeact_trial",
        ),
        (
            "@pytest.fixture(scope='session', params=[1])\ndef stock():\n    pass\n",
            ONE.replace("(codeact_trial)", "(stock, codeact_trial)"),
            "the fixture stock is set up before codeact_trial",
        ),
        ("", "def setup_module():\n    pass\n" + ONE, "a setup function of its module or class runs before it"),
        (
            "def pytest_runtest_setup(item):\n    pass\n",
            ONE,
            "a hook pytest_runtest_setup of the project's may skip it",
        ),
        (
            "",
            ONE.replace("codeact_trial", "codeact_tools").replace(".answer == 6", ""),
            "it does not use codeact_trial",
        ),
    ],
    ids=["overridden", "skipif", "xfail", "autouse", "argument", "params", "xunit", "hook", "unused"],
)
def test_trial_that_something_comes_before_runs_in_its_turn(
    project: pytest.Pytester, conftest: str, test: str, reason: str
) -> None:
    """It is alone in the model, and the section says how many were, and why the first."""
    project.makeconftest(meeting(1) + conftest)
    project.makepyfile(test_one=test)
    result = project.runpytest_subprocess(
        "test_one.py", "--codeact-concurrency=3", "--codeact-model=meets", "--codeact-trials=4", "--codeact-arms=direct"
    )
    most = project.path / "most.txt"
    said = result.stdout.str()

    assert sum(result.parseoutcomes().get(each, 0) for each in ("passed", "xpassed")) == 4
    assert {"1"} == set(most.read_text().split() if most.exists() else "1")
    if "codeact_trial" in test:
        assert re.search(rf"4 trials did not run ahead; the first: \S+t1\], because {reason}", said)


def test_plugin_that_may_skip_makes_trials_wait(project: pytest.Pytester) -> None:
    """Being installed makes no plugin one that runs after its trial."""
    project.makeconftest(meeting(1))
    project.makepyfile(skipper="def pytest_runtest_setup(item):\n    pass\n", test_one=ONE)
    metadata = project.mkdir("skipper-1.dist-info")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: skipper\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nskipper = skipper\n")
    project.syspathinsert()
    result = project.runpytest_subprocess(
        "test_one.py", "--codeact-concurrency=3", "--codeact-model=meets", "--codeact-trials=4", "--codeact-arms=direct"
    )

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["4 trials did not run ahead; *because a hook pytest_runtest_setup of skipper may *"])


def test_trials_in_their_turn_run_alone(project: pytest.Pytester) -> None:
    """Beside one that waits for its turn no other is in flight; those after it run ahead again."""
    project.makeconftest(meeting(1))
    project.makepyfile(test_one=ONE, test_two=marked("skipif(False, reason='')"))
    result = project.runpytest_subprocess(
        "test_two.py",
        "test_one.py",
        "--codeact-concurrency=2",
        "--codeact-model=meets",
        "--codeact-trials=8",
        "--codeact-arms=direct",
    )

    most = list(map(int, (project.path / "most.txt").read_text().split()))

    result.assert_outcomes(passed=16)
    assert set(most[:8]) == {1}
    result.stdout.fnmatch_lines(["8 trials did not run ahead; the first: test_two.py*"])


@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["plain", "-n1"])
def test_nothing_is_in_flight_while_an_ordinary_test_runs(project: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """It may change the environment, or catch what is printed, and no trial notices."""
    project.makeconftest(meeting(1).replace("self.meeting.wait(20)", "assert os.environ['KEY']; print('heard')"))
    conftest = project.path / "conftest.py"
    conftest.write_text("import os\n\nos.environ['KEY'] = '1'\n" + conftest.read_text())
    ordinary = """
        def test_plain_{0}(monkeypatch, capsys):
            monkeypatch.delenv("KEY")
            threading.Event().wait(0.1)
            assert capsys.readouterr().out == ""

    """
    tests = "".join(ONE.replace("test_one", f"test_{n}") + textwrap.dedent(ordinary.format(n)) for n in range(4))
    project.makepyfile(test_one="import threading\n" + tests)
    result = project.runpytest_subprocess(
        "test_one.py",
        "--codeact-concurrency=4",
        "--codeact-model=meets",
        "--codeact-trials=3",
        "--codeact-arms=direct",
        *mode,
    )

    result.assert_outcomes(passed=16)
    result.stdout.no_fnmatch_line("*did not run ahead*")


def test_workers_say_what_had_to_wait(project: pytest.Pytester) -> None:
    """What each worker says comes together in one line."""
    project.makeconftest("import pytest\n\n@pytest.fixture(autouse=True)\ndef stock():\n    pass\n")
    result = project.runpytest_subprocess("-n2", "--codeact-concurrency=3", "--codeact-trials=2")

    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["8 trials did not run ahead; the first: test_shelf.py::test_*"])


def test_what_comes_after_the_trial_or_is_the_sessions_lets_it_run_ahead(project: pytest.Pytester) -> None:
    """A fixture set up after the trial, a session's that is set up, a parameter and one of a plugin hold nothing up."""
    project.makeconftest(
        meeting(3)
        + "@pytest.fixture(scope='session', autouse=True)\ndef once():\n    pass\n\n"
        + "@pytest.fixture\ndef late():\n    pass\n"
    )
    test = ONE.replace("(codeact_trial)", "(codeact_trial, number, late, tmp_path)")
    project.makepyfile(test_one=test.replace("@pytest", "@pytest.mark.parametrize('number', [1, 2])\n@pytest", 1))
    result = project.runpytest_subprocess(
        "test_one.py", "--codeact-concurrency=3", "--codeact-model=meets", "--codeact-trials=3", "--codeact-arms=direct"
    )

    result.assert_outcomes(passed=6)
    result.stdout.no_fnmatch_line("*did not run ahead*")


def test_nothing_begins_once_the_run_is_over(project: pytest.Pytester) -> None:
    """After -x at most the trials that were ahead have begun; each of them ended, and the section counts them."""
    project.makeconftest(meeting(1))
    project.makepyfile(test_one=ONE.replace("== 6", "== 5"))
    result = project.runpytest_subprocess(
        "test_one.py",
        "-x",
        "--codeact-concurrency=2",
        "--codeact-model=meets",
        "--codeact-trials=50",
        "--codeact-arms=direct",
    )
    begun_count = len((project.path / "most.txt").read_text().split())
    ended_count = len((project.path / "ended.txt").read_text().split())
    unjudged = re.search(r"^(\d+) trials? ran ahead and w(as|ere) not judged", result.stdout.str(), re.MULTILINE)

    result.assert_outcomes(failed=1)
    assert begun_count <= 8
    assert ended_count == begun_count
    assert int(unjudged[1] if unjudged else 0) == begun_count - 1


def test_a_trial_that_hangs_does_not_hold_up_the_end(project: pytest.Pytester) -> None:
    """What is in flight when the run is over has a few seconds; then the run ends without it."""
    stuck = MEETING.replace("self.meeting.wait(20)", "self.meeting.wait(20 if self.first else 3600)")
    stuck = stuck.replace("self.meeting = MEETING", "self.meeting, self.first = MEETING, context.seed == 1")
    stuck = stuck.replace("if self.missing <= 0:", "if self.missing == 0:")
    stuck = stuck.replace(
        "if not self.complete.wait(timeout_s):",
        "if timeout_s > 20: threading.Event().wait()\n        elif not self.complete.wait(timeout_s):",
    )
    project.makeconftest(f"{stuck}\n\nMEETING = Meeting(2)\n")
    project.makepyfile(test_one=ONE.replace("== 6", "== 5"))
    result = project.runpytest_subprocess(
        "test_one.py",
        "-x",
        "--codeact-concurrency=2",
        "--codeact-model=meets",
        "--codeact-trials=5",
        "--codeact-arms=direct",
        timeout=60,
    )

    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(
        [r"[12] trials? ran ahead and w(as|ere) not judged: the run ended before (its|their) tests?"]
    )


IMPATIENT = """
import os
import signal
import threading

import pytest

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall

BOTH, GO, STOPPED = threading.Barrier(2), threading.Event(), threading.Event()


class Stuck:
    def __init__(self, context):
        self.trial = context.seed

    def complete(self, request):
        if self.trial < 3:
            BOTH.wait()
        if self.trial > 1:
            try:
                if self.trial == 2:
                    GO.wait()
                    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                while True:
                    threading.Event().wait(0.01)
            finally:
                STOPPED.set()
        call = ToolCall(id="1", name="final_answer", arguments={"answer": 6})
        return Reply(message=Message(role="assistant", tool_calls=(call,)), stop="tool_calls")


def pytest_codeact_register(registry):
    registry.add_provider("stuck", Stuck)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    write = terminal.write_line

    def heard(line, **markup):
        write(line, **markup)
        if line.startswith("waiting"):
            os.kill(os.getpid(), signal.SIGINT)

    terminal.write_line = heard


def pytest_runtest_logreport(report):
    if report.when == "teardown":
        GO.set()


def pytest_unconfigure():
    print("stopped:", STOPPED.wait(20))
"""


@pytest.mark.parametrize("judged", [True, False])
def test_second_interrupt_ends_the_wait_and_nothing_else(project: pytest.Pytester, judged: bool) -> None:
    """The trials in flight are stopped; what was judged is stored and shown, and how to go on is said, with -q too."""
    project.makeconftest(IMPATIENT)
    # A signal that comes right before a wait without an end is seen when the next one comes.
    waiting = "    from conftest import GO, STOPPED\n    GO.set()\n    while not STOPPED.wait(0.05):\n        pass\n"
    slow = "" if judged else waiting
    project.makepyfile(test_one=ONE.replace("    assert", slow + "    assert"))
    result = project.runpytest_subprocess(
        "test_one.py",
        "-q",
        "-s",
        "--codeact-concurrency=2",
        "--codeact-model=stuck",
        "--codeact-trials=9",
        "--codeact-arms=direct",
        *(["--benchmark-json=run.json"] if judged else []),
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.re_match_lines(
        [
            r".*waiting up to 5 s for \d trials? in flight; Ctrl-C ends the wait",
            "-+ codeact -+",
            *([r"one +direct +1/1 .*"] if judged else []),
            r"\d trials? ran ahead and w(as|ere) not judged: .*",
            r"codeact: journal \.codeact/\S+; resume with --codeact-resume=\S+",
            "stopped: True",
        ]
    )
    assert (project.path / "run.json").exists() is judged


def test_a_plan_runs_no_trial(project: pytest.Pytester) -> None:
    """--setup-plan shows fixtures and asks no model."""
    project.makeconftest(meeting(1))
    project.makepyfile(test_one=ONE)
    project.runpytest_subprocess("test_one.py", "--setup-plan", "--codeact-concurrency=2", "--codeact-model=meets")

    assert not (project.path / "most.txt").exists()


AFFINE = """
import sqlite3
from contextlib import closing

import pytest

from pytest_codeact import tool


class Ledger:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("create table sums (value integer)")

    @tool
    def add(self, value: int) -> int:
        \"\"\"
        Add a value; gives the sum.

        Args:
            value: The value.
        \"\"\"
        self.connection.execute("insert into sums values (?)", (value,))
        return self.connection.execute("select sum(value) from sums").fetchone()[0]

    def end_state(self) -> int:
        with closing(self.connection):
            return self.connection.execute("select count(*) from sums").fetchone()[0]


def add(tools):
    tools.add(value=2)
    return tools.add(value=3)


@pytest.mark.scenario("Add 2 and 3.", tools=Ledger, reference=add, answer=int)
def test_add(codeact_trial):
    assert codeact_trial.outcome == {"answer": 5, "ended": "answered", "state": 2}
"""


@pytest.mark.parametrize("count", ["1", "3"])
def test_world_may_belong_to_its_thread(project: pytest.Pytester, count: str) -> None:
    """A world is made in the thread that uses it: a connection of sqlite3 works."""
    project.makepyfile(test_ledger=AFFINE)
    result = project.runpytest_subprocess("test_ledger.py", f"--codeact-concurrency={count}", "--codeact-trials=3")

    result.assert_outcomes(passed=6)


RUNTIME = """
from pytest_codeact.runtimes import Execution

COUNTS = {"started": 0, "closed": 0}


class Interpreter:
    def prepare(self):
        COUNTS["started"] += 1

    def run(self, program):
        return Execution(status="ok")

    def close(self):
        COUNTS["closed"] += 1


class Runtime:
    language = "python"

    def start(self, bindings, limits):
        return Interpreter()

    def close(self):
        with open("counts.txt", "w") as file:
            print(COUNTS["started"], COUNTS["closed"], file=file)


def pytest_codeact_register(registry):
    registry.add_provider("meets", Model)
    registry.add_runtime("counted", Runtime)
"""


@pytest.mark.parametrize("switch", ["-v", "-x"])
def test_every_sandbox_is_closed(project: pytest.Pytester, switch: str) -> None:
    """Also those of trials that no test took."""
    project.makeconftest(meeting(1) + RUNTIME)
    project.makepyfile(test_one=ONE)
    project.runpytest_subprocess(
        "test_one.py",
        switch,
        "--codeact-concurrency=2",
        "--codeact-model=meets",
        "--codeact-sandbox=counted",
        "--codeact-trials=20",
        "--codeact-arms=code",
    )
    started, closed = (project.path / "counts.txt").read_text().split()

    assert int(started) >= 1
    assert started == closed


def test_rerun_of_a_test_runs_its_trial_anew(project: pytest.Pytester) -> None:
    """What ran ahead is handed out once."""
    project.makeconftest(
        meeting(1)
        + """
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol

    runtestprotocol(item, nextitem=nextitem, log=False)
"""
    )
    project.makepyfile(test_one=ONE)
    result = project.runpytest_subprocess(
        "test_one.py", "--codeact-concurrency=2", "--codeact-model=meets", "--codeact-trials=2", "--codeact-arms=direct"
    )

    result.assert_outcomes(passed=2)
    assert len((project.path / "most.txt").read_text().split()) == 4


def test_every_way_to_run_runs_every_trial(run: Callable[..., pytest.RunResult]) -> None:
    """Whatever the way to run, every trial is run."""
    run("--codeact-concurrency=2", "--codeact-trials=2").assert_outcomes(passed=8)
