"""
How a command ends: its exit codes, its output, and a misuse in one line.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PROGRAM: Final = "python -m pytest_codeact"

PASSED: Final = 0
FAILED: Final = 1
"""Exit code when what was asked for was done, and what was found is bad: a rule failed, a file is damaged."""
MISUSED: Final = 2
"""Exit code when an argument or a file cannot be read, or the output cannot be written."""


def misused(message: str) -> int:
    """Say what is wrong with what was given; gives the exit code."""
    sys.stderr.write(f"{PROGRAM}: error: {message}\n")
    return MISUSED


def written(lines: Iterable[str], code: int) -> int:
    """
    Write a command's output.

    Args:
        lines: The output.
        code: Exit code of the command.

    Returns:
        The code; that of a misuse if the output could not be written.
    """
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would be tried again when the process ends, and be a traceback then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return misused(f"cannot write the output: {error.strerror or error}")
    return code
