"""
The shipped scenarios: their truth, and that no wrong call of a reference solution goes unnoticed.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import math
import re
import textwrap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_codeact import ToolError
from pytest_codeact.arms import Bench
from pytest_codeact.providers import Solution
from pytest_codeact.providers.reference import ReferenceModel
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.runtimes import Limits, Sandbox
from pytest_codeact.scenario import Budget
from pytest_codeact.tools import FinalAnswer, Toolbox, python_api
from pytest_codeact.trial import Case, run_trial
from scenarios.accounting import test_workflows
from scenarios.accounting.ledger import AutumnLedger, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_codeact.records import CallRecord, Json

NUMBERS = range(1, 9)
"""The scenarios, as `test_scenario_<number>` counts them."""

OPENING_EUR = 45_850.00
"""All opening balances together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """
    One mistake in one call of a reference solution.

    Attributes:
        scenario: Number of the scenario.
        call: Which call, counted over all calls of the reference, from 0.
        kind: "drop" leaves a write out but returns what it truly returned, "double" makes it twice,
            "alter" changes one leaf of its arguments, "misread" distorts what a read returned.
        path: For "alter": keys and indices that lead to the leaf.
        value: For "alter": the other value.
    """

    scenario: int
    call: int
    kind: Literal["drop", "double", "alter", "misread"]
    path: tuple[Any, ...] = ()
    value: Json = None

    def __str__(self) -> str:
        where = ".".join(str(each) for each in self.path)
        name = truth(self.scenario).calls[self.call].name
        return f"{self.scenario}-{self.call:02}-{name}-{self.kind}" + (f"-{where}" if where else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a reference solution: its outcome and its calls, in order."""

    outcome: dict[str, Any]
    calls: tuple[CallRecord, ...]


class Tools:
    """The tools of a toolbox as a reference solution sees them, with at most one mistake built in."""

    def __init__(self, toolbox: Toolbox, mutation: Mutation | None = None, *, ignore_errors: bool = False) -> None:
        self._toolbox = toolbox
        self._mutation = mutation
        self._ignore_errors = ignore_errors
        self._made = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, name)

    def _call(self, name: str, **arguments: Any) -> Any:
        index, self._made = self._made, self._made + 1
        mutation = self._mutation
        if mutation is None or mutation.call != index:
            return self._carry_out(index, name, arguments)
        if mutation.kind == "drop":
            return self._true_result(index)
        if mutation.kind == "double":
            self._carry_out(index, name, arguments)
        if mutation.kind == "alter":
            arguments = replaced(arguments, mutation.path, mutation.value)
        result = self._carry_out(index, name, arguments)
        return distorted(result) if mutation.kind == "misread" else result

    def _carry_out(self, index: int, name: str, arguments: dict[str, Any]) -> Any:
        record = self._toolbox.call(name, arguments, origin="code")
        if record.error is None:
            return copy.deepcopy(record.result)
        if self._ignore_errors:
            return self._true_result(index)
        raise ToolError(record.error)

    def _true_result(self, index: int) -> Any:
        assert self._mutation is not None
        return copy.deepcopy(truth(self._mutation.scenario).calls[index].result)


def scenario_of(number: int) -> tuple[str, dict[str, Any]]:
    """Give the prompt of a scenario and the keyword arguments of its marker."""
    function = getattr(test_workflows, f"test_scenario_{number}")
    [mark] = [each for each in function.pytestmark if each.name == "scenario"]
    [prompt] = mark.args
    return prompt, mark.kwargs


def run(
    number: int,
    mutation: Mutation | None = None,
    *,
    solve: Callable[..., Any] | None = None,
    ignore_errors: bool = False,
) -> Run:
    """Run the reference solution of a scenario, or another one, on a fresh world."""
    _, scenario = scenario_of(number)
    toolbox = Toolbox(scenario["tools"]())
    answer = (solve or scenario["reference"])(Tools(toolbox, mutation, ignore_errors=ignore_errors))
    return Run(outcome={"answer": answer, "state": toolbox.end_state()}, calls=toolbox.journal)


@functools.cache
def truth(number: int) -> Run:
    """Run the reference solution as it is."""
    return run(number)


def agree(left: Any, right: Any) -> bool:
    """Compare two outcomes; numbers by the tolerance that the scenarios use."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(agree(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(agree, left, right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=0.0, abs_tol=test_workflows.CENT)
    return bool(left == right)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Walk all values that are neither objects nor arrays."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, key))
    else:
        yield path, value


def replaced(arguments: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Give a copy of the arguments with another value for one leaf."""
    changed = copy.deepcopy(arguments)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def distorted(result: Any) -> Any:
    """Turn all lists around, and all numbers: what was small is large."""
    if isinstance(result, dict):
        return {key: distorted(each) for key, each in result.items()}
    if isinstance(result, list):
        return [distorted(each) for each in reversed(result)]
    return 100_000 - result if isinstance(result, int | float) else result


def after(value: Any, values: list[Any]) -> Any:
    """Give the value that comes after this one, in a circle."""
    return values[(values.index(value) + 1) % len(values)]


def other_value(number: int, call: CallRecord, path: tuple[Any, ...], value: Any) -> Any:
    """Give another value that the tool would accept for a leaf of its arguments, as close as possible."""
    name = path[-1]
    if name == "invoice_id":
        made = [each.result["invoice_id"] for each in truth(number).calls if each.name == "create_invoice"]  # type: ignore[index,call-overload]  # the result is an Invoice
        return after(value, made) if len(made) > 1 else "INV-999"
    if name in {"account", "from_account", "to_account"}:
        assert isinstance(call.arguments, dict)
        return next(each for each in reversed(list(Ledger.OPENING_EUR)) if each not in call.arguments.values())
    if name in {"category", "status"}:
        return after(value, allowed_values(call.name, name))
    changes: Mapping[str, Callable[[Any], Any]] = {
        "amount": lambda amount: round(amount - 0.01, 2),
        "unit_price": lambda price: round(price - 0.01, 2),
        "quantity": lambda quantity: quantity - 0.5,
        "due_in_days": lambda days: days + 1,
        "date": next_day,
        "issued_on": next_day,
        "payer": lambda name: f"{name} Junior",
        "payee": lambda name: f"{name} Junior",
        "client": lambda name: f"{name} Junior",
        "description": lambda text: f"{text}, second part",
    }
    return changes[name](value)


def allowed_values(tool: str, parameter: str) -> list[Any]:
    """Give the values that a tool's schema allows for a parameter."""
    [schema] = [each.parameters for each in Toolbox(Ledger()).specs if each.name == tool]
    values: list[Any] = schema["properties"][parameter]["enum"]  # type: ignore[index,call-overload,assignment]  # JSON Schema of an object
    return values


def next_day(day: str) -> str:
    """Give the day after an ISO day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def mutations(number: int) -> Iterator[Mutation]:
    """Make every mistake in every call of a scenario's reference solution."""
    read_only = Toolbox(Ledger()).read_only
    for index, call in enumerate(truth(number).calls):
        if call.name in read_only:
            yield Mutation(scenario=number, call=index, kind="misread")
            continue
        yield Mutation(scenario=number, call=index, kind="drop")
        yield Mutation(scenario=number, call=index, kind="double")
        for path, value in leaves(call.arguments):
            other = other_value(number, call, path, value)
            yield Mutation(scenario=number, call=index, kind="alter", path=path, value=other)


MUTATIONS = [each for number in NUMBERS for each in mutations(number)]


def mutated_outcome(mutation: Mutation) -> Any:
    """Give what came of a mistake: an outcome, or the text of the error that the reference ended with."""
    try:
        return run(mutation.scenario, mutation).outcome
    except (ToolError, LookupError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_mutated_reference_is_noticed(mutation: Mutation) -> None:
    """No call of a reference can be left out, repeated, altered or misread with the same outcome."""
    outcome = mutated_outcome(mutation)

    assert not agree(truth(mutation.scenario).outcome, outcome), outcome


@pytest.mark.parametrize("number", NUMBERS)
def test_end_state_shows_wrong_writes_though_errors_are_ignored(number: int) -> None:
    """A write left out, repeated or altered shows in the end state alone, even if all goes on as if nothing were."""
    unnoticed = [
        str(each)
        for each in MUTATIONS
        if each.scenario == number
        and each.kind != "misread"
        and agree(truth(number).outcome["state"], run(number, each, ignore_errors=True).outcome["state"])
    ]

    assert unnoticed == []


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("arm", ["direct", "direct-serial", "code"])
def test_every_arm_can_solve_every_scenario_on_the_default_budget(number: int, arm: str) -> None:
    """The budget decides no comparison: one call per turn is enough to end."""
    prompt, scenario = scenario_of(number)
    registry = Registry()
    register_builtins(registry)
    toolbox, runtime = Toolbox(scenario["tools"]()), registry.runtime("restricted")()
    solution = Solution(function=scenario["reference"], parameters=toolbox.parameters, read_only=toolbox.read_only)
    bench = Bench(toolbox=toolbox, final=FinalAnswer(scenario["answer"]), sandbox=Sandbox(lambda _: runtime, Limits()))
    trial = run_trial(
        scenario_id=str(number),
        prompt=prompt,
        case=Case(arm=arm, model="reference"),
        arm=registry.arm(arm)(),
        provider=ReferenceModel(solution=solution, counter_loader=lambda: None),
        bench=bench,
        budget=Budget(),
    )
    runtime.close()

    assert trial.record.ended == "answered"
    assert agree(truth(number).outcome, {"answer": trial.answer, "state": trial.state})


@pytest.mark.parametrize(
    ("number", "writes", "write_leaves", "reads"),
    [
        (1, 4, 16, 3),
        (2, 3, 21, 1),
        (3, 4, 20, 1),
        (4, 7, 28, 3),
        (5, 4, 18, 2),
        (6, 16, 64, 5),
        (7, 10, 42, 2),
        (8, 15, 60, 1),
    ],
)
def test_mutations_cover_every_call(number: int, writes: int, write_leaves: int, reads: int) -> None:
    """Each write is mutated once per leaf of its arguments and twice as a whole, each read once."""
    kinds = [each.kind for each in MUTATIONS if each.scenario == number]

    assert {"drop": writes, "double": writes, "alter": write_leaves, "misread": reads} == {
        kind: kinds.count(kind) for kind in ("drop", "double", "alter", "misread")
    }


def test_mutations_change_what_they_alter() -> None:
    """No alteration puts the value that was there before."""
    for each in MUTATIONS:
        if each.kind == "alter":
            before = dict(leaves(truth(each.scenario).calls[each.call].arguments))[each.path]

            assert not agree(before, each.value), str(each)


def test_mutations_are_mostly_accepted_by_the_tools() -> None:
    """Four in five mistakes in writes meet no error: it is the outcome that shows them."""
    writes = [each for each in MUTATIONS if each.kind != "misread"]
    silent = [each for each in writes if isinstance(mutated_outcome(each), dict)]

    assert len(silent) > 0.8 * len(writes)


def test_agree_has_the_tolerance_of_half_a_cent() -> None:
    """A cent makes a difference, a rounding error does not, and neither kind nor length is forgiven."""
    assert agree({"a": [0.1 + 0.2, "x"]}, {"a": [0.3, "x"]})
    assert not agree([1.00], [1.01])
    assert not agree([1.00], [1.00, 1.00])
    assert not agree({"a": 1.00}, {"b": 1.00})
    assert not agree("1.00", 1.00)


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_repeats_itself(number: int) -> None:
    """A second run on a fresh world makes the same calls with the same outcome."""
    first, second = run(number), run(number)

    assert first.outcome == second.outcome
    assert [(each.name, each.arguments, each.result) for each in first.calls] == [
        (each.name, each.arguments, each.result) for each in second.calls
    ]


@pytest.mark.parametrize(
    ("number", "answer", "rows", "statuses"),
    [
        (
            1,
            {"total_expenses": 2301.70, "operating_balance": 10298.30, "largest_category": "rent"},
            4,
            [],
        ),
        (
            2,
            {
                "sent_total": 4979.00,
                "sent_due_on": "2026-05-07",
                "draft_total": 3090.00,
                "outstanding": 4979.00,
            },
            0,
            ["draft", "sent"],
        ),
        (
            3,
            {
                "invoice_total": 4702.00,
                "deposit": 1880.80,
                "final_payment": 2821.20,
                "savings_balance": 34321.20,
            },
            2,
            ["paid"],
        ),
        (
            4,
            {
                "income": 6057.50,
                "expenses": 1498.65,
                "net": 4558.85,
                "operating_balance": 17158.85,
                "largest_expense_category": "equipment",
            },
            7,
            [],
        ),
        (
            5,
            {
                "adjustment": 3225.50,
                "operating_balance": 8000.00,
                "savings_balance": 42274.50,
                "total_balance": 52024.50,
            },
            6,
            [],
        ),
        (
            6,
            {
                "income": 19895.50,
                "expenses": 6452.00,
                "net": 13443.50,
                "best_month": "2026-03",
                "best_month_net": 9458.50,
                "largest_expense_category": "rent",
                "tax_reserve": 2688.70,
                "operating_balance": 23354.80,
            },
            15,
            ["paid"],
        ),
        (
            7,
            {
                "invoiced": 11720.00,
                "collected": 7788.00,
                "outstanding": 3932.00,
                "overdue_client": "Segelschule Kranich",
                "overdue_amount": 2148.00,
            },
            3,
            ["overdue", "paid", "sent"],
        ),
        (
            8,
            {
                "supplies_spent": 3075.35,
                "marketing_spent": 1383.40,
                "travel_spent": 960.60,
                "training_spent": 665.00,
                "largest_expense": 1985.00,
                "over_budget": ["supplies", "travel"],
                "overrun": 135.95,
                "operating_balance": 4261.60,
            },
            20,
            [],
        ),
    ],
)
def test_reference_figures(number: int, answer: dict[str, Json], rows: int, statuses: list[str]) -> None:
    """The outcome of each reference has the figures that a calculation by hand gives."""
    outcome = truth(number).outcome
    state = outcome["state"]

    assert answer == outcome["answer"]
    assert rows == len(state["transactions"])
    assert statuses == sorted(each["status"] for each in state["invoices"])


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_keeps_the_books_balanced(number: int) -> None:
    """All balances are the opening balances plus income minus expenses, to the cent."""
    state = truth(number).outcome["state"]
    amounts = {"income": 0.0, "expense": 0.0, "transfer_in": 0.0, "transfer_out": 0.0}
    for row in state["transactions"]:
        amounts[row[1]] += row[-1]

    expected = OPENING_EUR + amounts["income"] - amounts["expense"]
    assert round(expected, 2) == round(sum(state["balances"].values()), 2)
    assert amounts["transfer_in"] == amounts["transfer_out"]


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_answer_is_of_the_answer_type(number: int) -> None:
    """Each reference answers what the scenario asks for."""
    _, scenario = scenario_of(number)
    answer = truth(number).outcome["answer"]

    assert answer == FinalAnswer(scenario["answer"]).check_value(answer)


def reference_tree(number: int) -> ast.FunctionDef:
    """Give the syntax tree of a reference solution."""
    _, scenario = scenario_of(number)
    [function] = ast.parse(textwrap.dedent(inspect.getsource(scenario["reference"]))).body
    assert isinstance(function, ast.FunctionDef)
    return function


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_is_self_contained(number: int) -> None:
    """The source of each reference runs with nothing but its parameter and the builtins."""
    function = reference_tree(number)
    function.returns = function.args.args[0].annotation = None
    namespace: dict[str, Any] = {}
    program = ast.unparse(ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[])))
    exec(program, namespace)  # noqa: S102 - the text is our own

    assert truth(number).outcome == run(number, solve=namespace[function.name]).outcome


@pytest.mark.parametrize("number", NUMBERS)
def test_reference_makes_no_identity_tests(number: int) -> None:
    """No reference asks `is`: on a result that is not known yet it could not be told."""
    operators = [
        operator for node in ast.walk(reference_tree(number)) if isinstance(node, ast.Compare) for operator in node.ops
    ]

    assert [each for each in operators if isinstance(each, ast.Is | ast.IsNot)] == []


def numbers_in(text: str) -> set[float]:
    """Give all numbers in a text, thousands separators understood; dates are none."""
    undated = re.sub(r"\d{4}-\d{2}-\d{2}", "", text)
    return {float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?:\.\d+)?", undated)}


@pytest.mark.parametrize("number", NUMBERS)
def test_prompt_holds_every_literal_argument(number: int) -> None:
    """Whatever a reference writes without having found it stands in the request, word for word."""
    prompt, scenario = scenario_of(number)
    constants = [node.value for node in ast.walk(reference_tree(number)) if isinstance(node, ast.Constant)]
    read_only = Toolbox(scenario["tools"]()).read_only
    literals = [
        value
        for call in truth(number).calls
        if call.name not in read_only
        for _, value in leaves(call.arguments)
        if value in constants
    ]
    words = " ".join(prompt.split())

    assert literals
    assert [each for each in literals if isinstance(each, str) and each not in words] == []
    assert set() == {each for each in literals if isinstance(each, int | float)} - numbers_in(prompt)


@pytest.mark.parametrize(("number", "found"), [(2, 1), (3, 3), (5, 1), (6, 3), (7, 7), (8, 1)])
def test_writes_depend_on_what_was_found(number: int, found: int) -> None:
    """Some scenarios cannot be written down at once: ids, remainders and balances come from results."""
    constants = [node.value for node in ast.walk(reference_tree(number)) if isinstance(node, ast.Constant)]
    _, scenario = scenario_of(number)
    read_only = Toolbox(scenario["tools"]()).read_only
    depending = [
        call
        for call in truth(number).calls
        if call.name not in read_only and any(value not in constants for _, value in leaves(call.arguments))
    ]

    assert found == len(depending)


@pytest.mark.parametrize("number", NUMBERS)
def test_answer_is_not_in_the_prompt(number: int) -> None:
    """At least two figures of each answer have to be found: the request does not tell them."""
    prompt, _ = scenario_of(number)
    told = numbers_in(prompt)
    figures = {value for _, value in leaves(truth(number).outcome["answer"]) if isinstance(value, float)}

    assert len(figures - told) >= 2


@pytest.mark.parametrize("number", NUMBERS)
def test_prompt_names_no_tool(number: int) -> None:
    """A request says what is wanted, not how: no tool and no field of the answer is named."""
    prompt, scenario = scenario_of(number)
    fields = [each for each in scenario["answer"].__annotations__ if "_" in each]
    tools = [each.name for each in Toolbox(scenario["tools"]()).tools]

    assert [each for each in tools + fields if each in prompt] == []


@pytest.mark.parametrize("world", [Ledger, AutumnLedger])
def test_world_is_a_toolbox(world: type[Ledger]) -> None:
    """Each world offers the same twelve tools, half of which change nothing."""
    toolbox = Toolbox(world())

    assert [each.name for each in toolbox.tools] == [
        "list_accounts",
        "list_transactions",
        "record_income",
        "record_expense",
        "transfer_funds",
        "create_invoice",
        "update_invoice_status",
        "record_payment",
        "list_invoices",
        "summarize_finances",
        "summarize_spending",
        "summarize_receivables",
    ]
    assert {
        "list_accounts",
        "list_transactions",
        "list_invoices",
        "summarize_finances",
        "summarize_spending",
        "summarize_receivables",
    } == toolbox.read_only


def test_world_has_valid_schemas() -> None:
    """Each tool's parameters are a JSON Schema of draft 2020-12, and every parameter is described."""
    jsonschema = pytest.importorskip("jsonschema")
    for spec in Toolbox(Ledger()).specs:
        jsonschema.Draft202012Validator.check_schema(spec.parameters)
        parameters: Any = spec.parameters["properties"]

        assert [name for name, each in parameters.items() if not each.get("description")] == []


@pytest.mark.parametrize("number", NUMBERS)
def test_world_has_a_python_api(number: int) -> None:
    """The API that a program is given declares every tool and the answer's type."""
    _, scenario = scenario_of(number)
    toolbox = Toolbox(scenario["tools"]())
    api = python_api(toolbox.tools, FinalAnswer(scenario["answer"]))
    declared = {node.name for node in ast.parse(api.text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}

    assert declared >= {each.name for each in toolbox.tools} | {"final_answer", scenario["answer"].__name__}


def test_world_examples_run() -> None:
    """Each example that a tool shows is a call that the tool accepts."""
    world = Ledger()
    examples = [each.example for each in Toolbox(world).tools if each.example]
    for each in examples:
        exec(each, {name: getattr(world, name) for name in dir(world)})  # noqa: S102 - the text is our own

    assert len(examples) == 3
    assert len(world.list_transactions()) == 2
    assert len(world.list_invoices()) == 1


@pytest.fixture
def ledger() -> Ledger:
    """Books with three invoices of 100 euro each: a draft, one sent and one paid."""
    world = Ledger()
    for client in ("Alpha", "Beta", "Gamma"):
        lines = [{"description": "Work", "quantity": 2, "unit_price": 50.00}]
        world.create_invoice(client=client, lines=lines, issued_on="2026-01-01")  # type: ignore[arg-type]  # a plain dict, as it comes from JSON
    for invoice_id in ("INV-002", "INV-003"):
        world.update_invoice_status(invoice_id=invoice_id, status="sent", date="2026-01-02")
    world.update_invoice_status(invoice_id="INV-003", status="paid", date="2026-01-03")
    return world


LINE: dict[str, Json] = {"description": "Work", "quantity": 1, "unit_price": 1.00}
EXPENSE: dict[str, Json] = {"amount": 1.00, "payee": "Alpha", "category": "rent", "date": "2026-01-01"}
INCOME: dict[str, Json] = {"amount": 1.00, "payer": "Alpha", "category": "sales", "date": "2026-01-01"}
TRANSFER: dict[str, Json] = {"from_account": "operating", "to_account": "tax", "amount": 1.00, "date": "2026-01-01"}
INVOICE: dict[str, Json] = {"client": "Alpha", "lines": [LINE], "issued_on": "2026-01-01"}
STATUS: dict[str, Json] = {"invoice_id": "INV-002", "status": "paid", "date": "2026-01-04"}
PAYMENT: dict[str, Json] = {"invoice_id": "INV-002", "amount": 1.00, "date": "2026-01-04"}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "record_expense",
            EXPENSE | {"account": "petty cash"},
            "unknown account 'petty cash'; accounts: 'operating', 'savings', 'tax'",
        ),
        (
            "record_income",
            INCOME | {"account": "petty cash"},
            "unknown account 'petty cash'; accounts: 'operating', 'savings', 'tax'",
        ),
        (
            "list_transactions",
            {"account": "petty cash"},
            "unknown account 'petty cash'; accounts: 'operating', 'savings', 'tax'",
        ),
        (
            "transfer_funds",
            TRANSFER | {"to_account": "petty cash"},
            "unknown account 'petty cash'; accounts: 'operating', 'savings', 'tax'",
        ),
        (
            "record_payment",
            PAYMENT | {"account": "petty cash"},
            "unknown account 'petty cash'; accounts: 'operating', 'savings', 'tax'",
        ),
        (
            "record_expense",
            EXPENSE | {"amount": 1750.01, "account": "tax"},
            "account 'tax' holds 1750.00 and cannot pay 1750.01; use another account or transfer money to it first",
        ),
        (
            "transfer_funds",
            TRANSFER | {"amount": 50000.00},
            (
                "account 'operating' holds 12700.00 and cannot pay 50000.00; "
                "use another account or transfer money to it first"
            ),
        ),
        (
            "transfer_funds",
            TRANSFER | {"to_account": "operating"},
            "cannot transfer from 'operating' to itself; name two different accounts",
        ),
        (
            "record_expense",
            EXPENSE | {"amount": -5.0},
            "amount -5.0 is not positive; give it in euro, at least 0.01",
        ),
        (
            "record_income",
            INCOME | {"amount": 0.004},
            "amount 0.004 is not positive; give it in euro, at least 0.01",
        ),
        (
            "record_expense",
            EXPENSE | {"payee": " "},
            "payee ' ' is blank; give it as it was told to you",
        ),
        (
            "record_income",
            INCOME | {"payer": ""},
            "payer '' is blank; give it as it was told to you",
        ),
        (
            "record_expense",
            EXPENSE | {"date": "3 March 2026"},
            "'3 March 2026' is not a day of the calendar; write it as YYYY-MM-DD, for example 2025-11-30",
        ),
        (
            "record_income",
            INCOME | {"date": "20260303"},
            "'20260303' is not a day of the calendar; write it as YYYY-MM-DD, for example 2025-11-30",
        ),
        (
            "record_income",
            INCOME | {"date": "2026-02-29"},
            "'2026-02-29' is not a day of the calendar; write it as YYYY-MM-DD, for example 2025-11-30",
        ),
        (
            "summarize_finances",
            {"since": "2026-02-01", "until": "2026-01-31"},
            "since '2026-02-01' is after until '2026-01-31'; give the earlier day as since",
        ),
        (
            "create_invoice",
            INVOICE | {"lines": []},
            "an invoice needs at least one line; give description, quantity and unit_price of each",
        ),
        (
            "create_invoice",
            INVOICE | {"lines": [LINE | {"quantity": 0}]},
            "quantity 0.0 is not positive; give how many hours or pieces are billed",
        ),
        (
            "create_invoice",
            INVOICE | {"lines": [LINE | {"unit_price": -2.5}]},
            "unit_price -2.5 is not positive; give it in euro, at least 0.01",
        ),
        (
            "create_invoice",
            INVOICE | {"lines": [LINE | {"description": ""}]},
            "description '' is blank; give it as it was told to you",
        ),
        (
            "create_invoice",
            INVOICE | {"client": ""},
            "client '' is blank; give it as it was told to you",
        ),
        (
            "create_invoice",
            INVOICE | {"due_in_days": -1},
            "due_in_days -1 is negative; give 0 or more days from issued_on",
        ),
        (
            "create_invoice",
            INVOICE | {"due_in_days": 10**9},
            "due_in_days 1000000000 is beyond the calendar; give fewer days from issued_on",
        ),
        (
            "record_payment",
            PAYMENT | {"invoice_id": "INV-9"},
            "unknown invoice 'INV-9'; invoices: 'INV-001', 'INV-002', 'INV-003'",
        ),
        (
            "record_payment",
            PAYMENT | {"amount": 100.01},
            "payment of 100.01 is more than what remains of invoice 'INV-002'; record at most 100.00",
        ),
        (
            "record_payment",
            PAYMENT | {"invoice_id": "INV-001"},
            "invoice 'INV-001' is a draft and cannot be paid; set it to 'sent' first",
        ),
        (
            "record_payment",
            PAYMENT | {"invoice_id": "INV-003"},
            "invoice 'INV-003' is already paid in full; nothing remains to be paid",
        ),
        (
            "update_invoice_status",
            STATUS | {"invoice_id": "INV-001"},
            "invoice 'INV-001' is a draft and cannot be paid; set it to 'sent' first",
        ),
        (
            "update_invoice_status",
            STATUS | {"invoice_id": "INV-003"},
            "invoice 'INV-003' is already paid in full; nothing remains to be paid",
        ),
        (
            "update_invoice_status",
            STATUS | {"status": "sent"},
            "invoice 'INV-002' is 'sent' and cannot become 'sent'; only an invoice that is 'draft' can",
        ),
        (
            "update_invoice_status",
            STATUS | {"invoice_id": "INV-001", "status": "overdue"},
            "invoice 'INV-001' is 'draft' and cannot become 'overdue'; only an invoice that is 'sent' can",
        ),
    ],
)
def test_ledger_refuses(ledger: Ledger, name: str, arguments: dict[str, Json], message: str) -> None:
    """A call that breaks a rule of the books says what to do instead, and changes nothing."""
    before = ledger.end_state()
    record = Toolbox(ledger).call(name, arguments, origin="direct")

    assert message == record.error
    assert before == ledger.end_state()


