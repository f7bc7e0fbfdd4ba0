"""
A worker of Monty: a process of its own that serves one session. The one module that knows pydantic-monty's pool.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import SandboxError

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontySession

    from pytest_codeact.runtimes import Limits

_RUNTIME: Final = "pydantic-monty-runtime"
"""The distribution that holds the executable."""

HEAP_BYTES: Final = 128 * 2**20
"""Most memory given to a worker. What a program prints or gives comes in one piece, in the test process too."""

_RESERVE_BYTES: Final = 512 * 2**20
"""Address space beyond the memory limit: the program itself, its threads, and what a message takes twice."""

_GRACE_S: Final = 0.2
"""Seconds past the time limit at which a worker that did not stop by itself is killed."""

_START_S: Final = 30.0
"""Longest wait for a worker. Measured: 3 ms; the rest is for a machine under load."""

_SEED: Final = 0
"""Seed of `random` at the start of every session."""

_SUSPENSIONS: Final = 2**32 - 1
"""Calls and look-ups that the pool allows a session: out of the way, for `Limits` has a number for each program."""


def require_package() -> None:
    """
    See that pydantic-monty is installed.

    Raises:
        SandboxError: It is not.
    """
    try:
        import pydantic_monty  # noqa: F401  # whether it can be imported is the question
    except ImportError as error:
        raise SandboxError(
            "the monty runtime needs the pydantic-monty package; run: pip install 'pytest-codeact[monty]'"
        ) from error


def binary_path() -> str:
    """
    Give the executable of a worker, which is called with the one argument `subprocess`.

    The only place that chooses it. The client finds one too, but looks into MONTY_BIN and PATH as well, and asks
    sysconfig, which threads cannot do at the same time.

    Raises:
        SandboxError: The package came without it.
    """
    try:
        files = distribution(_RUNTIME).files or ()
    except PackageNotFoundError:
        files = ()
    for each in files:
        if each.name in {"monty", "monty.exe"} and (path := Path(str(each.locate()))).is_file():
            return str(path.resolve())
    raise SandboxError(
        f"the package {_RUNTIME} with the executable 'monty' is not installed; "
        f"run: pip install --force-reinstall {_RUNTIME}"
    )


class Worker:
    """
    A running worker with its session.

    Args:
        binary: Its executable.
        limits: What its programs may use.
        frozen_clock_s: As of `Bindings`.

    Raises:
        SandboxError: It cannot be started.
    """

    def __init__(self, binary: str, limits: Limits, frozen_clock_s: float | None = None) -> None:
        from pydantic_monty import Monty, MontyError

        self.memory_bytes = min(limits.memory_bytes, HEAP_BYTES)
        # A pool of one: a worker that could be used again could carry something over.
        self._pool: Monty = Monty(
            binary_path=binary,
            min_processes=0,
            max_processes=1,
            max_checkouts_per_worker=1,
            checkout_timeout=_START_S,
            request_timeout=limits.wall_s + _START_S,
            feed_duration_limit_grace=_GRACE_S,
            turn_duration_limit_grace=_GRACE_S,
        )
        self._pool.__enter__()
        self.session: MontySession = self._pool.checkout(
            limits={
                "max_feed_duration_secs": limits.wall_s,
                "max_memory": self.memory_bytes,
                "max_suspensions": _SUSPENSIONS,
            },
            os_policy={
                "datetime": "system" if frozen_clock_s is None else datetime.fromtimestamp(frozen_clock_s, UTC),
                "timezone": "utc",
                "sleep": "zero",
                "random_start": {"seed": _SEED},
            },
            assert_message_annotations=False,
        )
        self.pid = 0
        self._pidfd: int | None = None
        self._entered = False
        try:
            self.session.__enter__()
            self._entered = True
            # Known between two turns only.
            self.pid = self.session.worker_pid or 0
            self._confine(limits)
        # The client has a class for each way that a worker can be gone, and RuntimeError for what is none of them.
        except (MontyError, OSError, RuntimeError) as error:
            self.close()
            raise SandboxError(f"the sandbox process cannot be started: {error}") from error

    def kill(self) -> None:
        """Kill the process, whatever another thread is waiting for from it."""
        with suppress(ProcessLookupError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self.pid:
                # Windows has no SIGKILL; what it does for any signal is as good.
                os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def close(self) -> None:
        """End the process and its session. May be called twice."""
        self.kill()
        if self._entered:
            self._entered = False
            self.session.__exit__(None, None, None)
        self._pool.__exit__(None, None, None)
        if self._pidfd is not None:
            pidfd, self._pidfd = self._pidfd, None
            os.close(pidfd)
        self.pid = 0

    def _confine(self, limits: Limits) -> None:
        """Set limits on the process from outside, where the system can."""
        if sys.platform != "linux":
            return
        import resource

        self._pidfd = os.pidfd_open(self.pid)
        address_bytes = limits.memory_bytes + _RESERVE_BYTES
        for kind, soft, hard in (
            (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
            (resource.RLIMIT_AS, address_bytes, address_bytes),
            (resource.RLIMIT_FSIZE, 0, 0),
            (resource.RLIMIT_CORE, 0, 0),
            (resource.RLIMIT_NOFILE, 16, 16),
        ):
            resource.prlimit(self.pid, kind, (soft, hard))
