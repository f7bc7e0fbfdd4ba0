"""
The self-test: real attempts to break out, each in a process of its own behind the walls, judged by what they reach.

What a kernel says that it does and what it does are two things, in containers above all. An attempt that succeeds
does no harm: what it reaches is the sandbox's own.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_TOO_MUCH_BYTES: Final = 600 * 2**20
"""More than an attempt may allocate, and than is ever used of it."""

_FOLDER: Final = "/tmp"  # noqa: S108 - a file without a name is tried to be made in it
"""A folder that everybody may write."""

_BREACHED: Final = 3
"""Exit status of an attempt that succeeded."""

_UNBUILT: Final = 4
"""Exit status of an attempt around which the walls could not be built."""

UNBUILT: Final = "building the walls failed"
"""What is said then, among what was possible."""

_ATTEMPT_S: Final = 2.0
"""Longest time of one attempt; its process is then killed, and what it tried was not achieved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """
    What the attempts aim at: opened outside of the walls.

    Attributes:
        tcp: A listener on the loopback interface. None if there is none.
        udp: A socket on the loopback interface.
        unix: A listener with an abstract name.
        file: Path of a file that everybody may read.
        folder: A folder that everybody may write.
        process: Number of the process that launched the zygote.
    """

    tcp: socket.socket | None = None
    udp: socket.socket | None = None
    unix: socket.socket | None = None
    file: str = ""
    folder: str = ""
    process: int = 0

    @classmethod
    def none(cls) -> Targets:
        """Give none."""
        return cls()

    @classmethod
    def open(cls) -> Targets:
        """Open those that can be opened."""
        tcp = _bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        udp = _bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        # An empty name is one that the kernel chooses, an abstract one.
        unix = _bound(socket.AF_UNIX, socket.SOCK_STREAM, "")
        for listener in filter(None, (tcp, unix)):
            listener.listen()
        return cls(tcp=tcp, udp=udp, unix=unix, file=os.__file__, folder=_FOLDER, process=os.getppid())

    def close(self) -> None:
        """Close them."""
        for each in filter(None, (self.tcp, self.udp, self.unix)):
            each.close()


def _bound(family: int, kind: int, address: object) -> socket.socket | None:
    made = None
    try:
        made = socket.socket(family, kind)
        made.bind(address)  # type: ignore[arg-type]  # what each family takes
    except OSError:
        if made is not None:
            made.close()
        return None
    return made


def breaches(targets: Targets, build_walls: Callable[[], None]) -> list[str]:
    """
    Carry out every attempt behind the walls.

    Args:
        targets: What they aim at.
        build_walls: Builds the walls of a program's process around the one that calls it.

    Returns:
        What was possible, in words.
    """
    started = [(name, _start(attempt, targets, build_walls)) for name, attempt in _ATTEMPTS.items()]
    deadline_s = time.monotonic() + _ATTEMPT_S
    ended = {name: _status(child, deadline_s) for name, child in started}
    unbuilt = [UNBUILT] if _UNBUILT in ended.values() else []
    return [*unbuilt, *(name for name, status in ended.items() if status == _BREACHED)]


def _start(attempt: Callable[[Targets], bool], targets: Targets, build_walls: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = _UNBUILT
    try:
        build_walls()
        status = 0
        status = _BREACHED if attempt(targets) else 0
    except (OSError, MemoryError, ValueError):
        # Refused, unless it was the walls.
        pass
    finally:
        os._exit(status)


def _status(child: int, deadline_s: float) -> int:
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _read_file(targets: Targets) -> bool:
    with open(targets.file, "rb") as file:  # noqa: PTH123 - the plain call is what is tried
        return bool(file.read(1))


def _write_file(targets: Targets) -> bool:
    # Without a name: nothing stays behind where it is possible.
    descriptor = os.open(targets.folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    return os.write(descriptor, b"x") == 1


def _list_files(_targets: Targets) -> bool:
    return bool(os.listdir("/"))  # noqa: PTH208 - as above


def _stat_file(targets: Targets) -> bool:
    return os.stat(targets.file).st_size > 0  # noqa: PTH116 - as above


def _connect_tcp(targets: Targets) -> bool:
    if targets.tcp is None:
        return False
    address = targets.tcp.getsockname()
    with socket.create_connection(address, timeout=1):
        return True


def _send_udp(targets: Targets) -> bool:
    if targets.udp is None:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", targets.udp.getsockname())
    targets.udp.settimeout(0.2)
    return bool(targets.udp.recv(1))


def _connect_unix(targets: Targets) -> bool:
    if targets.unix is None:
        return False
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(targets.unix.getsockname())
        return True


def _fork(_targets: Targets) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


def _execute(_targets: Targets) -> bool:
    # Where this is possible the shell says so in our place.
    os.execv("/bin/sh", ["sh", "-c", f"exit {_BREACHED}"])  # noqa: S606 - it must not work


def _signal_process(targets: Targets) -> bool:
    os.kill(targets.process, 0)
    return True


def _execute_memory(_targets: Targets) -> bool:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return True


def _become_root(_targets: Targets) -> bool:
    os.setuid(0)
    return os.getuid() == 0


def _raise_limit(_targets: Targets) -> bool:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def _allocate(_targets: Targets) -> bool:
    return len(bytearray(_TOO_MUCH_BYTES)) > 0


_ATTEMPTS: Final[dict[str, Callable[[Targets], bool]]] = {
    "reading a file": _read_file,
    "writing a file": _write_file,
    "listing files": _list_files,
    "asking for a file": _stat_file,
    "connecting by TCP": _connect_tcp,
    "sending by UDP": _send_udp,
    "connecting by UNIX socket": _connect_unix,
    "making a process": _fork,
    "executing a program": _execute,
    "signalling a process": _signal_process,
    "making memory executable": _execute_memory,
    "becoming root": _become_root,
    "raising a limit": _raise_limit,
    "using more memory than allowed": _allocate,
}
"""What is tried, by what the report calls it."""