def test_ledger_without_invoices_says_so() -> None:
    """The list of known invoices is never left blank."""
    record = Toolbox(Ledger()).call("record_payment", PAYMENT, origin="direct")

    assert record.error == "unknown invoice 'INV-002'; invoices: none"


def test_ledger_pays_the_same_by_status_and_by_payment() -> None:
    """Setting an invoice to paid and recording a payment of all that remains are the same."""
    by_status, by_payment = Ledger(), Ledger()
    for world in (by_status, by_payment):
        lines: list[Any] = [LINE | {"quantity": 100}]
        world.create_invoice(client="Alpha", lines=lines, issued_on="2026-01-01")
        world.update_invoice_status(invoice_id="INV-001", status="sent", date="2026-01-02")
        world.record_payment(invoice_id="INV-001", amount=40.00, date="2026-01-05")
    by_status.update_invoice_status(invoice_id="INV-001", status="paid", date="2026-01-09")
    by_payment.record_payment(invoice_id="INV-001", amount=60.00, date="2026-01-09")

    assert by_status.end_state() == by_payment.end_state()


def test_ledger_end_state_ignores_order_case_and_spacing() -> None:
    """The same rows and invoices, written in another order and spelling, are the same end state."""
    forward, backward = Ledger(), Ledger()
    lines: list[Any] = [
        {"description": "Work", "quantity": 2, "unit_price": 50.00},
        {"description": "Travel", "quantity": 1, "unit_price": 20.00},
    ]
    forward.create_invoice(client="Alpha", lines=lines, issued_on="2026-01-01")
    forward.create_invoice(client="Beta", lines=lines, issued_on="2026-01-01")
    forward.record_expense(amount=1.00, payee="Old Mill", category="rent", date="2026-01-01")
    forward.record_expense(amount=2.00, payee="Old Mill", category="rent", date="2026-01-01")
    backward.record_expense(amount=2.00, payee="OLD  Mill ", category="rent", date="2026-01-01")
    backward.record_expense(amount=1.00, payee="old mill", category="rent", date="2026-01-01")
    backward.create_invoice(client="beta", lines=lines[::-1], issued_on="2026-01-01")
    backward.create_invoice(client="ALPHA", lines=lines[::-1], issued_on="2026-01-01")

    assert forward.end_state() == backward.end_state()


