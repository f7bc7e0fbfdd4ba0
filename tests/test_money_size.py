"""The bound of a request's tokens: never below what a tokenizer gives, and the same however it was come by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from recordings_of import TOOL, request

from pytest_codeact.money import ToolSizes
from pytest_codeact.money._size import RequestSize
from pytest_codeact.providers._tekken import load_counter
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from pytest_codeact.providers import Request

ASKED = Message(role="assistant", tool_calls=(ToolCall(id="a", name="look", arguments={"name": "cup"}),))
ANSWERED = Message(role="tool", tool_results=(ToolResult(call_id="a", name="look", content='{"count": 2}'),))


def bound(asked: Request) -> int:
    """Bound a request by itself."""
    return RequestSize(ToolSizes()).bound(asked)


@pytest.mark.parametrize(
    ("change", "byte_count"),
    [
        ({"system": "Act." + "x" * 70}, 70),
        ({"system": "Act." + "é" * 70}, 140),
        ({"messages": (Message(role="user", text="How many?" + "\ud800"),)}, 6),
        ({"tools": (replace(TOOL, description="Look." + "x" * 70),)}, 70),
        ({"tools": (replace(TOOL, parameters=TOOL.parameters | {"description": "x" * 70}),)}, 70),
    ],
    ids=["system", "umlauts", "surrogate", "description", "schema"],
)
def test_every_byte_of_a_request_counts(change: dict[str, Any], byte_count: int) -> None:
    """A token stands for at least one byte, wherever it is; what cannot be encoded counts as its escape."""
    assert bound(replace(request(), **change)) >= bound(request()) + byte_count


@pytest.mark.parametrize(
    "message",
    [
        Message(role="assistant", text="x" * 70),
        Message(role="assistant", tool_calls=(ToolCall(id="a", name="look", arguments={"name": "x" * 70}),)),
        Message(role="assistant", tool_calls=(ToolCall(id="a", name="look", arguments='{"broken' + "x" * 70),)),
        Message(role="tool", tool_results=(ToolResult(call_id="a", name="look", content="x" * 70),)),
        Message(role="assistant", native={"vendor": {"thinking": "x" * 70}}),
    ],
    ids=["text", "arguments", "broken arguments", "result", "native"],
)
def test_every_part_of_a_message_counts(message: Message) -> None:
    """Text, calls, results and what only the vendor understands go back to it, and are charged for."""
    assert bound(request(message)) >= bound(request()) + 70


def test_bound_is_above_a_tokenizer_s_count() -> None:
    """Of texts that tokenize badly, and of a great many small parts, too."""
    counter = load_counter()
    if counter is None:
        pytest.skip("the vocabulary is not installed: pip install 'pytest-codeact[tokens]'")
    bad = Message(role="user", text="𓀀\x00 ⟁ zażółć 0x7f3a;;{}[]" * 50)
    for asked in (request(bad), request(*[ASKED, ANSWERED] * 50), request(tools=(TOOL,) * 50)):
        assert bound(asked) >= counter.count_request(asked)


def test_growing_conversation_is_bounded_as_by_itself() -> None:
    """What was measured before is not lost, not counted twice, and not taken for another conversation's."""
    asked = [
        request(),
        request(ASKED, ANSWERED),
        request(ASKED, ANSWERED, ASKED, ANSWERED),
        request(replace(ASKED, text="Another."), ANSWERED, ASKED),
        request(),
        request(tools=(TOOL, TOOL)),
        request(messages=()),
    ]
    size = RequestSize(ToolSizes())

    assert [size.bound(each) for each in asked] == list(map(bound, asked))


def test_tools_of_many_trials_are_forgotten_in_time() -> None:
    """Tools that are made anew for each trial do not fill the memory, and each is still bounded right."""
    sizes = ToolSizes()
    found = {
        sizes.bound([ToolSpec(name="look", description="Look.", parameters=dict(TOOL.parameters))])
        for _ in range(10_002)
    }

    assert len(found) == 1
    assert len(sizes._known) < 10_000
