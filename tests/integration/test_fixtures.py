"""The fixtures, each overridden in a conftest, and the hook by which others register what they have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import reference_client

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTED = '''
from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall, Usage


class Scripted:
    """Answers 6 without doing anything."""

    def complete(self, request):
        asked = (ToolCall(id="1", name="final_answer", arguments={"answer": 6}),)
        return Reply(
            message=Message(role="assistant", tool_calls=asked),
            stop="tool_calls",
            usage=Usage(input_tokens=1000, output_tokens=7),
        )
'''


@pytest.mark.parametrize(
    ("fixture", "seen"),
    [
        (
            """
            @pytest.fixture
            def codeact_client():
                return Scripted()
            """,
            "state.pan: missing, expected 1",
        ),
        (
            """
            @pytest.fixture
            def codeact_tools(codeact_scenario):
                from pytest_codeact.tools import Toolbox

                world = codeact_scenario.make_world()
                world.items["jug"] = 9
                return Toolbox(world)
            """,
            "state.jug: unexpected 9",
        ),
        (
            """
            @pytest.fixture
            def codeact_arm():
                from pytest_codeact.arms.direct import DirectArm

                return DirectArm(parallel=False)
            """,
            "TURNS 6",
        ),
        (
            """
            @pytest.fixture
            def codeact_sandbox():
                from pytest_codeact.runtimes import Limits, Sandbox

                def none(language):
                    raise AssertionError("not needed")

                return Sandbox(none, Limits())
            """,
            "TURNS 5",
        ),
        (
            """
            @pytest.fixture
            def codeact_trial(codeact_case):
                from types import SimpleNamespace

                record = SimpleNamespace(turns=[])
                return SimpleNamespace(outcome={"mine": codeact_case.arm}, record=record)
            """,
            "{'mine': 'direct'}",
        ),
        (
            """
            @pytest.fixture
            def codeact_snapshot():
                return "another truth"
            """,
            "== 'another truth'",
        ),
    ],
)
def test_each_fixture_can_be_overridden(project: pytest.Pytester, fixture: str, seen: str) -> None:
    """What a conftest gives is used in place of ours."""
    project.makeconftest("import pytest\n" + SCRIPTED)
    conftest = project.path / "conftest.py"
    lines = fixture.splitlines()
    indent = len(lines[1]) - len(lines[1].lstrip())
    conftest.write_text(conftest.read_text() + "\n\n" + "\n".join(line[indent:] for line in lines))
    source = (project.path / "test_shelf.py").read_text()
    shown = '    print("TURNS", len(codeact_trial.record.turns))\n    assert codeact_trial.outcome == codeact_snapshot'
    (project.path / "test_shelf.py").write_text(
        source.replace("    assert codeact_trial.outcome == codeact_snapshot", shown)
    )
    result = project.runpytest_subprocess("-k", "fill", "--codeact-arms=direct", "-rA", "-vv", "--show-capture=all")

    assert seen in result.stdout.str()


def test_billed_tokens_carry_no_tokenizer(project: pytest.Pytester) -> None:
    """Figures of a client of one's own are not labelled as the reference policy's."""
    project.makeconftest(
        "import pytest\n" + SCRIPTED + "\n\n@pytest.fixture\ndef codeact_client():\n    return Scripted()\n"
    )
    result = project.runpytest_subprocess("--codeact-arms=direct")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["fill *direct *0/1 *1 *1,000 *7 *"])
    result.stdout.no_fnmatch_line("*reference policy, a program*")
    result.stdout.no_fnmatch_line("*Tokens counted here*")


def test_missing_tokenizer_is_said_and_no_guess_is_made(project: pytest.Pytester) -> None:
    """Without the vocabulary the counts are n/a, are not stored, and the table says what to install."""
    project.makeconftest(reference_client("counter_loader=lambda: None"))
    result = project.runpytest_subprocess("--benchmark-json=run.json")
    run = json.loads((project.path / "run.json").read_text())

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["double *direct *1/1 *3 *n/a *n/a *", "Tokens are n/a: *Run:", "  pip install 'pytest-codeact[[]tokens[]]'"]
    )
    assert {entry["params"]["metric"] for entry in run["benchmarks"]} == {"latency_s", "round_trips"}


def test_client_of_ones_own_is_not_stored_as_the_reference_model(project: pytest.Pytester) -> None:
    """Rows of unlike models must not meet: what did not come from the reference policy is called custom."""
    project.makeconftest(
        "import pytest\n" + SCRIPTED + "\n\n@pytest.fixture\ndef codeact_client():\n    return Scripted()\n"
    )
    project.runpytest_subprocess("--codeact-arms=direct", "--benchmark-json=run.json")
    run = json.loads((project.path / "run.json").read_text())

    assert {entry["params"]["model"] for entry in run["benchmarks"]} == {"custom"}
    assert "test_shelf.py::test_fill[direct-custom]" in {entry["fullname"] for entry in run["benchmarks"]}


REGISTERING = """
import pytest

