"""
The file of a journal. Any process of the run on this machine appends to it.

Three locks of the kind that ends with its process (flock): `lock` is held by the controller of a run for as long as it
lives; the journal itself is held, shared, by every process that has it open; the directory while the first line is
written. Where a file system or an operating system has no such locks, it is done without.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from typing import TYPE_CHECKING, Final

from pytest_codeact.locks import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

FILE: Final = "trials.jsonl"
LOCK: Final = "lock"

ORPHANS_END_S: Final = 20.0
"""Seconds in which the workers of a controller that was killed are gone: execnet ends them after at most 15."""

_BLOCK_BYTES: Final = 2**20
_NOT_IN_GIT: Final = "# Made by pytest-codeact.\n*\n"


class JournalFile:
    """
    The journal of a run as a file. It is made by `begin`, or when the first line is appended.

    Args:
        directory: Of the run.
        first_line: Gives the first line, should this process be the one that writes it.
        owner: Whether this process is the run's controller.
    """

    def __init__(self, directory: Path, first_line: Callable[[], bytes], *, owner: bool) -> None:
        self.directory = directory
        self._first_line = first_line
        self._owner = owner
        self._file: FileIO | None = None
        self._lock: FileIO | None = None
        self._mutex = threading.RLock()
        self._read_bytes = 0
        self._is_closed = False

    @property
    def is_begun(self) -> bool:
        """Whether this process or another has made the file."""
        return self._file is not None or (self.directory / FILE).exists()

    def begin(self) -> None:
        """
        Make the file with its first line, unless that has been done.

        Raises:
            OSError: It cannot be made.
        """
        self._opened()

    def append(self, line: bytes) -> None:
        """
        Append a line, with one system call, whatever other threads and processes do.

        Raises:
            OSError: It could not be written, or not wholly.
        """
        with self._mutex:
            file = self._opened()
            size = os.fstat(file.fileno()).st_size
            # What a full disk or a killed process left behind must not spoil this line too.
            torn = size > 0 and _read_at(file, 1, size - 1) != b"\n"
            text = b"\n" * torn + line + b"\n"
            if file.write(text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def added(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines that were added since this was last asked, each with its place; only those that are ended."""
        with self._mutex:
            try:
                file = self._opened() if self.is_begun else None
            except OSError:
                return
            rest = b""
            while file is not None and (block := _read_at(file, _BLOCK_BYTES, self._read_bytes + len(rest))):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    # A process that saw half of another's line began with a newline of its own: a blank line.
                    if line:
                        yield self._read_bytes, line
                    self._read_bytes += len(line) + 1

    def read(self, place: int, length: int) -> bytes:
        """Give the bytes of a line that `added` told of."""
        with self._mutex:
            return _read_at(self._opened(), length, place)

    def take_over(self, wait_s: float = ORPHANS_END_S) -> None:
        """
        Open the journal of a run that was cut short, and take the end off that its last process did not finish.

        Args:
            wait_s: Seconds for which workers that outlived their controller are waited for.

        Raises:
            BlockingIOError: Another process goes on with the run, or one of its workers does not end.
            OSError: The files cannot be opened for writing.
        """
        self._lock = _hold(self.directory / LOCK, wait_s=0)
        file = _hold(self.directory / FILE, wait_s=wait_s)
        file.truncate(_whole_bytes(file))
        _flock(file.fileno(), shared=True)
        self._file = file

    def close(self) -> None:
        """Let go of the file and of the run, for good: a thread that was left behind writes no more."""
        self._is_closed = True
        for file in (self._file, self._lock):
            if file is not None:
                file.close()
        self._file = self._lock = None

    def _opened(self) -> FileIO:
        with self._mutex:
            if self._is_closed:
                raise OSError(errno.EBADF, "the run is over")
            if self._file is None:
                self._file = self._made()
            return self._file

    def make_directory(self) -> Path:
        """
        Make the directory of the run, and give it.

        Raises:
            OSError: It cannot be made.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        ignored = self.directory.parent / ".gitignore"
        if not ignored.exists():
            ignored.write_text(_NOT_IN_GIT)
        return self.directory

    def _made(self) -> FileIO:
        self.make_directory()
        file = (self.directory / FILE).open("ab+", buffering=0)
        try:
            with alone_in(self.directory):
                if os.fstat(file.fileno()).st_size == 0:
                    _write_first(file, self._first_line() + b"\n")
        except BaseException:
            file.close()
            raise
        _flock(file.fileno(), shared=True)
        if self._owner and self._lock is None:
            # Nobody else can know the run's name yet.
            with contextlib.suppress(OSError):
                self._lock = _hold(self.directory / LOCK, wait_s=0)
        return file


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """
    Hold a file alone.

    Raises:
        BlockingIOError: Another process has it.
    """
    with _hold(path, wait_s=0):
        yield


def last_line(path: Path) -> bytes:
    """
    Give the last line of a file without its newline, or no more than its end where it is long.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        return file.read().rstrip(b"\n").rpartition(b"\n")[2]


def _write_first(file: FileIO, line: bytes) -> None:
    if file.write(line) < len(line):
        # Under the directory's lock nobody else has written yet, and half a first line would spoil the journal.
        file.truncate(0)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _whole_bytes(file: FileIO) -> int:
    """Give the bytes up to the end of the last line that is ended."""
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        newline = _read_at(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _hold(path: Path, *, wait_s: float) -> FileIO:
    file = path.open("ab+", buffering=0)
    gives_up_at = time.monotonic() + wait_s
    while True:
        try:
            _flock(file.fileno(), waits=False)
        except BlockingIOError:
            if time.monotonic() >= gives_up_at:
                file.close()
                raise
            time.sleep(0.05)
        else:
            return file


def _flock(descriptor: int, *, shared: bool = False, waits: bool = True) -> None:
    """
    Lock a file. Do nothing where there are no such locks.

    Raises:
        BlockingIOError: It is locked by another, and is not to be waited for.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        return


def _read_at(file: FileIO, length: int, place: int) -> bytes:
    """Read bytes of a file; `os.pread` is not everywhere. What is appended goes to the end, wherever this has been."""
    file.seek(place)
    return file.read(length)
