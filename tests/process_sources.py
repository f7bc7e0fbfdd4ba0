"""Processes for the restricted runtime that are not the sandbox's: scripts that talk its protocol, or break it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_codeact.runtimes.restricted._pool import Taken

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_codeact.runtimes._channel import Message


class ScriptProcess:
    """A process that runs a script; its argument is the number of the channel's descriptor."""

    def __init__(self, script: Path, connection: socket.socket) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(script), str(connection.fileno())], pass_fds=(connection.fileno(),)
        )

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def reap(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()


class ScriptSource:
    """Runs a script for each process."""

    def __init__(self, script: Path) -> None:
        self._script = script

    def take(self) -> Taken:
        ours, theirs = socket.socketpair()
        with theirs:
            return Taken(ours, ScriptProcess(self._script, theirs))

    def report(self) -> Message:
        return {"level": "D", "layers": [], "missing": []}

    def close(self) -> None:
        """Nothing is left: each session reaps its own."""