from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.measure import Metric


class Polite(DirectArm):
    def __init__(self):
        super().__init__(parallel=True)


class Quiet:
    def __init__(self, context):
        self.model = context.model

    def complete(self, request):
        from pytest_codeact.errors import ProviderError

        raise ProviderError(f"{self.model} is down")


def count_looks(record):
    return sum(call.name == "look" for call in record.calls)


def pytest_codeact_register(registry):
    registry.add_arm("polite", Polite)
    registry.add_provider("quiet", Quiet)
    registry.add_metric(Metric(name="looks", title="looks", unit="", value=count_looks))
"""


def test_conftest_registers_arm_provider_and_metric(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """What is registered is named on the command line like a built-in."""
    project.makeconftest(REGISTERING)
    result = run("--codeact-arms=polite,direct", "--codeact-metrics=success,looks")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["fill *polite *1/1 *3", "polite vs direct *saving*"])


def test_provider_that_is_down_is_an_error_and_is_counted(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """It is pytest's ERROR, in no mean, and never the model's failure."""
    project.makeconftest(REGISTERING)
    result = run("--codeact-model=quiet/q1", "--codeact-arms=direct")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*ProviderError: q1 is down", "fill *direct *1 *0/0 *n/a*"])


def test_trial_without_a_verdict_is_no_failure_of_the_model(project: pytest.Pytester) -> None:
    """Where the validator skips, or there is no snapshot to judge by, the trial counts as an error, not as failed."""
    shelf = project.path / "test_shelf.py"
    skipping = "def test_fill(codeact_trial, codeact_snapshot):\n    pytest.skip('not today')\n"
    shelf.write_text(shelf.read_text().replace("def test_fill(codeact_trial, codeact_snapshot):\n", skipping))
    (project.path / "snapshots/test_shelf/test_double.json").unlink()
    result = project.runpytest_subprocess("--codeact-arms=direct")

    result.assert_outcomes(skipped=1, failed=1)
    result.stdout.fnmatch_lines(["double *direct *1 *0/0 *", "fill *direct *1 *0/0 *"])


def test_tool_that_ends_the_test_keeps_what_was_measured(project: pytest.Pytester) -> None:
    """An outcome of pytest's own, raised inside a tool, is an error of which the round trips are still counted."""
    shelf = project.path / "test_shelf.py"
    shelf.write_text(
        shelf.read_text().replace(
            "        self.items[name] =", '        pytest.fail("from a tool")\n        self.items[name] ='
        )
    )
    result = project.runpytest_subprocess("--codeact-arms=direct", "-k", "fill")

    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(["*from a tool", "fill *direct *1 *0/0 *"])


def test_seeded_faults_of_the_reference_model(run: Callable[..., pytest.RunResult]) -> None:
    """A mistake costs a round trip and is repaired; an early answer fails. Rows name the model."""
    wrong = run("--codeact-model=reference/wrong-argument", "-v")
    early = run("--codeact-model=reference/early-answer")

    wrong.assert_outcomes(passed=4)
    wrong.stdout.fnmatch_lines(["*test_fill?direct-reference/wrong-argument?*", "double *direct *4 *", "*code *2 *"])
    early.assert_outcomes(failed=4)
    early.stdout.fnmatch_lines(['*ended: expected "answered", got "ill_typed_answer"'])


def test_buggy_program_is_repaired(run: Callable[..., pytest.RunResult]) -> None:
    """The error returns to the model with the failing line, the next program is clean."""
    result = run(
        "--codeact-model=reference/buggy-program", "--codeact-metrics=success,round_trips,code_errors,first_try"
    )

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["double *direct *1/1 *3 *0 *n/a", "*code *1/1 *2 *1 *0.00"])
