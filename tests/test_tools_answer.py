"""The final answer: what is offered, accepted and refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import pytest

from pytest_codeact.errors import ScenarioError, ToolError
from pytest_codeact.records import ToolSpec
from pytest_codeact.tools import FinalAnswer


class Report(TypedDict):
    total: float
    count: int


@dataclass
class Verdict:
    name: str
    sure: bool = True


def test_free_text_is_offered() -> None:
    """Without a type the answer is a text."""
    final = FinalAnswer(None)

    assert not final.structured
    assert final.spec == ToolSpec(
        name="final_answer",
        description="Give the final answer of the task. This ends the task: nothing can be done after it.",
        parameters={
            "type": "object",
            "properties": {"answer": {"type": "string", "description": "The answer."}},
            "required": ["answer"],
            "additionalProperties": False,
        },
    )


def test_structured_answer_is_offered() -> None:
    """With a type the parameter has its schema."""
    jsonschema = pytest.importorskip("jsonschema")
    final = FinalAnswer(Report)
    jsonschema.Draft202012Validator.check_schema(final.spec.parameters)

    assert final.structured
    assert final.spec.parameters["properties"] == {
        "answer": {
            "type": "object",
            "properties": {"total": {"type": "number"}, "count": {"type": "integer"}},
            "required": ["total", "count"],
            "additionalProperties": False,
            "description": "The answer.",
        }
    }


ACCEPTED: list[tuple[Any, Any, Any]] = [
    (None, "done", "done"),
    (Report, {"count": 2.0, "total": 3}, {"total": 3.0, "count": 2}),
    (list[int], [1.0], [1]),
    (Verdict, {"name": "a"}, {"name": "a"}),
    (int | None, None, None),
    (Any, {"a": [1]}, {"a": [1]}),
]


@pytest.mark.parametrize(("hint", "value", "answer"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_answer_is_accepted_and_normalised(hint: Any, value: Any, answer: Any) -> None:
    """The same value comes of a tool call and of a program's call, with the types of the hint."""
    final = FinalAnswer(hint)
    ways = [
        final.check({"answer": value}),
        final.check_value(final.bind([value], {})),
        final.check_value(final.bind([], {"answer": value})),
    ]

    assert [repr(each) for each in ways] == [repr(answer)] * 3


def test_answer_is_a_copy() -> None:
    """Changing what was given does not change the answer."""
    given: Any = {"a": [1]}
    answer = FinalAnswer(Any).check_value(given)
    given["a"].append(2)

    assert answer == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "text"), [("a text", "a text"), (42, "42"), (None, "null"), ({"a": [1.5, "ä"]}, '{"a": [1.5, "ä"]}')]
)
def test_free_answer_takes_any_value(value: Any, text: str) -> None:
    """Without an answer type what is no text becomes its JSON text: no arm has to write it down again."""
    final = FinalAnswer(None)

    assert final.check_value(value) == text
    assert final.check({"answer": value}) == text


ILL_TYPED: list[tuple[Any, Any, str]] = [
    (
        Report,
        {"total": "3", "cnt": 2},
        "final_answer was not accepted: answer.total: expected a number, got '3'; "
        "answer.count: missing, expected an integer; "
        "answer.cnt: unknown, did you mean 'count'?; known: total, count; the answer must be Report",
    ),
    (Any, [float("inf")], "final_answer was not accepted: answer[0] is inf"),
    (None, "\ud800", "final_answer was not accepted: answer holds a lone surrogate at index 0"),
    (None, "x" * 1_000_001, "final_answer was not accepted: answer is more than 1,000,000 bytes of JSON text"),
]


@pytest.mark.parametrize(("hint", "value", "text"), ILL_TYPED, ids=range(len(ILL_TYPED)))
def test_ill_typed_answer_is_refused(hint: Any, value: Any, text: str) -> None:
    """All problems are told, with what is expected."""
    with pytest.raises(ToolError) as caught:
        FinalAnswer(hint).check({"answer": value})

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("done", "'done'"),
        ({}, "{}"),
        ({"total": 3}, "{'total': 3}"),
        ({"answer": 1, "b": 2}, "{'answer': 1, 'b': 2}"),
        (None, "None"),
    ],
    ids=range(5),
)
def test_arguments_without_just_the_answer_are_refused(arguments: Any, shown: str) -> None:
    """A tool call has one argument."""
    with pytest.raises(ToolError) as caught:
        FinalAnswer(Report).check(arguments)

    assert str(caught.value) == f'final_answer takes an object with one key, {{"answer": Report}}; got {shown}'


@pytest.mark.parametrize(
    ("args", "kwargs", "given"),
    [
        ([], {}, "0: none"),
        ([1, 2], {}, "2: 1, 2"),
        ([1], {"answer": 2}, "2: 1, answer=2"),
        ([], {"total": 3}, "1: total=3"),
    ],
    ids=range(4),
)
def test_program_call_without_just_the_answer_is_refused(args: list[Any], kwargs: dict[str, Any], given: str) -> None:
    """A function call has one argument, by position or by name."""
    with pytest.raises(ToolError) as caught:
        FinalAnswer(Report).bind(args, kwargs)

    assert str(caught.value) == f"final_answer() takes one argument, the answer: Report; got {given}"


def test_refusals_are_cut() -> None:
    """A refusal never floods the conversation."""
    final = FinalAnswer(list[Report])
    long: Any = [["x" * 100] * 6] * 6
    with pytest.raises(ToolError) as bound:
        final.bind(long * 100, {})
    with pytest.raises(ToolError) as checked:
        final.check({"answer": [{"total": long, "count": long}] * 10})

    assert [len(str(each.value)) for each in (bound, checked)] == [2_000, 2_000]


def test_unsupported_answer_type_is_refused() -> None:
    """The message says that it is the answer's type."""
    with pytest.raises(
        ScenarioError, match=r"^final_answer, answer type: unsupported type hint set\[int\]; allowed are "
    ):
        FinalAnswer(set[int])
