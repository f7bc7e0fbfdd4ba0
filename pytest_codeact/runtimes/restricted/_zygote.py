"""
The zygote as the test process sees it: executed once, asked for children, made again when it is gone.

Everything that decides what the sandbox's processes start with is here: the command, the environment, the descriptors.
What they then take from themselves is in `child.walls`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes._channel import Channel, ProtocolError
from pytest_codeact.runtimes._text import escape

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_codeact.runtimes._channel import Message

ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
"""The whole environment of the processes: the order of sets, the time zone and the encoding are the same everywhere."""

# The packages are entered without their `__init__`: the process needs neither pytest nor the user's site-packages.
_BOOTSTRAP: Final = """\
import sys, types
root, site = sys.argv[1:3]
sys.path.append(site)
for name in ("", ".runtimes", ".runtimes.restricted", ".runtimes.restricted.child", ".runtimes.lockdown"):
    sys.modules["pytest_codeact" + name] = package = types.ModuleType("pytest_codeact" + name)
    package.__path__ = [root + name.replace(".", "/")]
from pytest_codeact.runtimes.restricted.child.zygote import main
main(sys.argv[3])
"""

_START_S: Final = 30.0
"""Longest wait for the zygote's report. Measured: 0.15 s; the rest is for a machine under load."""

_ANSWER_S: Final = 10.0
"""Longest wait for a child or its exit status. Measured: 1 ms."""

_END_S: Final = 5.0
"""Longest wait for a killed process to end: one that the kernel holds in a disk's or device's wait ends later."""

_REPORT_BYTES: Final = 64 * 2**10

_ORDER: Final = struct.Struct(">cI")
_REPLY: Final = struct.Struct(">Ii")
"""The messages of `child.zygote`: an operation and a child's number; the number and its exit status."""

_FORK: Final = b"f"
_FORK_SPARE: Final = b"s"
_REAP: Final = b"r"


def zygote_command(settings: str) -> tuple[str, ...]:
    """
    Give the command of the zygote. Its control socket is its standard input.

    `-P` and `-S` keep the working directory and the user's packages out of its path, `-B` keeps it from
    writing. `-I` would do more, but also ignore PYTHONHASHSEED.

    Args:
        settings: As `child.zygote.main` takes them.

    Raises:
        SandboxError: The platform cannot run it, or RestrictedPython is not installed.
    """
    if sys.platform == "win32":
        raise SandboxError(
            "the restricted runtime needs a POSIX system, and this is 'win32'; use --codeact-sandbox=monty"
        )
    package = find_spec("RestrictedPython")
    if package is None or not package.submodule_search_locations:
        raise SandboxError(
            "the restricted runtime needs the RestrictedPython package; run: pip install 'RestrictedPython>=9,<10'"
        )
    site = Path(package.submodule_search_locations[0]).parent
    root = Path(__file__).parents[2]
    return (sys.executable, "-s", "-S", "-P", "-B", "-c", _BOOTSTRAP, str(root), str(site), settings)


class _Answer(NamedTuple):
    """
    What the zygote answers.

    Attributes:
        number: Number of the child. 0 if there is none.
        status: Its exit status, 0 if it is new; without a child, the number of the error.
    """

    number: int
    status: int


