"""
The words for an end that a program did not choose: a limit, a process that died or broke the protocol.

They are the same in every runtime, so that no arm is told more than another.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes import Execution
from pytest_codeact.runtimes._text import utf8_bytes

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Limits

RESTARTED: Final = (
    "The interpreter was restarted: the variables, functions and imports of this and earlier programs are gone."
)
"""What every error text says after which the next program finds a fresh interpreter."""

ERROR_BYTES: Final = 8192
"""Longest error text believed of a process. It keeps its own to half of that."""


def limited(text: str) -> Execution:
    """Give the outcome of a program that met a limit; its process is to be discarded."""
    return Execution(status="limit", error=f"{text}\n{RESTARTED}")


def died(how: str) -> Execution:
    """Give the outcome of a program whose process is gone; `how` is its exit status in words."""
    return _crashed(f"the sandbox process died ({how}).")


def broke_protocol(cause: Exception) -> Execution:
    """Give the outcome of a program whose process said what it must not say; it is to be discarded."""
    return _crashed(f"the sandbox process broke the protocol: {cause}.")


def overlong(program: str, limits: Limits) -> Execution | None:
    """Give the outcome of a program that is too long to be run. None if it is not."""
    size_bytes = utf8_bytes(program)
    if size_bytes <= limits.source_bytes:
        return None
    return limited(
        f"source limit of {limits.source_bytes} bytes exceeded: the program is {size_bytes} bytes; write a shorter one"
    )


def time_text(limits: Limits) -> str:
    """Say that a program's own time is over."""
    return f"time limit of {limits.wall_s:g} s exceeded"


def processor_text(limits: Limits) -> str:
    """Say that the kernel ended a process for its processor time."""
    return f"processor limit of {limits.cpu_s} s exceeded by the programs of this interpreter together"


def memory_text(limit_bytes: int) -> str:
    """Say that a program wanted more memory than there is for it."""
    return f"memory limit of {limit_bytes} bytes exceeded"


def result_text(limits: Limits) -> str:
    """Say that a call returned more than is handed to a program."""
    return f"result limit of {limits.result_bytes} bytes exceeded; ask for less"


def status_text(status: int) -> str:
    """Put an exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _crashed(text: str) -> Execution:
    return Execution(status="crash", error=f"{text}\n{RESTARTED}")