def test_ledger_adds_up_in_cents() -> None:
    """Ten times ten cents are a euro, whatever floats make of it."""
    world = Ledger()
    for _ in range(10):
        world.record_income(amount=0.10, payer="Alpha", category="sales", date="2026-01-01")

    assert world.summarize_finances()["income"] == 1.00


def test_ledger_lists_are_filtered(ledger: Ledger) -> None:
    """Lists leave out what another account, kind, period, status or client has."""
    ledger.transfer_funds(from_account="operating", to_account="tax", amount=5.00, date="2026-02-01")
    ledger.record_expense(amount=7.00, payee="Delta", category="rent", date="2026-03-01", account="tax")

    def amounts(**arguments: Any) -> list[float]:
        return [each["amount"] for each in ledger.list_transactions(**arguments)]

    assert amounts() == [100.00, 5.00, 5.00, 7.00]
    assert amounts(account="tax") == [5.00, 7.00]
    assert amounts(kind="transfer_out") == [5.00]
    assert amounts(since="2026-02-01") == [5.00, 5.00, 7.00]
    assert amounts(until="2026-02-01") == [100.00, 5.00, 5.00]
    assert [each["client"] for each in ledger.list_invoices(status="draft")] == ["Alpha"]
    assert [each["invoice_id"] for each in ledger.list_invoices(client="Beta")] == ["INV-002"]