class Zygote:
    """
    A running zygote. Its methods may be called from several threads.

    Args:
        command: The command; its end of the control socket is its standard input.

    Attributes:
        report: What it said of its walls: "level", "layers" and "missing", as of `Confinement`.

    Raises:
        SandboxError: It cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  # our own command
                    command,
                    env=ENVIRONMENT,
                    cwd="/",
                    # Nothing else is inherited, however many descriptors this process holds.
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self._control.close()
                raise SandboxError(f"the sandbox's zygote cannot be started: {error}") from error
        try:
            self.report = self._heard()
            self._has_handles = bool(self.report.get("handles"))
        except BaseException:
            self.close()
            raise

    def _heard(self) -> Message:
        try:
            report = Channel(self._control, send_bytes=0, receive_bytes=_REPORT_BYTES).receive(_START_S)
        except (TimeoutError, EOFError, ProtocolError) as error:
            cause = f"no answer in {_START_S:g} s" if isinstance(error, TimeoutError) else str(error)
            raise SandboxError(f"the sandbox's zygote did not start: {cause}; exit status {self.close()}") from error
        if "failed" in report:
            raise SandboxError(f"the sandbox's zygote did not start:\n{escape(str(report['failed']))}")
        return report

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def fork(self, channel: socket.socket, *, is_spare: bool = False) -> Child:
        """
        Make a child.

        Args:
            channel: Its end of the connection to the host; still the caller's to close.
            is_spare: Whether it will wait, and may use the time to make its first program faster.

        Raises:
            SandboxError: The zygote is gone, or there can be no more processes or descriptors.
        """
        with self._lock:
            answer, handles = self._ask(_FORK_SPARE if is_spare else _FORK, 0, (channel.fileno(),))
        if not answer.number:
            raise SandboxError(f"the sandbox cannot make a process: {os.strerror(answer.status)}")
        return Child(self, answer.number, handles[0] if handles else None)

    def status(self, number: int) -> int:
        """
        Give the exit status of a child that has ended, and forget it.

        Raises:
            SandboxError: The zygote is gone, or does not know the child.
        """
        with self._lock:
            answer, _ = self._ask(_REAP, number)
        if answer.number != number:
            raise SandboxError(f"how a process of the sandbox ended is not known: {os.strerror(answer.status)}")
        return answer.status

    def _ask(self, operation: bytes, number: int, descriptors: Sequence[int] = ()) -> tuple[_Answer, list[int]]:
        try:
            self._control.settimeout(_ANSWER_S)
            socket.send_fds(self._control, [_ORDER.pack(operation, number)], descriptors)
            answer, handles, flags, _ = socket.recv_fds(self._control, _REPLY.size, 1)
        except OSError as error:
            raise SandboxError(f"the sandbox's zygote does not answer: {error}; exit status {self.close()}") from error
        except BaseException:
            # Interrupted between an order and its answer, which the next one would take for its own.
            self.close()
            raise
        if len(answer) < _REPLY.size:
            raise SandboxError(f"the sandbox's zygote has died: exit status {self.close()}; run the trial again")
        told = _Answer(*_REPLY.unpack(answer))
        if flags & socket.MSG_CTRUNC or (operation != _REAP and told.number and self._has_handles and not handles):
            # Without its handle a number would be taken for that of a process of the host's.
            self.close()
            raise SandboxError(
                "a process of the sandbox cannot be handed over: this process has too many open files; allow more "
                "with `ulimit -n`, or run fewer trials at a time"
            )
        return told, handles

    def close(self) -> int:
        """
        End it and all its children. May be called twice.

        Returns:
            Its exit status; negative for the number of the signal that ended it.
        """
        # Its session is its group, and outside of it is nothing that it made.
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._control.close()
        return self._process.wait()


class Child:
    """
    A child of a zygote. See `Handle` for what its methods promise.

    Args:
        zygote: Its zygote.
        number: Its number in the zygote's namespace.
        handle: Descriptor of it, owned from now on. None if the platform has none; it is then in this namespace.
    """

    def __init__(self, zygote: Zygote, number: int, handle: int | None) -> None:
        self._zygote = zygote
        self._number = number
        self._handle = handle
        # The watchdog may be about to signal a process whose descriptor is being closed.
        self._lock = threading.Lock()
        self._reaped = False

    def signal(self, number: int) -> None:
        """Send a signal."""
        with self._lock, suppress(ProcessLookupError, PermissionError):
            if self._reaped:
                return
            if self._handle is None:
                os.kill(self._number, number)
            else:
                signal.pidfd_send_signal(self._handle, number)

    def reap(self) -> int:
        """Wait for its end, and give its exit status."""
        if self._handle is not None:
            poll = select.poll()
            poll.register(self._handle, select.POLLIN)
            if not poll.poll(_END_S * 1000):
                raise SandboxError(f"a process of the sandbox did not end within {_END_S:g} s of being killed")
        self.close()
        return self._zygote.status(self._number)

    def close(self) -> None:
        """Forget it, without waiting for it."""
        with self._lock:
            self._reaped = True
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


def settings_text(*, layers: Collection[str], language: bool) -> str:
    """Give the settings of a zygote, as `child.zygote.main` takes them."""
    return json.dumps({"layers": sorted(layers), "language": language})
