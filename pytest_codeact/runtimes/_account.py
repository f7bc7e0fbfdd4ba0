"""
What one program has used and said so far, against its limits.

Every count is taken on this side: what a process says of itself is a claim.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes._channel import ProtocolError
from pytest_codeact.runtimes._outcome import ERROR_BYTES, result_text
from pytest_codeact.runtimes._own_time import OwnTime
from pytest_codeact.runtimes._text import cut, escape, utf8_bytes

if TYPE_CHECKING:
    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Bindings, CallReply, Execution, Limits

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
"""Made once: `json.dumps` makes one for every value."""

_NAME_CHARACTERS: Final = 200
"""Longest name of a function that a program may call; whether there is one is the bindings' to say."""


class OverrunError(Exception):
    """A program used more than it may. The text names the limit."""


class Account:
    """
    The account of one program.

    Args:
        bindings: What it may call.
        limits: What it may use.

    Attributes:
        own_time: What it has left of its own time. The clock starts now.
    """

    def __init__(self, bindings: Bindings, limits: Limits) -> None:
        self.own_time = OwnTime(limits.wall_s)
        self._bindings = bindings
        self._limits = limits
        self._frames = 0
        self._calls = 0
        self._output: list[str] = []
        self._output_bytes = 0

    def count_frame(self) -> None:
        """
        Count a message of its process.

        Raises:
            OverrunError: It was one too many.
        """
        self._frames += 1
        if self._frames > self._limits.frames:
            raise OverrunError(f"message limit of {self._limits.frames} exceeded: print more at a time, less often")

    def print(self, text: str) -> None:
        """
        Take what it prints.

        Raises:
            OverrunError: It printed too much.
        """
        self._output.append(text)
        self._output_bytes += utf8_bytes(text)
        if self._output_bytes > self._limits.hard_output_bytes:
            raise OverrunError(
                f"output limit of {self._limits.hard_output_bytes} bytes exceeded: print less, print a summary"
            )

    def call(self, name: str, arguments: list[Json], keywords: dict[str, Json]) -> CallReply:
        """
        Carry out a call. The tool's time is not the program's. A result that is too long becomes an error.

        Args:
            name: Name of the function, found right by `checked_name`.
            arguments: Positional arguments.
            keywords: Keyword arguments.

        Raises:
            OverrunError: It was one too many.
        """
        self._calls += 1
        if self._calls > self._limits.tool_calls:
            raise OverrunError(
                f"call limit of {self._limits.tool_calls} tool calls in one program exceeded: "
                "do the rest in another program"
            )
        self.own_time.pause()
        try:
            reply = self._bindings.call(name, arguments, keywords)
        finally:
            self.own_time.resume()
        if reply.error is None and len(_ENCODER.encode(reply.value)) > self._limits.result_bytes:
            return replace(reply, value=None, error=result_text(self._limits))
        return reply

    def shown(self, execution: Execution) -> Execution:
        """Put in what was printed, and make every text safe to show and short enough."""
        value = None if execution.value is None else escape(execution.value)
        output = escape("".join(self._output))
        budget_bytes = self._limits.output_bytes
        if value is not None:
            value = cut(value, max(budget_bytes // 2, budget_bytes - utf8_bytes(output)))
            budget_bytes -= utf8_bytes(value)
        error = None if execution.error is None else cut(escape(execution.error), ERROR_BYTES)
        return replace(execution, output=cut(output, max(0, budget_bytes)), value=value, error=error)


def checked_name(name: str) -> str:
    """
    Give the name of a function that a process calls, if any function can be called so.

    Apart from `Account.call`, for what a runtime has to check between the two: this breach is told before any other.

    Raises:
        ProtocolError: None can.
    """
    if not name.isidentifier() or name.startswith("_") or len(name) > _NAME_CHARACTERS:
        raise ProtocolError(f"a call of {name[:_NAME_CHARACTERS]!r}, which no function can be called")
    return name
