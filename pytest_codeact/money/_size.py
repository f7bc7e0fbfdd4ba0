"""
How large a request may be at most, in tokens: a bound that needs no tokenizer.

A token of every vendor's vocabulary stands for at least one byte of text, so no text has more tokens than bytes. What a
vendor adds (the prompt by which it explains tools, the marks around messages) is allowed for. English prose has four
bytes a token: the bound is far off the truth, and never below it. The budget rests on it, and a tokenizer of another
vendor's would be nearer, and wrong for some texts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.providers import Request
    from pytest_codeact.records import Message, ToolSpec

_PER_REQUEST: Final = 1_000
"""Tokens that a vendor may add once: its own prompt for tools has some hundreds."""

_PER_PART: Final = 50
"""Tokens that it may add around a message, a call, a result or a tool."""

_MOST_TOOLS: Final = 10_000
"""Tools that are remembered; an arm may make one anew for each trial."""

_text: Final = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` would make an encoder for every text, and a request may hold many."""


class ToolSizes:
    """
    Bounds tools, each once, as the same object: the tools of a world are the same objects in all trials of a process.

    Safe for threads.
    """

    def __init__(self) -> None:
        # With the tool itself: what is held here cannot leave its id to another.
        self._known: dict[int, tuple[ToolSpec, int]] = {}

    def bound(self, tools: Sequence[ToolSpec]) -> int:
        """Give the most tokens that these tools may be charged for."""
        if len(self._known) > _MOST_TOOLS:
            self._known = {}
        known, total = self._known, 0
        for tool in tools:
            found = known.get(id(tool))
            if found is None:
                found = known[id(tool)] = tool, _tool_bound(tool)
            total += found[1]
        return total


class RequestSize:
    """
    Bounds the requests of one trial. A message that it has measured, as the same object, it does not measure again.

    Args:
        tools: The process's.
    """

    def __init__(self, tools: ToolSizes) -> None:
        self._tool_sizes = tools
        self._tools: tuple[ToolSpec, ...] | None = None
        self._tools_bound = 0
        self._message: Message | None = None
        self._message_count = 0
        self._messages_bound = 0

    def bound(self, request: Request) -> int:
        """Give the most tokens that a request may be charged for as input."""
        if request.tools is not self._tools:
            self._tools, self._tools_bound = request.tools, self._tool_sizes.bound(request.tools)
        messages, count = request.messages, self._message_count
        if count > len(messages) or (count and messages[count - 1] is not self._message):
            count = self._messages_bound = 0
        for message in messages[count:]:
            self._messages_bound += _message_bound(message)
        self._message_count, self._message = len(messages), messages[-1] if messages else None
        return _PER_REQUEST + _byte_count(request.system) + self._tools_bound + self._messages_bound


def _tool_bound(tool: ToolSpec) -> int:
    return _PER_PART + sum(map(_byte_count, (tool.name, tool.description, _text(tool.parameters))))


def _message_bound(message: Message) -> int:
    bound = _PER_PART + _byte_count(message.text)
    for call in message.tool_calls:
        arguments = call.arguments if isinstance(call.arguments, str) else _text(call.arguments)
        bound += _PER_PART + sum(map(_byte_count, (call.id, call.name, arguments)))
    for result in message.tool_results:
        bound += _PER_PART + sum(map(_byte_count, (result.call_id, result.name, result.content)))
    if message.native is not None:
        bound += _byte_count(_text(message.native))
    return bound


def _byte_count(text: str) -> int:
    # Whether a text is ASCII is known of every str; encoding would copy it.
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))
