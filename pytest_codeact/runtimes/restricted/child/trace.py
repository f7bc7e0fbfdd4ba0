"""
What a program finds as `traceback`: texts and places of its own frames.

The real module's classes read any file by its name: `FrameSummary("/etc/passwd", 1, "f").line`.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from pytest_codeact.runtimes.restricted.child.kinds import present_as
from pytest_codeact.runtimes.restricted.child.policy import FILE_NAME
from pytest_codeact.runtimes.restricted.child.report import OwnFrames, traceback_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

_FRAMES: Final = OwnFrames()


def error_text(error: Any) -> str:
    """Give the traceback of an error, as CPython prints it but for the last newline."""
    if not isinstance(error, BaseException):
        return "NoneType: None"
    return traceback_text(error, _FRAMES)


class FrameSummary(NamedTuple):
    """Where a frame of the program is."""

    filename: str
    lineno: int | None
    name: str
    line: str | None

    def __repr__(self) -> str:
        return f"<FrameSummary file {self.filename}, line {self.lineno} in {self.name}>"


class StackSummary(list[FrameSummary]):
    """The frames of an error, outermost first."""

    def format(self) -> list[str]:
        """Give them as lines of a traceback."""
        return [f'  File "{each.filename}", line {each.lineno}, in {each.name}\n    {each.line}\n' for each in self]


class TracebackException:
    """As traceback.TracebackException."""

    def __init__(self, exc_type: Any, exc_value: Any = None, exc_traceback: Any = None, **_options: object) -> None:  # noqa: ARG002  # the library's signature
        self._text = error_text(exc_value)
        self._short = "".join(_exception_only(exc_value))
        self.stack = extract_tb(getattr(exc_value, "__traceback__", None))
        self.exc_type = exc_type

    @classmethod
    def from_exception(cls, error: Any, **_options: object) -> Self:
        """Make it of an error."""
        return cls(type(error), error)

    def format(self, **_options: object) -> Iterator[str]:
        """Give the whole traceback in lines."""
        return iter((self._text + "\n").splitlines(keepends=True))

    def format_exception_only(self, **_options: object) -> Iterator[str]:
        """Give its last lines."""
        return iter(self._short.splitlines(keepends=True))

    def __str__(self) -> str:
        return self._short.rstrip("\n")


for _kind in (FrameSummary, StackSummary, TracebackException):
    present_as(_kind, "traceback", _kind.__name__)


def _summary(tb: TracebackType | None) -> traceback.StackSummary:
    # Of no error in particular: this class alone knows which part of a line was running.
    summary = traceback.TracebackException(Exception, Exception(), tb, lookup_lines=False, compact=True).stack
    _FRAMES.keep(summary)
    return summary


def extract_tb(tb: TracebackType | None, limit: int | None = None) -> StackSummary:
    """As traceback.extract_tb."""
    frames = [FrameSummary(FILE_NAME, each.lineno, each.name, each.line) for each in _summary(tb)]
    return StackSummary(frames if limit is None else frames[:limit])


def format_tb(tb: TracebackType | None, limit: int | None = None) -> list[str]:
    """As traceback.format_tb."""
    lines = _summary(tb).format()
    return lines if limit is None else lines[:limit]


def _exception_only(error: Any) -> list[str]:
    if not isinstance(error, BaseException):
        return ["NoneType: None\n"]
    return list(traceback.TracebackException(type(error), error, None, compact=True).format_exception_only())


def traceback_names() -> dict[str, Any]:
    """Give what the module holds."""

    def format_exc(*_arguments: object, **_options: object) -> str:
        return error_text(sys.exception()) + "\n"

    def format_exception(error: Any, *arguments: Any, **_options: object) -> list[str]:
        raised = arguments[0] if arguments else error
        return (error_text(raised) + "\n").splitlines(keepends=True)

    def format_exception_only(error: Any, *arguments: Any, **_options: object) -> list[str]:
        return _exception_only(arguments[0] if arguments else error)

    def format_list(frames: Iterable[Any]) -> list[str]:
        return StackSummary(FrameSummary(*each) for each in frames).format()

    def print_exc(limit: object = None, file: Any = None, **_options: object) -> None:  # noqa: ARG001  # the library's signature
        (file or sys.stderr).write(format_exc())

    def print_exception(*arguments: Any, file: Any = None, **options: object) -> None:
        (file or sys.stderr).write("".join(format_exception(*arguments, **options)))

    def print_tb(tb: Any, limit: int | None = None, file: Any = None) -> None:
        (file or sys.stderr).write("".join(format_tb(tb, limit)))

    functions = (
        format_exc, format_exception, format_exception_only, format_list, format_tb, extract_tb,
        print_exc, print_exception, print_tb,
    )  # fmt: skip
    kinds = (FrameSummary, StackSummary, TracebackException)
    return {each.__name__: each for each in (*functions, *kinds)}
