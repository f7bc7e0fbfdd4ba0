"""
The `monty` runtime: Python programs in Monty, an interpreter of its own written in Rust, in a process of its own.

Monty is a language and a library smaller than CPython's: what it lacks is "denied". It holds programs by never having
had what they would need to get out; what else holds them is said by `MontyRuntime.confinement`.
"""

from __future__ import annotations

import keyword
import sys
from typing import TYPE_CHECKING

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Confinement, Execution, Limits
from pytest_codeact.runtimes._outcome import overlong
from pytest_codeact.runtimes.monty._conversation import Conversation
from pytest_codeact.runtimes.monty._tools import declare
from pytest_codeact.runtimes.monty._worker import HEAP_BYTES, Worker, binary_path, require_package

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.runtimes.monty._report import Feeds
    from pytest_codeact.runtimes.monty._tools import ToolModules


class MontyRuntime:
    """
    Runs Python programs in Monty's workers, one process for each session.

    Args:
        binary: The executable of a worker. None for that of pydantic-monty.
    """

    language = "python"

    def __init__(self, *, binary: str | None = None) -> None:
        self._binary = binary
        self._sessions: set[_Session] = set()
        self._confinement: Confinement | None = None
        self._closed = False

    def start(self, bindings: Bindings, limits: Limits) -> _Session:
        """
        Start a session. Its process is started when it is prepared, or by its first program.

        Raises:
            SandboxError: pydantic-monty is not installed, a function's name cannot be bound, or it is closed.
        """
        if self._closed:
            raise SandboxError("the runtime is closed; make another MontyRuntime")
        for name in bindings.functions:
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                raise SandboxError(
                    f"function {name!r} cannot be bound in the sandbox; "
                    "allowed are identifiers that are no keyword and start with no underscore; rename it"
                )
        require_package()
        session = _Session(self._binary or binary_path(), bindings, limits, self._sessions.discard)
        self._sessions.add(session)
        return session

    def confinement(self) -> Confinement:
        """
        Say what holds programs in on this machine.

        Raises:
            SandboxError: It cannot run here.
        """
        if self._confinement is None:
            session = self.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
            session.prepare()
            session.close()
            self._confinement = _confinement()
        return self._confinement

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        self._closed = True
        for session in list(self._sessions):
            session.close()


def _confinement() -> Confinement:
    layers = [
        "Monty's own interpreter: no files, no network, no environment",
        "a process of its own for each session, without environment variables",
        f"its limits of time and memory, at most {HEAP_BYTES // 2**20} MiB",
    ]
    missing = [
        "seccomp, Landlock and namespaces: the worker takes none from itself, and no launcher does it",
        "a standard error of its own: the client hands it that of the test process",
        "an end with the test process: if that is killed, a program runs on to its time limit",
    ]
    if sys.platform == "linux":
        layers.append("kernel limits of processor time, address space, files and descriptors")
    else:
        missing.append(f"kernel limits: they cannot be set on another process on {sys.platform!r}")
    return Confinement(level="C", layers=tuple(layers), missing=tuple(missing))


class _Session:
    """An interpreter of `MontyRuntime`. See `Interpreter` for what its methods promise."""

    def __init__(self, binary: str, bindings: Bindings, limits: Limits, on_close: Callable[[_Session], None]) -> None:
        self._binary = binary
        self._bindings = bindings
        self._limits = limits
        self._on_close = on_close
        self._started: tuple[Worker, ToolModules, Feeds] | None = None
        self._closed = False
        self._spent = False

    def prepare(self) -> None:
        """Start the process, if none runs."""
        if self._spent:
            self._discard()
        if self._started is None and not self._closed:
            self._launch()

    def run(self, program: str) -> Execution:
        """Run a program to its end, its failure or a limit."""
        if self._closed:
            raise SandboxError("the session is closed; start another with MontyRuntime.start")
        if self._spent:
            self._discard()
        if (refused := overlong(program, self._limits)) is not None:
            self._discard()
            return refused
        try:
            worker, modules, feeds = self._started or self._launch()
            if not program:
                # Monty does not count it.
                return Execution(status="ok")
            feeds.add_program(program)
            execution = Conversation(worker, modules, self._bindings, self._limits, feeds).run()
        except BaseException:
            self._discard()
            raise
        # After its final answer a worker waits for a reply that never comes; ending it is no part of the action.
        self._spent = execution.status == "final"
        if execution.status in {"limit", "crash"}:
            self._discard()
        return execution

    def close(self) -> None:
        """End the session and its process. May be called twice."""
        self._closed = True
        self._discard()
        self._on_close(self)

    def _discard(self) -> None:
        started, self._started = self._started, None
        if started is not None:
            started[0].close()
        self._spent = False

    def _launch(self) -> tuple[Worker, ToolModules, Feeds]:
        worker = Worker(self._binary, self._limits, self._bindings.frozen_clock_s)
        try:
            self._started = started = (worker, *declare(worker, self._bindings, self._limits))
        except BaseException:
            worker.close()
            raise
        return started
