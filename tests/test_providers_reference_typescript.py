"""The reference model where programs are in TypeScript: it sends what the author wrote, and asks for it if missing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from test_providers_reference import FINAL, TOOLS, _exchange, _model, _request, _spec, trip

from pytest_codeact.errors import ScenarioError, SolutionError
from pytest_codeact.providers.reference import RUN_TYPESCRIPT

if TYPE_CHECKING:
    from pytest_codeact.providers.reference import ReferenceModel
    from pytest_codeact.records import Message

PROGRAM = "const near = await tools.find({ city: 'Rome' });\nawait final_answer({ total: near.length });\n"
RUN = _spec(RUN_TYPESCRIPT, "code")


def model(fault: str = "", seed: int = 0) -> ReferenceModel:
    """Make the reference model of a scenario that is solved in both languages."""
    made = _model(trip, fault, seed)
    return replace(made, solution=replace(made.solution, typescript=PROGRAM))


def program_of(message: Message) -> str:
    """Give the program that a message runs."""
    (call,) = message.tool_calls
    assert call.name == "run_typescript"
    assert isinstance(call.arguments, dict)
    return str(call.arguments["code"])


@pytest.mark.parametrize("tools", [(RUN,), (RUN, FINAL), (*TOOLS, RUN)], ids=["alone", "structured", "hybrid"])
def test_program_is_the_authors(tools: tuple[object, ...]) -> None:
    """The name of a tool is all that tells it the language: it is what every vendor's wire carries."""
    reply = model().complete(_request(tools=tools))  # type: ignore[arg-type]  # they are ToolSpecs

    assert reply.stop == "tool_calls"
    assert program_of(reply.message) == PROGRAM


def test_missing_solution_says_what_to_do() -> None:
    """A program cannot be made of the Python solution; the error ends the trial."""
    with pytest.raises(ScenarioError) as caught:
        _model(trip).complete(_request(tools=(RUN,)))

    assert str(caught.value) == (
        "the scenario has no TypeScript solution; add reference_ts=... to its marker, or leave the arm 'code-ts' out"
    )


@pytest.mark.parametrize(
    ("fault", "first_line"),
    [
        ("buggy-program", r"console\.log\((?!tools\b)\w+\);"),
        ("wrong-argument", r'await tools\.find\(\{"(?!city")\w+": "(Rome|Oslo)"\}\);'),
        ("unknown-tool", r'await tools\.(?!find\b)\w+\(\{"city": "(Rome|Oslo)"\}\);'),
    ],
)
def test_fault_is_the_first_line_of_a_program(fault: str, first_line: str) -> None:
    """It fails before the clean program below it begins, which follows once the error is shown."""
    first = model(fault).complete(_request(tools=(RUN,))).message
    line, rest = program_of(first).split("\n\n", 1)
    messages = _exchange("run_typescript", first.tool_calls[0].arguments, "ReferenceError", is_error=True)
    second = model(fault).complete(_request(messages, tools=(RUN,))).message

    assert re.fullmatch(first_line, line)
    assert rest == PROGRAM
    assert program_of(second) == PROGRAM


def test_early_answer_runs_nothing() -> None:
    """The fault is the same in every arm."""
    assert model("early-answer").complete(_request(tools=(RUN,))).message.text == "Done."


def test_failing_program_is_the_solutions_or_the_sandboxs_fault() -> None:
    """Only an injected mistake is forgiven."""
    messages = _exchange("run_typescript", {"code": PROGRAM}, "TypeError: x", is_error=True)
    with pytest.raises(SolutionError) as caught:
        model().complete(_request(messages, tools=(RUN,)))

    assert str(caught.value).endswith(
        " failed as a program:\nTypeError: x\n"
        "Mend reference_ts in the scenario's marker; if it is right, the sandbox is at fault: report it."
    )
