"""The emulator with a project's solutions: the fixture and the command `serve`."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Shelf

from pytest_codeact.emulator import Emulator
from pytest_codeact.errors import ScenarioError
from pytest_codeact.scenario import Scenario
from pytest_codeact.serving import solution_of, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("uvicorn")

USES = """
import http.client, json

PROMPT = "Double the cups. How many are there now?"


def ask(codeact_emulator, task):
    connection = http.client.HTTPConnection(codeact_emulator.url.removeprefix("http://"))
    look = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = {"model": "m", "messages": [{"role": "user", "content": task}], "tools": [look]}
    connection.request("POST", "/openai/v1/chat/completions", json.dumps(body), {"authorization": "Bearer sk-canary"})
    response = connection.getresponse()
    fields = json.loads(response.read())
    connection.close()
    return response.status, fields


def test_knows_the_sessions_scenarios(codeact_emulator):
    status, fields = ask(codeact_emulator, PROMPT)
    assert fields["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "look"
    assert codeact_emulator.task_count == 2


def test_has_faults(codeact_emulator):
    codeact_emulator.order("529")
    assert ask(codeact_emulator, "x")[0] == 529
    assert ask(codeact_emulator, "x")[0] == 200
    assert "canary" not in repr(codeact_emulator.requests)
"""


def test_fixture_knows_the_scenarios_of_the_session(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """The fixture serves what was collected, in a plain run and in every worker."""
    project.makepyfile(test_uses=USES)

    run("test_uses.py", "test_shelf.py", "-k", "knows or faults or fill or double").assert_outcomes(passed=6)


@pytest.fixture
def serving(project: pytest.Pytester) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts the command in the project."""
    started: list[subprocess.Popen[str]] = []

    def serve(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-m", "pytest_codeact", "serve", *arguments],
            cwd=project.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def ask(url: str, task: str) -> tuple[int, Any]:
    """Ask an emulator."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": task}]}
    connection.request("POST", "/v1/messages", json.dumps(body))
    response = connection.getresponse()
    fields = json.loads(response.read())
    connection.close()
    return response.status, fields


def test_command_serves_until_ctrl_c(serving: Callable[..., subprocess.Popen[str]]) -> None:
    """It says in one line where it is, knows the scenarios under the path, has its faults, and ends cleanly."""
    process = serving("--port", "0", "--fault", "429:retry-after=3@2", "test_shelf.py")
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"at (http://127\.0\.0\.1:\d+) \(2 tasks known\); use it with --codeact-base-url=(\S+) ", line)

    assert found is not None
    assert found[1] == found[2]
    assert ask(found[1], "Hi")[1]["content"][0]["text"].startswith("The emulator knows no solution")
    assert ask(found[1], "Hi")[0] == 429
    # A known task whose tools are not offered: the reference model says so.
    assert "it would call 'look'" in ask(found[1], "Double the cups. How many are there now?")[1]["error"]["message"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("", "", 0)


def test_command_refuses_what_it_cannot_serve(serving: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """A wrong fault, a path that is not there, and a port that is none are exit code 2 and a reason."""
    for arguments, said in (
        (["--fault", "nope"], "serve: error: unknown fault 'nope'; known faults:"),
        (["nowhere.py"], "serve: error: pytest cannot collect the scenarios:\n"),
        (["--port", "70000"], "serve: error: cannot listen at port 70000:"),
        (["--ttft", "-1"], "argument --ttft: must be a number from 0; got '-1'"),
    ):
        process = serving(*arguments)
        _, err = process.communicate(timeout=60)

        assert said in err
        assert process.returncode == 2


def test_scenario_without_a_solution_cannot_be_learnt() -> None:
    """The message names the scenario and says what to add."""
    scenario = Scenario(id="test_x.py::test_y", prompt="Do it.", tools=dict)

    with pytest.raises(ScenarioError, match=re.escape("test_x.py::test_y: the scenario has no reference solution")):
        solution_of(scenario)


def test_scenarios_that_cannot_be_told_apart_are_named() -> None:
    """Two solutions of one prompt are a warning that names both; two scenarios with one solution are none."""

    def one(tools: Any) -> str:
        return "one"

    def two(tools: Any) -> str:
        return "two"

    def scenario(name: str, reference: object) -> Scenario:
        marked = {"tools": Shelf, "reference": reference}
        return Scenario.from_marker(name, ("Say a number.",), marked)

    twins = [scenario("test_x.py::test_a", one), scenario("test_x.py::test_b", one), scenario("test_x.py::test_c", two)]
    with Emulator() as emulator:
        doubts = teach(twins, emulator)

        assert doubts == [
            "test_x.py::test_b and test_x.py::test_c have one prompt and two solutions; the emulator, which knows a "
            "task by its text, acts by that of test_x.py::test_c; word one of the prompts otherwise"
        ]
        assert ask(emulator.url, "Say a number.")[1]["content"][0]["text"] == "two"


TWINS = """
import pytest
from test_shelf import Shelf


def one(tools):
    return "one"


def two(tools):
    return "two"


@pytest.mark.scenario("Say a number.", tools=Shelf, reference=one)
def test_one(codeact_trial):
    pass


@pytest.mark.scenario("Say a number.", tools=Shelf, reference=two)
def test_two(codeact_trial):
    pass


def test_emulator(codeact_emulator):
    assert codeact_emulator.task_count == 1
"""


def test_user_is_told_of_scenarios_that_cannot_be_told_apart(
    project: pytest.Pytester,
    once: Callable[..., pytest.RunResult],
    serving: Callable[..., subprocess.Popen[str]],
) -> None:
    """The fixture warns, and the command says it on stderr and serves."""
    project.makepyfile(test_twins=TWINS)

    result = once("test_twins.py", "-k", "emulator or one or two", "-W", "default")
    result.stdout.fnmatch_lines(["*CodeActWarning: *test_one and *test_two have one*"])
    process = serving("test_twins.py")
    assert process.stdout is not None
    assert "1 task known" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert err.startswith(
        "python -m pytest_codeact serve: warning: test_twins.py::test_one and test_twins.py::test_two"
    )
