"""
From a protocol's messages to ours. What has been read before is not read again: a client sends its whole conversation
with every request.
"""

from __future__ import annotations

import hashlib
import marshal
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pytest_codeact.emulator._wire import WireError
from pytest_codeact.records import Message, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_codeact.emulator._wire import Where

T = TypeVar("T")

MEMO_ENTRIES: Final = 20_000
"""Messages and tool lists that are remembered. Beyond that, those not used for longest are read again."""


class Conversations:
    """
    Reads conversations and tool lists, and remembers what it has read.

    Equal beginnings of conversations are the same objects, by which tokens are counted once. Safe for threads.
    """

    def __init__(self, entries: int = MEMO_ENTRIES) -> None:
        self._entries = entries
        self._known: OrderedDict[bytes, object] = OrderedDict()
        self._lock = threading.Lock()

    def messages(
        self,
        form: str,
        groups: Iterable[Sequence[Any]],
        read: Callable[[Sequence[Any], tuple[Message, ...], int], tuple[Message, ...]],
    ) -> tuple[Message, ...]:
        """
        Read a conversation.

        Args:
            form: Name of the protocol.
            groups: The protocol's messages, in order; those that make one of ours stand together.
            read: Reads a group, given our messages before it and the number of the protocol's messages before it.

        Raises:
            WireError: The messages do not follow each other as they must.
        """
        found: tuple[Message, ...] = ()
        digest = form.encode()
        count = 0
        for group in groups:
            digest = _digest(digest, group)
            before, at = found, count
            new = self._remembered(digest, lambda: _following(before, read(group, before, at), at))  # noqa: B023 - called at once
            found += new
            count += len(group)
        _check_end(found, count)
        return found

    def tools(self, form: str, tools: Sequence[Any], read: Callable[[Any, int], ToolSpec]) -> tuple[ToolSpec, ...]:
        """
        Read a list of tools.

        Raises:
            WireError: One is not as the protocol says, or two have one name.
        """

        def read_all() -> tuple[ToolSpec, ...]:
            found = tuple(read(tool, at) for at, tool in enumerate(tools))
            names = [tool.name for tool in found]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise WireError(f"Tool names must be unique: {twice!r}", ("tools",), "sense")
            return found

        return self._remembered(_digest(f"tools of {form}".encode(), tools), read_all)

    def _remembered(self, key: bytes, read: Callable[[], T]) -> T:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return cast("T", self._known[key])
        value = read()
        with self._lock:
            # Two threads may have read the same; the first one's objects stay.
            value = cast("T", self._known.setdefault(key, value))
            while len(self._known) > self._entries:
                self._known.popitem(last=False)
        return value


def _digest(before: bytes, value: Any) -> bytes:
    # Version 2 writes equal values equally; later ones note which of them are one object.
    return hashlib.blake2b(before + marshal.dumps(value, 2), digest_size=16).digest()


def _following(before: tuple[Message, ...], new: tuple[Message, ...], at: int) -> tuple[Message, ...]:
    """Let messages follow others: calls get their results, and results have had their calls."""
    where: Where = ("messages", at)
    last = before[-1] if before else None
    for message in new:
        wanted = [call.id for call in last.tool_calls] if last is not None and last.role == "assistant" else []
        given = [result.call_id for result in message.tool_results]
        if stray := [each for each in given if each not in wanted]:
            raise WireError(f"tool result {stray[0]!r} has no tool call in the message before", where, "sense")
        if len(set(given)) < len(given):
            raise WireError("each tool call must have a single result", where, "sense")
        if missing := [each for each in wanted if each not in given]:
            raise WireError(f"tool calls without results: {', '.join(missing)}", where, "sense")
        own = [call.id for call in message.tool_calls]
        if len(set(own)) < len(own):
            raise WireError("tool call ids must be unique", where, "sense")
        last = message
    return new


def _check_end(messages: tuple[Message, ...], count: int) -> None:
    if not messages:
        raise WireError("at least one message is required", ("messages",), "sense")
    if messages[0].role != "user":
        raise WireError("first message must be of the user", ("messages", 0), "sense")
    if messages[-1].role == "assistant":
        raise WireError(
            "the conversation ends with a message of the assistant; the emulator does not carry one on",
            ("messages", count - 1),
            "sense",
        )


def result_for(
    messages: tuple[Message, ...], call_id: str, content: str, *, is_error: bool, where: Where
) -> ToolResult:
    """
    Make the result of a call of the last message.

    Raises:
        WireError: There is no such call.
    """
    calls: tuple[ToolCall, ...] = messages[-1].tool_calls if messages else ()
    name = next((call.name for call in calls if call.id == call_id), None)
    if name is None:
        raise WireError(f"tool result {call_id!r} has no tool call in the message before", where, "sense")
    return ToolResult(call_id=call_id, name=name, content=content, is_error=is_error)
