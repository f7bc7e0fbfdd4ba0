"""--codeact-deadline: a trial that hangs costs its deadline and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import KEEP_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

HANGING = '''
import threading

import pytest

from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall, Usage

NEVER = threading.Event()


def hang():
    NEVER.wait()


def spin():
    while True:
        pass


def cling():
    while True:
        try:
            hang()
        except BaseException:
            pass


HANG = {hang}


class Model:
    """Looks once, then hangs if it is the first trial."""

    def __init__(self, context):
        self.hangs = context.seed == 1

    def complete(self, request):
        asked = len(request.messages) // 2
        if asked == 0:
            call = ToolCall(id="1", name="look", arguments={{"name": "cup"}})
        elif self.hangs and {in_model}:
            HANG()
        else:
            call = ToolCall(id="2", name="final_answer", arguments={{"answer": 6}})
        usage = Usage(input_tokens=100, output_tokens=10)
        return Reply(message=Message(role="assistant", tool_calls=(call,)), stop="tool_calls", usage=usage)


class Slow(DirectArm):
    def __init__(self):
        super().__init__(parallel=True)

    def act(self, reply, bench):
        HANG()


def pytest_codeact_register(registry):
    registry.add_provider("hangs", Model)
    registry.add_arm("slow", Slow)
'''

ONE = """
import pytest
from test_shelf import Shelf


@pytest.mark.scenario("How many?", tools=Shelf, answer=int)
def test_one(codeact_trial):
    assert codeact_trial.answer == 6
"""

ALLOW = "if it only needs longer, allow more with --codeact-deadline or deadline_s=... in its marker"


@pytest.mark.parametrize("count", ["1", "3"])
@pytest.mark.parametrize("hang", ["hang", "spin", "cling"])
def test_model_that_hangs_ends_one_trial(project: pytest.Pytester, hang: str, count: str) -> None:
    """It is an error that says where; what was measured is kept, and the other trials are judged."""
    project.makeconftest(HANGING.format(hang=hang, in_model="True") + KEEP_RECORDS)
    project.makepyfile(test_one=ONE)
    result = project.runpytest_subprocess(
        "test_one.py",
        "--codeact-deadline=1",
        "--codeact-model=hangs",
        "--codeact-arms=direct",
        "--codeact-trials=4",
        f"--codeact-concurrency={count}",
        timeout=60,
    )
    kept = [json.loads(line) for line in (project.path / "records.jsonl").read_text().splitlines()]

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(
        [f"DeadlineError: the trial did not end within 1 s; it was waiting for the model, after 1 round trip; {ALLOW}"]
    )
    assert kept[0]["ended"] == "error"
    assert [(turn["usage"]["input_tokens"], turn["tool_calls"]) for turn in kept[0]["turns"]] == [(100, 1)]
    assert [call["name"] for call in kept[0]["calls"]] == ["look"]


def test_arm_that_hangs_ends_its_trials(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """The reply that it was given is paid for and kept."""
    project.makeconftest(HANGING.format(hang="hang", in_model="False") + KEEP_RECORDS)
    project.makepyfile(test_one=ONE)
    result = run("test_one.py", "--codeact-deadline=0.5", "--codeact-model=hangs", "--codeact-arms=slow,direct")
    kept = [json.loads(line) for line in (project.path / "records.jsonl").read_text().splitlines()]

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [f"DeadlineError: the trial did not end within 0.5 s; it was carrying out 'look', after 1 round trip; {ALLOW}"]
    )
    assert {record["arm"]: len(record["turns"]) for record in kept} == {"slow": 1, "direct": 2}


WORLD = """
import pytest
from conftest import HANG

from pytest_codeact import tool


class World:
    def __init__(self) -> None:
        {on_making}

    @tool(read_only=True)
    def look(self, name: str) -> int:
        \"\"\"
        Look.

        Args:
            name: At what.
        \"\"\"
        {on_look}
        return 2

    def end_state(self) -> int:
        {on_end}
        return 1


@pytest.mark.scenario("How many?", tools=World, answer=int{more})
def test_one(codeact_trial):
    assert codeact_trial.answer == 6
"""


@pytest.mark.parametrize("count", ["1", "2"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            "on_making",
            "DeadlineError: test_one.py::test_one: making the trial's world did not end within 0.5 s; " + ALLOW,
        ),
        (
            "on_look",
            "DeadlineError: the trial did not end within 0.5 s; it was carrying out 'look', "
            f"after 1 round trip; {ALLOW}",
        ),
        (
            "on_end",
            "DeadlineError: the trial did not end within 0.5 s; it was taking the world's end state, "
            f"after 2 round trips; {ALLOW}",
        ),
    ],
)
def test_world_that_hangs_ends_its_trial(project: pytest.Pytester, place: str, said: str, count: str) -> None:
    """Whether it is made, used or looked at; other tests go on."""
    places = {"on_making": "pass", "on_look": "pass", "on_end": "pass", "more": "", place: "HANG()"}
    project.makeconftest(HANGING.format(hang="hang", in_model="False"))
    project.makepyfile(test_one=WORLD.format(**places) + "\n\ndef test_other():\n    pass\n")
    result = project.runpytest_subprocess(
        "test_one.py",
        "--codeact-deadline=0.5",
        "--codeact-model=hangs",
        "--codeact-arms=direct",
        f"--codeact-concurrency={count}",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([said])


def test_deadline_of_the_marker_wins(project: pytest.Pytester) -> None:
    """A scenario may set its own."""
    places = {"on_making": "pass", "on_look": "HANG()", "on_end": "pass", "more": ", deadline_s=0.25"}
    project.makeconftest(HANGING.format(hang="hang", in_model="False"))
    project.makepyfile(test_one=WORLD.format(**places))
    result = project.runpytest_subprocess("test_one.py", "--codeact-model=hangs", "--codeact-arms=direct")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["DeadlineError: the trial did not end within 0.25 s; *"])


def test_ini_sets_the_default(project: pytest.Pytester) -> None:
    """The ini key takes what the option takes."""
    places = {"on_making": "pass", "on_look": "HANG()", "on_end": "pass", "more": ""}
    project.makeconftest(HANGING.format(hang="hang", in_model="False"))
    project.makepyfile(test_one=WORLD.format(**places))
    config = project.path / "pyproject.toml"
    config.write_text(config.read_text() + "\ncodeact_deadline = 0.25\n")
    result = project.runpytest_subprocess("test_one.py", "--codeact-model=hangs", "--codeact-arms=direct")

    result.stdout.fnmatch_lines(["DeadlineError: the trial did not end within 0.25 s; *"])
