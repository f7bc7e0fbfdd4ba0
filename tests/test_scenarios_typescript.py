"""
The shipped scenarios in TypeScript: what a model is shown type-checks, and so do the solutions, which do what those in
Python do. Deno runs both; what holds hostile programs in is the business of the runtime's own tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deno_binary import UnconfinedDeno, check_types, needs_deno
from test_scenarios import NUMBERS, agree, scenario_of, truth

from pytest_codeact.arms import Bench
from pytest_codeact.arms.code import TYPESCRIPT, CodeArm
from pytest_codeact.providers import Solution
from pytest_codeact.providers.reference import ReferenceModel
from pytest_codeact.runtimes import Limits, Sandbox
from pytest_codeact.scenario import Budget, Scenario
from pytest_codeact.tools import FinalAnswer, Toolbox, typescript_api
from pytest_codeact.trial import Case, Trial, run_trial

SNAPSHOTS = Path(__file__).parent.parent / "snapshots" / "test_workflows"


def scenario(number: int) -> Scenario:
    """Read the marker of a scenario."""
    prompt, kwargs = scenario_of(number)
    return Scenario.from_marker(f"test_workflows.py::test_scenario_{number}", (prompt,), kwargs)


def api_of(one: Scenario) -> str:
    """Give the API as the model is shown it."""
    return typescript_api(Toolbox(one.make_world()).tools, FinalAnswer(one.answer)).text


@needs_deno
def test_apis_and_solutions_type_check(tmp_path: Path) -> None:
    """The declarations are TypeScript, and a good engineer's program is well typed by them."""
    every = {number: scenario(number) for number in NUMBERS}
    sources = {f"scenario_{number}": f"{api_of(one)}\n{one.reference_ts}" for number, one in every.items()}

    assert check_types(tmp_path, sources) == {}


SLIPS = {
    "literal": ('"rent"', '"rents"', "TS2322"),
    "missing_argument": ("amount, payee, category", "amount, category", "TS2345"),
    "unknown_tool": ("tools.list_accounts", "tools.list_account", "TS2551"),
    "field": ("summary.expenses", "summary.expense", "TS2551"),
    "forgotten_await": ("await tools.list_accounts", "tools.list_accounts", "TS2339"),
    "answer_key": ("largest_category:", "largest_categories:", "TS2561"),
    "missing_answer_key": ("total_expenses: summary.expenses,", "", "TS2345"),
}
"""Per slip: what is written in place of what, and the error that it is."""


@needs_deno
def test_wrong_programs_do_not_type_check(tmp_path: Path) -> None:
    """The declarations are exact: a slip in a value, a name or an answer is one in the types."""
    one = scenario(1)
    assert one.reference_ts is not None
    programs = {name: one.reference_ts.replace(right, wrong) for name, (right, wrong, _) in SLIPS.items()}
    found = check_types(tmp_path, {name: f"{api_of(one)}\n{program}" for name, program in programs.items()})

    assert {name: [code] for name, (_, _, code) in SLIPS.items()} == {name: codes[:1] for name, codes in found.items()}


def run(number: int, fault: str, directory: Path) -> tuple[Trial, Toolbox]:
    """Run a scenario in the arm `code-ts` with the reference model."""
    one = scenario(number)
    assert one.reference is not None
    toolbox, runtime = Toolbox(one.make_world()), UnconfinedDeno(directory)
    solution = Solution(
        function=one.reference,
        parameters=toolbox.parameters,
        read_only=toolbox.read_only,
        typescript=one.reference_ts,
    )
    trial = run_trial(
        scenario_id=str(number),
        prompt=one.prompt,
        case=Case(arm="code-ts", model="reference"),
        arm=CodeArm(TYPESCRIPT),
        provider=ReferenceModel(solution=solution, fault=fault, counter_loader=lambda: None),
        bench=Bench(toolbox=toolbox, final=FinalAnswer(one.answer), sandbox=Sandbox(lambda _: runtime, Limits())),
        budget=Budget(),
    )
    return trial, toolbox


@needs_deno
@pytest.mark.parametrize("number", NUMBERS)
def test_solution_is_that_in_python(tmp_path: Path, number: int) -> None:
    """It makes the same calls in the same order, and what comes of it is the snapshot."""
    trial, toolbox = run(number, "", tmp_path)
    expected = json.loads((SNAPSHOTS / f"test_scenario_{number}.json").read_text())

    assert trial.record.error is None
    assert agree(expected, trial.outcome)
    assert len(trial.record.turns) == 1
    assert [each.name for each in truth(number).calls] == [each.name for each in toolbox.journal]
    for one, other in zip(truth(number).calls, toolbox.journal, strict=True):
        assert agree(one.arguments, other.arguments)


@needs_deno
@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        ("buggy-program", "ReferenceError", 0),
        ("wrong-argument", "ToolError: invalid arguments for 'record_expense'", 1),
        ("unknown-tool", "ToolError: unknown tool ", 1),
    ],
)
def test_fault_costs_a_turn(tmp_path: Path, fault: str, error: str, calls: int) -> None:
    """A first program that fails is shown as such; the next one carries the task out."""
    trial, toolbox = run(1, fault, tmp_path)
    (shown,) = trial.messages[2].tool_results

    assert error in shown.content
    assert [turn.code_statuses for turn in trial.record.turns] == [("error",), ("final",)]
    assert agree(truth(1).outcome, {"answer": trial.answer, "state": trial.state})
    assert len(toolbox.journal) == len(truth(1).calls) + calls
