"""
The sandbox's process as the test process sees it: launched, timed, asked where it is, killed.

Everything that decides what the process starts with is here: the command, the environment, the descriptors.
What it then takes from itself is in `child.lockdown`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes.restricted._channel import Channel, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
"""The whole environment of the process: the order of sets, the time zone and the encoding are the same everywhere."""

_DUMP_S: Final = 0.1
"""Longest wait for the process to say where it is. Measured: under 1 ms, in a loop of C code too."""

_FLUSH_S: Final = 0.05
"""Longest wait for output that the process still holds. A process inside C code never answers."""

_GRACE_S: Final = 0.25
"""Seconds past the limit at which the watchdog kills, should the reader not have done so."""

# The packages are entered without their `__init__`: the process needs neither pytest nor the user's site-packages.
_BOOTSTRAP: Final = """\
import sys, types
root, site = sys.argv[1:3]
sys.path.append(site)
for name in ("", ".runtimes", ".runtimes.restricted", ".runtimes.restricted.child"):
    sys.modules["pytest_codeact" + name] = package = types.ModuleType("pytest_codeact" + name)
    package.__path__ = [root + name.replace(".", "/")]
from pytest_codeact.runtimes.restricted.child.main import main
main(int(sys.argv[3]))
"""

_DUMPED_FRAME: Final = re.compile(rb'File "main\.py@(\d+)", line (\d+) in ([^\n]*)\n')


def sandbox_command() -> tuple[str, ...]:
    """
    Give the command of the process. The number of its descriptor of the channel is added to it.

    `-P` and `-S` keep the working directory and the user's packages out of its path, `-B` keeps it from
    writing. `-I` would do more, but also ignore PYTHONHASHSEED.

    Raises:
        SandboxError: The platform cannot run it, or RestrictedPython is not installed.
    """
    if sys.platform == "win32":
        raise SandboxError("the restricted runtime needs a POSIX system, and this is 'win32'; use another runtime")
    package = find_spec("RestrictedPython")
    if package is None or not package.submodule_search_locations:
        raise SandboxError(
            "the restricted runtime needs the RestrictedPython package; run: pip install 'RestrictedPython>=9,<10'"
        )
    site = Path(package.submodule_search_locations[0]).parent
    root = Path(__file__).parents[2]
    return (sys.executable, "-s", "-S", "-P", "-B", "-c", _BOOTSTRAP, str(root), str(site))


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


class OwnTime:
    """
    What a program has left of its own time. Stands still while it is paused.

    Written by the thread that runs the program, read by the watchdog too: each change is one assignment.

    Args:
        budget_s: Seconds of its own time. The clock starts now.
    """

    __slots__ = ("_state",)

    def __init__(self, budget_s: float) -> None:
        self._state = (True, time.monotonic() + budget_s)

    def remaining_s(self) -> float:
        """Give the seconds left. Negative when they are used up."""
        running, amount_s = self._state
        return amount_s - time.monotonic() if running else amount_s

    def pause(self) -> None:
        """Stop the clock."""
        self._state = (False, self.remaining_s())

    def resume(self) -> None:
        """Let the clock run on."""
        self._state = (True, time.monotonic() + self.remaining_s())


class SandboxProcess:
    """
    A running process of the sandbox, and the channel to it.

    Args:
        command: The command; the number of its end of the channel is added.
        send_bytes: Longest message to it.
        receive_bytes: Longest message accepted from it.

    Raises:
        SandboxError: The command cannot be started.
    """

    def __init__(self, command: Sequence[str], *, send_bytes: int, receive_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  # our own command, or the test's
                    [*command, str(theirs.fileno())],
                    env=ENVIRONMENT,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"the sandbox process cannot be started: {error}") from error
        self.channel = Channel(ours, send_bytes=send_bytes, receive_bytes=receive_bytes)

    def kill(self) -> int:
        """
        End the process and everything in its session, and close the channel. May be called twice.

        Returns:
            Its exit status; negative for the number of the signal that ended it.
        """
        self._signal_group()
        status = self._process.wait()
        self.channel.close()
        return status

    def flush(self, read: Callable[[float], bool]) -> None:
        """
        Ask for the output that the process still holds.

        Args:
            read: Reads one message within so many seconds and says whether another may follow.
        """
        self._process.send_signal(signal.SIGUSR2)
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
        self._process.send_signal(signal.SIGUSR1)
        deadline_s = time.monotonic() + _DUMP_S
        dump = b""
        with suppress(TimeoutError, EOFError):
            while (remaining_s := deadline_s - time.monotonic()) > 0:
                dump += self.channel.receive_raw(remaining_s)
                if match := _DUMPED_FRAME.search(dump):
                    return Place(int(match[1]), int(match[2]), match[3].decode("ascii", "replace"))
        return None

    def watch(self, own_time: OwnTime) -> Watchdog:
        """Give a watchdog that kills the process should `own_time` be overdrawn."""
        return Watchdog(own_time, self._signal_group)

    def _signal_group(self) -> None:
        # Its session is its group. Not reaped yet, so the number cannot belong to another process.
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Watchdog:
    """
    Kills when a program's time is over, whatever the thread that reads from it is busy with.

    Args:
        own_time: The program's time.
        kill: How to kill it.
    """

    def __init__(self, own_time: OwnTime, kill: Callable[[], None]) -> None:
        self._own_time = own_time
        self._kill = kill
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="codeact-watchdog", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(max(0.0, self._own_time.remaining_s()) + _GRACE_S):
            if self._own_time.remaining_s() <= 0:
                self._kill()
                return
