"""
What a program is told about its failure: Monty's error in the form of CPython's, and whose fault it is.

Monty says of a class that it cannot inherit, and of a method that its `str` lacks, what CPython says of a wrong
program. What plain Python would have run is "denied" here: the sandbox's doing, not the program's.
"""

from __future__ import annotations

import builtins
import importlib
import re
import sys
import types
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes import Execution
from pytest_codeact.runtimes._text import cut

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic_monty import MontyRuntimeError, MontySyntaxError

FILE_NAME: Final = "main.py"

REPORT_BYTES: Final = 4096
"""Longest report, in UTF-8 bytes."""

MODULES: Final = (
    "asyncio", "base64", "binascii", "bisect", "collections", "copy", "csv", "dataclasses", "datetime", "decimal",
    "functools", "hashlib", "itertools", "json", "math", "os", "pathlib", "random", "re", "sys", "time", "tomllib",
    "typing", "unicodedata",
)  # fmt: skip
"""The modules that Monty has, all of the standard library and safe to import here. None has all that CPython's has."""

_NOT_YET: Final = "The monty syntax parser does not yet support"
_REFUSALS: Final = {
    "NotImplementedError": re.compile(rf"{_NOT_YET}|Wildcard imports |.*cannot suspend in this synchronous context$"),
    "RuntimeError": re.compile(r"Internal error in monty|.* is not supported in this environment$"),
    "PermissionError": re.compile(r"Permission denied: "),
}
"""What Monty says of a rule of its own, by the name of the error. Programs may raise the same with other texts."""

_NO_MODULE: Final = re.compile(r"No module named '([\w.]+)'")
_NO_EXPORT: Final = re.compile(r"cannot import name '(\w+)' from '(\w+)'")
_NO_MEMBER: Final = re.compile(r"module '(\w+)' has no attribute '(\w+)'$")
_NO_METHOD: Final = re.compile(r"(?:type object )?'(\w+)'(?: object)? has no attribute '(\w+)'$")
_NO_NAME: Final = re.compile(r"name '(\w+)' is not defined$")

_FRAME: Final = re.compile(r'(?m)^  File "<python-input-(\d+)>", line .*\n(?:    .*\n)*(?:  \[Previous line .*\n)?')
_FRAME_FILE: Final = re.compile(r"<python-input-(\d+)>")


class Feeds:
    """
    What a worker was fed. It numbers its feeds, and calls the file of number n `<python-input-n>`.

    Programs are what is shown, and have numbers of their own, from 1. The other feeds prepare them.
    """

    def __init__(self) -> None:
        self._feeds: list[tuple[str, int]] = []
        self._programs = 0

    def add(self, source: str) -> None:
        """Remember a feed that is no program."""
        self._feeds.append((source, 0))

    def add_program(self, source: str) -> None:
        """Remember a program; what `shown` says of earlier ones changes."""
        self._programs += 1
        self._feeds.append((source, self._programs))

    def forget_last(self) -> None:
        """Take back what the worker did not count."""
        self._feeds.pop()

    @property
    def program(self) -> str:
        """The last program."""
        return next(source for source, number in reversed(self._feeds) if number)

    def source(self, file: str) -> str | None:
        """Give the source of a feed by the name of its file. None if there is none."""
        match = _FRAME_FILE.fullmatch(file)
        return self._feeds[int(match[1])][0] if match and int(match[1]) < len(self._feeds) else None

    def shown(self, feed: int) -> str | None:
        """Give the name to show for the file of a feed. None for one that is not a program's."""
        number = self._feeds[feed][1] if feed < len(self._feeds) else self._programs
        if not number:
            return None
        return FILE_NAME if number == self._programs else f"{FILE_NAME} (program {number})"


def failure(error: MontyRuntimeError | MontySyntaxError, feeds: Feeds, tool_errors: Collection[str]) -> Execution:
    """
    Give the outcome of a program that raised.

    Args:
        error: What came out of it.
        feeds: What its worker was fed, the program last.
        tool_errors: The texts of the failed calls of this program.
    """
    kind, _, message = error.display("type-msg").partition(": ")
    text = traceback_text(error, feeds)
    if kind == "SystemExit" and message in {"", "0", "None"}:
        return Execution(status="ok")
    if kind == "RuntimeError" and message in tool_errors:
        # The name that programs know it by: the class has no other of its own.
        text = f"{text[: len(text) - len(kind) - len(message) - 2]}ToolError: {message}"
    refusal = "" if kind == "SyntaxError" else _refusal(kind, message)
    if refusal:
        return Execution(status="denied", error=f"{cut(text, REPORT_BYTES - len(refusal) - 1)}\n{refusal}")
    return Execution(status="error", error=cut(text, REPORT_BYTES))


def traceback_text(error: MontyRuntimeError | MontySyntaxError, feeds: Feeds) -> str:
    """Give a traceback with the frames of programs alone, under the names that other runtimes show."""
    text, end = error.display(), error.display("type-msg")
    frames = text.removesuffix(end)
    frames = _FRAME.sub(lambda match: _frame(match, feeds), frames)
    if "  File " not in frames or end.startswith("SyntaxError"):
        # CPython heads no syntax error of the main program.
        frames = frames.removeprefix("Traceback (most recent call last):\n")
    return frames + end


def _frame(match: re.Match[str], feeds: Feeds) -> str:
    name = feeds.shown(int(match[1]))
    return "" if name is None else match[0].replace(f"<python-input-{match[1]}>", name, 1)


def _refusal(kind: str, message: str) -> str:
    """Say what the sandbox refused. "" if plain Python fails as well."""
    if message.startswith(_NOT_YET) and kind == "NotImplementedError":
        return "The program was not run."
    if kind == "NotImplementedError" and message.endswith("cannot suspend in this synchronous context"):
        return (
            "The sandbox cannot call a tool from inside a function of its own, such as sorted with a key; "
            "call it in a loop or a comprehension."
        )
    if (match := _NO_MODULE.match(message)) and match[1].partition(".")[0] in sys.stdlib_module_names:
        return f"The sandbox does not have the module {match[1]!r}; it has {', '.join(MODULES)}."
    if (kind in _REFUSALS and _REFUSALS[kind].match(message)) or _is_missing(kind, message):
        return "The sandbox does not have this; plain Python does."
    return ""


def _is_missing(kind: str, message: str) -> bool:
    """Say whether plain Python has what is said to be missing."""
    if kind == "NameError" and (match := _NO_NAME.match(message)):
        return hasattr(builtins, match[1])
    if kind == "AttributeError" and (match := _NO_METHOD.match(message)):
        owner = types.FunctionType if match[1] == "function" else getattr(builtins, match[1], None)
        return isinstance(owner, type) and hasattr(owner, match[2])
    if kind == "ImportError" and (match := _NO_EXPORT.match(message)):
        return match[2] in MODULES and hasattr(importlib.import_module(match[2]), match[1])
    if kind == "AttributeError" and (match := _NO_MEMBER.match(message)):
        return match[1] in MODULES and hasattr(importlib.import_module(match[1]), match[2])
    return False