def test_ledger_summaries_leave_out_other_periods(ledger: Ledger) -> None:
    """Sums are those of the period; transfers are rows, but neither income nor expenses."""
    ledger.transfer_funds(from_account="operating", to_account="tax", amount=5.00, date="2026-02-01")
    ledger.record_expense(amount=7.00, payee="Delta", category="rent", date="2026-02-28")
    ledger.record_expense(amount=9.00, payee="Delta", category="fees", date="2026-02-28")
    ledger.record_expense(amount=8.00, payee="Delta", category="rent", date="2026-03-01")

    assert ledger.summarize_finances(since="2026-02-01", until="2026-02-28") == {
        "income": 0.00,
        "expenses": 16.00,
        "net": -16.00,
        "transaction_count": 4,
    }
    assert ledger.summarize_spending(since="2026-02-01") == [
        {"category": "rent", "total": 15.00, "largest": 8.00, "expense_count": 2},
        {"category": "fees", "total": 9.00, "largest": 9.00, "expense_count": 1},
    ]


def test_ledger_receivables_count_what_is_sent(ledger: Ledger) -> None:
    """Drafts are invoiced but not outstanding; overdue invoices still are."""
    ledger.record_payment(invoice_id="INV-002", amount=30.00, date="2026-01-10")
    ledger.update_invoice_status(invoice_id="INV-002", status="overdue", date="2026-02-10")

    assert ledger.summarize_receivables() == {
        "invoice_count": 3,
        "draft_count": 1,
        "sent_count": 0,
        "overdue_count": 1,
        "paid_count": 1,
        "invoiced": 300.00,
        "collected": 130.00,
        "outstanding": 70.00,
    }
