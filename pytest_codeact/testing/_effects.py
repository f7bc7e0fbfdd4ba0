"""
What a program did to the host, whatever it says: canaries, listeners, processes, descriptors, files, memory.

A `Host` lays out what an escaped program would reach and judges what was reached. Processes, descriptors and memory are
read from /proc; where there is none they are not judged.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes import Bindings
from pytest_codeact.testing._world import FUNCTIONS, Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import CallReply, Execution

MARK: Final = "PWNED"
"""What a hostile program prints once it holds what it must not have."""

VARIABLE: Final = "CODEACT_CANARY"
"""The environment variable that no program may read."""

_SETTLE_S: Final = 3.0
"""Longest wait for processes and descriptors of ended sessions to go."""

_GROWTH_BYTES: Final = 64 * 2**20
"""Memory that the host may grow by between two judgements. One result may take eight megabytes of text."""

_SPARE_PROCESSES: Final = 3
_SPARE_DESCRIPTORS: Final = 12
"""
What a runtime may keep more of than when it settled: processes made ahead. `Host.leftovers`, asked once it is closed,
allows none.
"""

_PR_SET_CHILD_SUBREAPER: Final = 36
"""Of <linux/prctl.h>: orphans of our descendants become our children, so that none escapes the count."""

_SHARED_FOLDERS: Final = ("/", "/tmp", "/dev/shm", "/var/tmp", "~", ".")  # noqa: S108  # looked at, not written to


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """
    What a process holds.

    Attributes:
        processes: Those that descend from it.
        descriptors: Its open ones.
    """

    processes: int
    descriptors: int


class Host:
    """
    A host full of canaries. A context manager; only inside of it are they laid out.

    Args:
        parent: Where its folder is made. None for the system's folder for temporary files.

    Attributes:
        folder: The folder with the canary file and `pwn/`, which anyone may write to.
        secret: What stands in the canary file and the environment, and may stand nowhere else.
        port: The TCP and UDP port on 127.0.0.1 that nothing may reach.
        calls: The calls of programs since the last judgement.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._token = secrets.token_hex(8)
        self.secret = f"CANARY-{secrets.token_hex(16)}"
        self.calls = Calls()
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self.folder = Path(tempfile.mkdtemp(prefix="codeact-", dir=self._parent))
            exits.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder.chmod(0o755)
            self._canary = self.folder / "canary.txt"
            self._pwn = self.folder / "pwn"
            self._reset_folder()
            self._listen(exits)
            outside = os.environ.get(VARIABLE)
            os.environ[VARIABLE] = self.secret
            exits.callback(_put_back, outside)
            _adopt_orphans(exits)
            self._names_before = self._shared_names()
            self.settle()
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._exits.close()

    def bindings(self) -> Bindings:
        """Give the bindings of a session: the tools of the suite, carried out here."""
        return Bindings(functions=FUNCTIONS, call=self._call)

    def aimed(self, program: str) -> str:
        """Give a program with the canaries' places put in."""
        return (
            program.replace("CANARY_DIR", str(self.folder))
            .replace("CANARY_PORT", str(self.port))
            .replace("CANARY_TOKEN", self._token)
            .replace(r"\0pwn", rf"\0pwn-{self._token}")
        )

    def settle(self) -> None:
        """Take what the runtime keeps running now as what it may keep: call it after a first session was closed."""
        self._before = self.footprint()
        self._bytes_before = resident_bytes()

    def footprint(self) -> Footprint:
        """Count what this process holds."""
        return Footprint(processes=len(descendants()), descriptors=descriptor_count())

    def judge(self, executions: Iterable[Execution] = ()) -> list[str]:
        """
        Say what happened to the host since the last judgement that must not, and lay the canaries out anew.

        Args:
            executions: What came of the programs since then; their sessions are closed.
        """
        found = self.leaks(executions) + self.effects()
        spare = Footprint(processes=_SPARE_PROCESSES, descriptors=_SPARE_DESCRIPTORS)
        return found + self.leftovers(self._before, spare)

    def leaks(self, executions: Iterable[Execution]) -> list[str]:
        """Say which of what programs printed, gave and were told they must not have known."""
        found = []
        for execution in executions:
            if MARK in execution.output or MARK in (execution.value or ""):
                found.append(f"it says that it got through: {_excerpt(execution, MARK)}")
            texts = (execution.output, execution.value or "", execution.error or "")
            if any(self.secret in text for text in texts):
                found.append("it was shown the secret")
        return found

    def effects(self) -> list[str]:
        """Say what happened to files, listeners, tools and memory since the last time, and lay them out anew."""
        found = self.calls.problems() + self._written() + self._connections()
        if any(self.secret in repr(call) for call in self.calls.made):
            found.append("it passed the secret to a tool")
        grown_bytes = resident_bytes() - self._bytes_before
        if grown_bytes > _GROWTH_BYTES:
            found.append(f"the host grew by {grown_bytes} bytes")
            self._bytes_before = resident_bytes()
        self.calls = Calls()
        self._reset_folder()
        return found

    def leftovers(self, before: Footprint, spare: Footprint | None = None) -> list[str]:
        """
        Say what this process holds more of than it did.

        Args:
            before: What it held.
            spare: What it may hold besides. None for nothing.
        """
        may = spare or Footprint(processes=0, descriptors=0)
        found = []
        if not _becomes(lambda: len(descendants()) <= before.processes + may.processes):
            found.append(f"{len(descendants()) - before.processes} processes are left")
        if not _becomes(lambda: descriptor_count() <= before.descriptors + may.descriptors):
            found.append(f"{descriptor_count() - before.descriptors} descriptors are left")
        return found

    def _call(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        # The calls of the time: bindings may be made once for many judgements.
        return self.calls(name, positional, keywords)

    def _reset_folder(self) -> None:
        if self._pwn.is_symlink() or self._pwn.is_file():
            self._pwn.unlink()
        shutil.rmtree(self._pwn, ignore_errors=True)
        for path in self.folder.iterdir():
            path.unlink()
        self._canary.write_text(self.secret)
        self._canary.chmod(0o644)
        self._pwn.mkdir()
        self._pwn.chmod(0o1777)

    def _listen(self, exits: ExitStack) -> None:
        self._listeners: dict[str, socket.socket] = {}
        # A port that is free for both.
        while "UDP" not in self._listeners:
            tcp = socket.create_server(("127.0.0.1", 0))
            self.port = tcp.getsockname()[1]
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(("127.0.0.1", self.port))
            except OSError:
                tcp.close()
                udp.close()
                continue
            self._listeners = {"TCP": tcp, "UDP": udp}
        if sys.platform == "linux":
            unix = socket.socket(socket.AF_UNIX)
            unix.bind(f"\0pwn-{self._token}")
            unix.listen()
            self._listeners["Unix"] = unix
        for listener in self._listeners.values():
            listener.settimeout(0)
            exits.callback(listener.close)

    def _written(self) -> list[str]:
        found = []
        try:
            if self._canary.read_text() != self.secret:
                found.append("the canary file was changed")
        except OSError:
            found.append("the canary file was taken away")
        names = {path.name for path in self.folder.iterdir()} | {f"pwn/{name}" for name in _names(self._pwn)}
        found += [f"it made {name!r} in the canary's folder" for name in sorted(names - {"canary.txt", "pwn"})]
        if not self._pwn.is_dir() or self._pwn.is_symlink():
            found.append("the folder pwn/ was replaced")
        made = self._shared_names() - self._names_before
        found += [f"it made {name}" for name in sorted(made)]
        for name in made:
            with suppress(OSError):
                Path(name).unlink()
        return found

    def _shared_names(self) -> set[str]:
        """Give what stands in places that others use too and bears a name that hostile programs give."""
        places = [(place, Path(place).expanduser()) for place in _SHARED_FOLDERS]
        return {
            str(folder / name)
            for _, folder in places
            for name in _names(folder)
            if name == "pwn" or name.startswith(f"pwn-{self._token}")
        }

    def _connections(self) -> list[str]:
        found = []
        for kind, listener in self._listeners.items():
            with suppress(BlockingIOError):
                if kind == "UDP":
                    listener.recv(4096)
                else:
                    listener.accept()[0].close()
                found.append(f"it reached the {kind} listener")
        return found


def descendants() -> set[int]:
    """Give the ids of the processes that descend from this one, ended ones that nobody has waited for left out."""
    parents = dict(_parents())
    found: set[int] = set()
    newest = {os.getpid()}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - found
        found |= newest
    return found


def descriptor_count() -> int:
    """Give the number of open descriptors of this process. 0 where that cannot be known."""
    return len(_names(Path("/proc/self/fd")))


def resident_bytes() -> int:
    """Give the memory that this process occupies. 0 where that cannot be known."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _parents() -> Iterable[tuple[int, int]]:
    for name in _names(Path("/proc")):
        if name.isdigit():
            with suppress(OSError):
                # The command, in parentheses, may hold anything; what follows the last one does not.
                state, parent = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                if state not in {"Z", "X"}:
                    yield int(name), int(parent)


def _names(folder: Path) -> list[str]:
    with suppress(OSError):
        return [path.name for path in folder.iterdir()]
    return []


def _becomes(true: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + _SETTLE_S
    while not true():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def _put_back(value: str | None) -> None:
    if value is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = value


def _adopt_orphans(exits: ExitStack) -> None:
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        exits.callback(prctl, _PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _excerpt(execution: Execution, mark: str) -> str:
    text = execution.output if mark in execution.output else execution.value or ""
    start = text.index(mark)
    return repr(text[start : start + 80])
