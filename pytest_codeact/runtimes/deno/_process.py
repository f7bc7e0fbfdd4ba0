"""
The process of a Deno session: its command line and limits, its channel, its end.

Everything that decides what the process starts with is here; `command` is the one place where it is put together.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes._channel import Channel
from pytest_codeact.runtimes._own_time import Watchdog
from pytest_codeact.runtimes.deno._modules import HARNESS, import_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.runtimes import Limits
    from pytest_codeact.runtimes._own_time import OwnTime

ENVIRONMENT: Final = {
    # Inside what is no directory nothing can be made, by root neither: no cache, no localStorage.
    "DENO_DIR": "/dev/null/deno",
    "DENO_NO_UPDATE_CHECK": "1",
    "NO_COLOR": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
"""The whole environment of the process."""

_RESERVED_BYTES: Final = 544 * 2**20
"""
What V8 takes of the limit of data before a program has a byte of it: address space for 512 MiB of machine code, and the
stacks of its threads. Measured with Deno 2.9: 540 MiB after the start.
"""

_OPEN_FILES: Final = 64
"""Descriptors the process may hold. Measured: 20."""

# The limits are set between fork and exec by a shell, in half a millisecond and without running Python in the fork of a
# process with threads. A limit that the user has lower than this one stays as it is.
_LAUNCHER: Final = """\
cpu=$1 data=$2 files=$3
shift 3
{
ulimit -S -c 0; ulimit -H -c 0
ulimit -S -f 0; ulimit -H -f 0
ulimit -S -n "$files"; ulimit -H -n "$files"
ulimit -S -d "$data"; ulimit -H -d "$data"
ulimit -S -t "$cpu"; ulimit -H -t "$((cpu + 1))"
} 2>/dev/null
exec "$@"
"""

_SEED: Final = 1
"""Seed of what is drawn. V8 takes 0 for none."""

_FLAGS: Final = (
    "--quiet",
    "--no-prompt",
    "--no-remote",
    "--no-npm",
    "--deny-import",
    "--no-config",
    "--no-lock",
    "--no-check",
    "--no-code-cache",
    # Of crypto; V8 has one of its own for Math.random. What is drawn is the same in every trial.
    f"--seed={_SEED}",
    # For the harness, which runs programs by V8's inspector in its own thread and gives it up before the first one.
    "--allow-sys=inspector",
)

_STDERR_BYTES: Final = 64 * 2**10


def find_deno() -> str:
    """
    Give the path of the binary.

    Raises:
        SandboxError: The platform cannot run it, or it is not installed.
    """
    if sys.platform == "win32":
        raise SandboxError("the deno runtime needs a POSIX system, and this is 'win32'; use another runtime")
    try:
        from deno import find_deno_bin

        path: str = find_deno_bin()
    except (ImportError, FileNotFoundError) as error:
        raise SandboxError(
            "the deno runtime needs the deno package; run: pip install 'pytest-codeact[deno]'"
        ) from error
    return path


def command(deno: str, limits: Limits) -> tuple[str, ...]:
    """Give the command of a process that is held to `limits`."""
    heap_mib = max(1, limits.memory_bytes // 2**20)
    return (
        *("/bin/sh", "-c", _LAUNCHER, "sh"),
        *(str(limits.cpu_s), str((_RESERVED_BYTES + limits.memory_bytes) // 2**10), str(_OPEN_FILES)),
        *(deno, "run", *_FLAGS),
        f"--import-map={import_map()}",
        f"--v8-flags=--max-old-space-size={heap_mib},--random-seed={_SEED}",
        str(HARNESS / "main.js"),
    )


class DenoProcess:
    """
    A running process, and the channel to it over its standard input and output.

    Args:
        arguments: The command.
        send_bytes: Longest message to it.
        receive_bytes: Longest message accepted from it.
        nesting: As of `Limits`.

    Raises:
        SandboxError: The command cannot be started.
    """

    def __init__(self, arguments: Sequence[str], *, send_bytes: int, receive_bytes: int, nesting: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  # our own command, or the test's
                    arguments,
                    env=ENVIRONMENT,
                    cwd="/",
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"the sandbox process cannot be started: {error}") from error
        self.channel = Channel(ours, send_bytes=send_bytes, receive_bytes=receive_bytes, nesting=nesting)
        self._last_words = b""

    def kill(self) -> int:
        """
        End the process and everything in its session, and close the channel. May be called twice.

        Returns:
            Its exit status; negative for the number of the signal that ended it.
        """
        self._signal_group()
        status = self._process.wait()
        self.channel.close()
        stderr = self._process.stderr
        if stderr is not None and not stderr.closed:
            # The process is gone, so this is what the pipe holds; not to its end, which a descendant might keep away.
            os.set_blocking(stderr.fileno(), False)
            with suppress(BlockingIOError):
                self._last_words = os.read(stderr.fileno(), _STDERR_BYTES)
            stderr.close()
        return status

    def out_of_memory(self) -> bool:
        """Say whether the process, killed by now, ended because V8 found no memory. What V8 writes last says so."""
        return b"out of memory" in self._last_words

    def waited_in_vain(self) -> bool:
        """
        Say whether the process, killed by now, ended because its program awaits a promise that nothing can settle.

        When such a program becomes garbage, V8's inspector reports it, and Deno 2.9 dies of being told just then.
        """
        return b"Invoke in DisallowJavascriptExecutionScope" in self._last_words

    def watch(self, own_time: OwnTime) -> Watchdog:
        """Give a watchdog that kills the process should `own_time` be overdrawn."""
        return Watchdog(own_time, self._signal_group)

    def _signal_group(self) -> None:
        # Its session is its group. Not reaped yet, so the number cannot belong to another process.
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
