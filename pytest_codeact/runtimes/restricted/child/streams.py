"""
Standard output and standard error as a program sees them. Both are shown to the model, in the order they were written.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_codeact.runtimes.restricted.child.policy import FILE_NAME
from pytest_codeact.runtimes.restricted.child.trace import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Stream:
    """
    A standard stream. It takes text and has no other secret than where it goes.

    Args:
        name: What it is called: "<stdout>".
        take: Takes the text and gives the number of its characters.
    """

    __slots__ = ("_take", "name")

    encoding = "utf-8"
    errors = "strict"
    closed = False

    def __init__(self, name: str, take: Callable[[str], int]) -> None:
        self.name = name
        self._take = take

    def write(self, text: str) -> int:
        """Take text."""
        return self._take(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take lines."""
        for line in lines:
            self._take(line)

    def flush(self) -> None:
        """Do nothing: a program does not decide when a message is sent."""

    def reconfigure(self, **_options: object) -> None:
        """Do nothing: what is written is text to the end."""

    def isatty(self) -> bool:
        """Say that it is no terminal."""
        return False

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def readable(self) -> bool:
        """Say that it cannot be read."""
        return False

    def fileno(self) -> NoReturn:
        """Refuse: there is no descriptor."""
        raise io.UnsupportedOperation("fileno")

    def __repr__(self) -> str:
        return f"<_io.TextIOWrapper name={self.name!r} mode='w' encoding='utf-8'>"


def open_streams(take: Callable[[str], int]) -> None:
    """Begin a program's output: it may have put other objects in the place of its streams."""
    sys.stdout = Stream("<stdout>", take)  # type: ignore[assignment,unused-ignore]  # print needs no more of it
    sys.stderr = Stream("<stderr>", take)  # type: ignore[assignment,unused-ignore]  # as above
    # The interpreter's own would show the sandbox's frames, and look for the files of the lines.
    sys.unraisablehook = _tell


def _tell(unraisable: Any) -> None:
    with suppress(Exception):
        sys.stderr.write(f"Exception ignored in: {unraisable.object!r}\n{error_text(unraisable.exc_value)}\n")


def program_frame(stack_level: int = 1) -> Any:
    """
    Find who called.

    Args:
        stack_level: 1 for the innermost frame of a program, 2 for the one that called it, and so on.

    Returns:
        The frame; the outermost one if there are not so many. None outside of any program.
    """
    frame: Any = sys._getframe(1)  # noqa: SLF001  # the only way to a caller
    found = None
    while frame is not None:
        if frame.f_code.co_filename.startswith(f"{FILE_NAME}@"):
            found = frame
            stack_level -= 1
            if stack_level <= 0:
                break
        frame = frame.f_back
    return found
