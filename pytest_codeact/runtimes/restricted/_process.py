"""
The sandbox's process as the test process sees it: timed, asked where it is, killed.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pytest_codeact.runtimes._channel import Channel, ProtocolError
from pytest_codeact.runtimes._own_time import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.runtimes._own_time import OwnTime

_DUMP_S: Final = 0.1
"""Longest wait for the process to say where it is. Measured: under 1 ms, in a loop of C code too."""

_FLUSH_S: Final = 0.05
"""Longest wait for output that the process still holds. A process inside C code never answers."""

_DUMPED_FRAME: Final = re.compile(rb'File "main\.py@(\d{1,9})", line (\d{1,9}) in ([^\n]{1,600})\n')
"""
What faulthandler writes of a frame of a program; it cuts names at 500 bytes. Each part is bounded: a process may write
anything, and what a pattern looks for without a bound takes the square of it.
"""

_DUMP_BYTES: Final = 64 * 2**10
"""The end of what a process writes in which its place is looked for. A dump of 100 frames takes 10 KiB."""


class Place(NamedTuple):
    """
    Where a program was when it was stopped.

    Attributes:
        program: Number of the program in its process. Starts at 1; 0 is that of the declarations.
        line: Line in it. Starts at 1.
        function: Name of the function, "<module>" outside of any.
    """

    program: int
    line: int
    function: str


class Handle(Protocol):
    """A process that can be signalled and waited for."""

    def signal(self, number: int) -> None:
        """Send a signal. Does nothing if the process is gone."""
        ...

    def reap(self) -> int:
        """
        Wait for the end of a process that was killed. Called once.

        Returns:
            Its exit status; negative for the number of the signal that ended it.

        Raises:
            SandboxError: It cannot be found out.
        """
        ...

    def close(self) -> None:
        """Forget the process, without waiting for it."""
        ...


class SandboxProcess:
    """
    A running process of the sandbox, and the channel to it.

    Args:
        channel: The channel; owned from now on.
        handle: The process.
    """

    def __init__(self, channel: Channel, handle: Handle) -> None:
        self.channel = channel
        self._handle = handle
        self._status: int | None = None
        self._ending = threading.Lock()

    def kill(self) -> int:
        """
        End the process and everything it started, and close the channel. May be called twice.

        Returns:
            Its exit status; negative for the number of the signal that ended it.

        Raises:
            SandboxError: It cannot be found out.
        """
        # A session may be closed while a thread of its own ends the same process.
        with self._ending:
            if self._status is None:
                self._kill()
                # Of one that cannot be asked for only that is known.
                self._status = -signal.SIGKILL
                try:
                    self._status = self._handle.reap()
                finally:
                    self.channel.close()
            return self._status

    def flush(self, read: Callable[[float], bool]) -> None:
        """
        Ask for the output that the process still holds.

        Args:
            read: Reads one message within so many seconds and says whether another may follow.
        """
        self._handle.signal(signal.SIGUSR2)
        deadline_s = time.monotonic() + _FLUSH_S
        with suppress(TimeoutError, EOFError, ProtocolError):
            while (remaining_s := deadline_s - time.monotonic()) > 0 and read(remaining_s):
                pass

    def place(self) -> Place | None:
        """
        Ask where the process is, and leave its channel unusable: kill it next.

        Returns:
            The innermost line of a program. None if it does not say so in time.
        """
        self._handle.signal(signal.SIGUSR1)
        deadline_s = time.monotonic() + _DUMP_S
        dump = b""
        with suppress(TimeoutError, EOFError):
            while (remaining_s := deadline_s - time.monotonic()) > 0:
                dump = (dump + self.channel.receive_raw(remaining_s))[-_DUMP_BYTES:]
                if match := _DUMPED_FRAME.search(dump):
                    return Place(int(match[1]), int(match[2]), match[3].decode("ascii", "replace"))
        return None

    def watch(self, own_time: OwnTime) -> Watchdog:
        """Give a watchdog that kills the process should `own_time` be overdrawn."""
        return Watchdog(own_time, self._kill)

    def _kill(self) -> None:
        self._handle.signal(signal.SIGKILL)
