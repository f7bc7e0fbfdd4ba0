"""
What a program is told about its failure: the traceback CPython would print, without the sandbox's own frames.
"""

from __future__ import annotations

import linecache
import traceback
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes._text import cut
from pytest_codeact.runtimes.restricted.child.policy import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.runtimes.restricted.child.policy import Refusal

REPORT_BYTES: Final = 4096
"""Longest report, in UTF-8 bytes."""

_SHOWN_REFUSALS: Final = 5


class Sources:
    """
    The programs an interpreter has run, so that a traceback can show any of their lines.

    The code objects of program n call their file `main.py@n`; what is shown is `main.py`, and for an
    earlier program its number too. Number 0 is that of the declarations.
    """

    def __init__(self) -> None:
        self._last = -1

    def add(self, source: str) -> str:
        """Remember a program and give the name of its file."""
        self._last += 1
        name = f"{FILE_NAME}@{self._last}"
        # Without a time of modification nothing ever looks for the file. The last line ends like the others: the
        # carets under a line count from there.
        lines = [line + "\n" for line in source.splitlines()]
        linecache.cache[name] = (len(source), None, lines, name)
        return name

    def shown(self, name: str) -> str | None:
        """Give the name to show for a file. None for one that is not a program's."""
        base, at, number = name.partition("@")
        if base != FILE_NAME or not at:
            return None
        if int(number) == self._last:
            return FILE_NAME
        return f"{FILE_NAME} (program {number})" if int(number) else "declarations"


class OwnFrames:
    """
    Tells the frames of programs from the sandbox's own.

    To a program that looks at its errors itself, every frame is in `main.py`.
    """

    def shown(self, name: str) -> str | None:
        """Give the name to show for a file. None for one that is not a program's."""
        return FILE_NAME if name.startswith(f"{FILE_NAME}@") else None

    def keep(self, stack: traceback.StackSummary) -> None:
        """Leave the frames of programs in a stack."""
        _keep_own_frames(stack, self)


def traceback_text(error: BaseException, sources: Sources | OwnFrames) -> str:
    """Give an error as CPython prints it, with the frames of programs alone, cut to `REPORT_BYTES`."""
    report = traceback.TracebackException.from_exception(error, lookup_lines=False, compact=True)
    for part in _chain(report):
        _keep_own_frames(part.stack, sources)
    own = report.stack or report.__cause__ or report.__context__
    lines = report.format() if own else report.format_exception_only()
    return cut("".join(lines).rstrip("\n"), REPORT_BYTES)


def _chain(report: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while report is not None:
        yield report
        yield from (inner for each in report.exceptions or () for inner in _chain(each))
        if report.__cause__ is not None:
            yield from _chain(report.__context__)
            report = report.__cause__
        else:
            report = report.__context__


def _keep_own_frames(stack: traceback.StackSummary, sources: Sources | OwnFrames) -> None:
    kept = []
    for frame in stack:
        if (shown := sources.shown(frame.filename)) is not None:
            # Looked up under the name that is unique before the other takes its place.
            _ = frame.line
            frame.filename = shown
            kept.append(frame)
    stack[:] = kept


def refusal_text(refusals: Sequence[Refusal], source: str) -> str:
    """Give what was refused, in the form of a syntax error, with each line once."""
    lines = source.splitlines()
    unique = dict.fromkeys(refusals)
    parts = []
    for refusal in list(unique)[:_SHOWN_REFUSALS]:
        line = lines[refusal.line - 1].strip() if refusal.line <= len(lines) else ""
        parts.append(f'  File "{FILE_NAME}", line {refusal.line}\n    {line}\n{refusal.text}')
    if len(unique) > _SHOWN_REFUSALS:
        parts.append(f"... and {len(unique) - _SHOWN_REFUSALS} more")
    parts.append("The program was not run.")
    return cut("\n".join(parts), REPORT_BYTES)
