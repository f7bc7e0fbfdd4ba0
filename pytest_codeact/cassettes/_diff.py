"""
What a request has that no recorded one has: a readable difference from the nearest.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.cassettes._key import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_codeact.cassettes._form import Cassette
    from pytest_codeact.cassettes._key import Asked

MAX_LINES: Final = 40
"""Lines of a difference that are shown."""

_MAX_WIDTH: Final = 110
_CONTEXT_LINES: Final = 2
_MAX_MESSAGES: Final = 3
"""Messages of each side that are compared, from the first that differs: what follows a difference differs too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """
    A recorded request.

    Attributes:
        trial: Number of its trial.
        index: Its place among the requests of the trial. Starts at 0.
        offer: Its offer as JSON.
        messages: Its messages as JSON, in order.
        equal: How many of them the request that was asked begins with.
    """

    trial: int
    index: int
    offer: Mapping[str, Any]
    messages: Sequence[dict[str, Any]]
    equal: int


def difference(cassette: Cassette, asked: Asked, *, trial: int) -> list[str]:
    """
    Show how a request differs from the nearest one of a cassette.

    Args:
        cassette: The recordings of its scenario, arm and model.
        asked: The request.
        trial: Number of its trial.

    Returns:
        A line that says what differs, and a unified diff of at most `MAX_LINES` lines. Empty if nothing is recorded.
    """
    recorded = list(_recorded(cassette, asked))
    if not recorded:
        return []

    def likeness(each: _Recorded) -> tuple[bool, int, int, bool]:
        missed = abs(len(each.messages) - len(asked.messages))
        return each.offer == asked.offer, each.equal, -missed, each.trial == trial

    nearest = max(recorded, key=likeness)
    parts = [name for name, value in asked.offer.items() if nearest.offer.get(name) != value]
    if nearest.equal < max(len(nearest.messages), len(asked.messages)):
        parts.append("messages")
    where = f"request {nearest.index + 1} of trial {nearest.trial}"
    if not parts:
        return [f"{where} is the same; it was recorded for another trial, or is asked more often now"]
    shown = slice(nearest.equal, nearest.equal + _MAX_MESSAGES)
    lines = list(
        difflib.unified_diff(
            [*_offer_lines(nearest.offer, parts), *_message_lines(nearest.messages[shown], nearest.equal)],
            [*_offer_lines(asked.offer, parts), *_message_lines(asked.messages[shown], nearest.equal)],
            fromfile=f"recorded: {where}",
            tofile="asked now",
            n=_CONTEXT_LINES,
            lineterm="",
        )
    )
    cut = [f"... ({len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []
    return [f"nearest is {where}; it differs in: {', '.join(parts)}", *lines[:MAX_LINES], *cut]


def _recorded(cassette: Cassette, asked: Asked) -> Iterator[_Recorded]:
    for recording in cassette.recordings:
        for index, (interaction, messages) in enumerate(recording.conversations()):
            pairs = zip(map(canonical, messages), asked.texts, strict=False)
            equal = next((place for place, (old, new) in enumerate(pairs) if old != new), None)
            yield _Recorded(
                trial=recording.trial,
                index=index,
                offer=cassette.offers.get(interaction.offer, {}),
                messages=messages,
                equal=min(len(messages), len(asked.texts)) if equal is None else equal,
            )


def _offer_lines(offer: Mapping[str, Any], parts: Sequence[str]) -> Iterator[str]:
    """Give the parts of an offer that differ, as lines."""
    for name in parts:
        if name == "system":
            yield from _folded("system: ", str(offer.get(name, "")))
        elif name == "tools":
            for tool in offer.get(name, ()):
                yield from _folded(f"tool {tool['name']}: ", json.dumps(tool, indent=1))
        elif name in offer:
            yield f"{name}: {json.dumps(offer[name])}"


def _message_lines(messages: Sequence[dict[str, Any]], first: int) -> Iterator[str]:
    for number, message in enumerate(messages, first + 1):
        yield f"message {number}, {message['role']}"
        if "text" in message:
            yield from _folded("  text: ", message["text"])
        for call in message.get("tool_calls", ()):
            arguments = call["arguments"]
            code = arguments.get("code") if isinstance(arguments, dict) and len(arguments) == 1 else None
            text = code if isinstance(code, str) else json.dumps(arguments)
            yield from _folded(f"  call {call['id']} {call['name']}: ", text)
        for result in message.get("tool_results", ()):
            kind = "error" if result["is_error"] else "result"
            yield from _folded(f"  {kind} {result['call_id']} {result['name']}: ", _pretty(result["content"]))
        if "native" in message:
            yield from _folded("  native: ", json.dumps(message["native"]))


def _pretty(content: str) -> str:
    """Give JSON in lines, and any other text as it is."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return json.dumps(value, indent=1) if isinstance(value, dict | list) else content


def _folded(head: str, text: str) -> Iterator[str]:
    """Give a text in lines that a terminal holds."""
    lines = text.splitlines() or [""]
    for number, line in enumerate(lines):
        start = head if number == 0 else "    "
        for place in range(0, max(1, len(line)), _MAX_WIDTH):
            yield (start if place == 0 else "    ") + line[place : place + _MAX_WIDTH]
