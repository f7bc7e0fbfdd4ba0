"""
The processes of a runtime: one zygote, made when it is first needed and again if it dies, and children that wait.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes.restricted._zygote import Zygote, settings_text, zygote_command

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_codeact.runtimes._channel import Message
    from pytest_codeact.runtimes.restricted._process import Handle

SPARES: Final = 2
"""Children forked before they are needed: for a trial, and for the interpreter it begins anew after a limit."""


_REFILL_AFTER_S: Final = 0.05
"""Seconds after which one that was taken is replaced: a program of a trial seldom takes longer."""


class Taken(NamedTuple):
    """
    A process for one trial.

    Attributes:
        connection: The host's end of its channel.
        handle: The process.
    """

    connection: socket.socket
    handle: Handle


class ProcessSource(Protocol):
    """Where the processes of a runtime come from. A seam for tests."""

    def take(self) -> Taken:
        """
        Give a process that nobody has used.

        Raises:
            SandboxError: There is none to be had.
        """
        ...

    def report(self) -> Message:
        """
        Say what holds its processes: "level", "layers" and "missing", as of `Confinement`.

        Raises:
            SandboxError: There are none to be had.
        """
        ...

    def close(self) -> None:
        """End everything that was started. May be called twice."""
        ...


class ZygotePool:
    """
    Children of a zygote.

    Args:
        layers: Names of `lockdown.LAYERS` to build around them.
        language: Whether programs are filtered.
        spares: Children forked before they are needed.
    """

    def __init__(self, *, layers: Collection[str], language: bool, spares: int = SPARES) -> None:
        self._wanted = spares
        self._settings = settings_text(layers=layers, language=language)
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._zygote: Zygote | None = None
        self._spares: deque[Taken] = deque()
        self._closed = False
        self._ending = threading.Event()
        # The kernel ends a process with the thread that launched it, so that thread must outlive a trial's.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codeact-launcher")

    def take(self) -> Taken:
        """Give a spare, or a child made now."""
        zygote = self._running()
        with self._lock:
            taken = self._spares.popleft() if self._spares else None
        taken = taken or _child_of(zygote)
        with suppress(RuntimeError):
            # Refused once the launcher is shut down, when nobody needs spares.
            self._launcher.submit(self._refill)
        return taken

    def report(self) -> Message:
        """Say what the zygote found to hold."""
        return self._running().report

    def close(self) -> None:
        """End zygote and children."""
        with self._lock:
            self._closed = True
        self._ending.set()
        # What is being started ends first: it would be left behind.
        self._launcher.shutdown()
        with self._lock:
            self._drop()

    def _running(self) -> Zygote:
        # Two locks: a zygote is started by the launcher, which may be about to put a spare away.
        with self._starting:
            with self._lock:
                self._check_open()
                if self._zygote is not None and self._zygote.is_alive:
                    return self._zygote
                self._drop()
            try:
                started = self._launcher.submit(Zygote, zygote_command(self._settings)).result()
            except RuntimeError as error:
                raise SandboxError(f"the sandbox's zygote cannot be started: {error}") from error
            with self._lock:
                if self._closed:
                    started.close()
                self._check_open()
                self._zygote = started
            return started

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxError("the sandbox is closed; make another runtime")

    def _refill(self) -> None:
        # What fails here fails again, and is told, when a trial asks.
        with suppress(SandboxError, OSError):
            # Not at once: the trial that took the last one needs the processor now.
            self._ending.wait(_REFILL_AFTER_S)
            while True:
                with self._lock:
                    zygote = self._zygote
                    if self._closed or zygote is None or len(self._spares) >= self._wanted:
                        return
                taken = _child_of(zygote, is_spare=True)
                with self._lock:
                    if zygote is self._zygote:
                        self._spares.append(taken)
                        continue
                # Its zygote died meanwhile.
                _forget(taken)

    def _drop(self) -> None:
        while self._spares:
            _forget(self._spares.popleft())
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None


def _forget(taken: Taken) -> None:
    taken.connection.close()
    taken.handle.close()


def _child_of(zygote: Zygote, *, is_spare: bool = False) -> Taken:
    try:
        ours, theirs = socket.socketpair()
    except OSError as error:
        raise SandboxError(f"the sandbox cannot make a process: {error.strerror}") from error
    with theirs:
        try:
            return Taken(ours, zygote.fork(theirs, is_spare=is_spare))
        except BaseException:
            ours.close()
            raise
