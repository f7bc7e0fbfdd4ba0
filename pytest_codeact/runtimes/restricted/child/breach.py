"""
The sandbox's process with the language layer off: a program in it is an attacker who has broken out of the language.

For tests of the walls alone. What an attacker would find in the process is there for the asking: the real builtins,
the modules that lead to the system, the channel.
"""

from __future__ import annotations

# Imported now: behind the walls nothing can be.
import _posixsubprocess  # noqa: F401  # loaded for attackers, as are those below
import builtins
import ctypes
import fcntl  # noqa: F401
import mmap  # noqa: F401
import multiprocessing  # noqa: F401
import resource  # noqa: F401
import select  # noqa: F401
import shutil  # noqa: F401
import socket  # noqa: F401
import subprocess  # noqa: F401
import tempfile  # noqa: F401
import threading  # noqa: F401
from typing import TYPE_CHECKING

from pytest_codeact.runtimes.restricted.child.main import Interpreter

if TYPE_CHECKING:
    from types import CodeType

    from pytest_codeact.runtimes._channel import Channel, Message


class BreachInterpreter(Interpreter):
    """An interpreter that filters nothing."""

    layer = ""

    def __init__(self, frozen_clock_s: float | None = None) -> None:
        super().__init__(frozen_clock_s)
        self._namespace["__builtins__"] = vars(builtins)
        self._namespace["ctypes"] = ctypes

    def connect(self, channel: Channel, start: Message) -> None:
        """Take up a trial, and let its programs find the channel as `CHAN`."""
        super().connect(channel, start)
        self._namespace["CHAN"] = channel

    def _compiled(self, source: str, file_name: str) -> CodeType:
        return compile(source, file_name, "exec", dont_inherit=True)

    def _is_denial(self, error: BaseException) -> bool:
        # What the kernel refuses, and a module that cannot be read.
        return isinstance(error, (OSError, ImportError)) or super()._is_denial(error)
