"""
The `restricted` runtime: Python programs in a process of their own, behind a filter of the language.

This side runs in the test process. It starts the process, hands it programs, carries out their calls and
ends it; it imports nothing of a program's and believes nothing the process says. Whatever goes wrong over
there becomes an `Execution`.
"""

from __future__ import annotations

import keyword
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes.restricted._channel import ProtocolError
from pytest_codeact.runtimes.restricted._conversation import ERROR_BYTES, Conversation, checked, limited, status_text
from pytest_codeact.runtimes.restricted._process import SandboxProcess, sandbox_command
from pytest_codeact.runtimes.restricted._text import cut, escape, utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.runtimes import Bindings, Execution, Limits
    from pytest_codeact.runtimes.restricted._channel import Message

_SEND_BYTES: Final = 8 * 2**20
"""Longest message to the process: the result of a call, mostly."""

_LEAST_RECEIVE_BYTES: Final = 2 * 2**20
"""Longest message accepted from the process, unless an argument may be longer."""

_ESCAPED_BYTES: Final = 3
"""Bytes that one UTF-8 byte of JSON takes at most once the frame escapes it to ASCII."""

_START_S: Final = 30.0
"""Longest wait for a process to be ready. Measured: 0.1 s; the rest is for a machine under load."""


class RestrictedRuntime:
    """
    Runs Python programs in processes of their own, one for each session.

    Args:
        command: The command of a session's process, in place of the sandbox; the number of its descriptor
            of the channel is added. None for the sandbox.
    """

    language = "python"

    def __init__(self, *, command: Sequence[str] | None = None) -> None:
        self._command = command
        self._sessions: set[_Session] = set()
        self._closed = False
        # The kernel ends a process with the thread that launched it, so that thread must outlive a trial's.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codeact-launcher")

    def start(self, bindings: Bindings, limits: Limits) -> _Session:
        """
        Start a session. Its process is started when it is prepared, or by its first program.

        Raises:
            SandboxError: The platform cannot run it, a function's name cannot be bound, or it is closed.
        """
        if self._closed:
            raise SandboxError("the runtime is closed; make another RestrictedRuntime")
        for name in bindings.functions:
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                raise SandboxError(
                    f"function {name!r} cannot be bound in the sandbox; "
                    "allowed are identifiers that are no keyword and start with no underscore; rename it"
                )
        session = _Session(self._command or sandbox_command(), bindings, limits, self._launcher, self._sessions.discard)
        self._sessions.add(session)
        return session

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        self._closed = True
        for session in list(self._sessions):
            session.close()
        self._launcher.shutdown()


class _Session:
    """An interpreter of `RestrictedRuntime`. See `Interpreter` for what its methods promise."""

    def __init__(
        self,
        command: Sequence[str],
        bindings: Bindings,
        limits: Limits,
        launcher: ThreadPoolExecutor,
        on_close: Callable[[_Session], None],
    ) -> None:
        self._command = command
        self._bindings = bindings
        self._limits = limits
        self._launcher = launcher
        self._on_close = on_close
        self._process: SandboxProcess | None = None
        self._programs: list[str] = []
        self._closed = False
        self._spent = False

    def prepare(self) -> None:
        """Start the process, if none runs."""
        if self._spent:
            self._discard()
        if self._process is None and not self._closed:
            self._launch()

    def run(self, program: str) -> Execution:
        """Run a program to its end, its failure or a limit."""
        if self._closed:
            raise SandboxError("the session is closed; start another with RestrictedRuntime.start")
        if self._spent:
            self._discard()
        size_bytes = utf8_bytes(program)
        if size_bytes > self._limits.source_bytes:
            self._discard()
            return limited(
                f"source limit of {self._limits.source_bytes} bytes exceeded: the program is {size_bytes} bytes; "
                "write a shorter one"
            )
        try:
            process = self._process or self._launch()
            self._programs.append(program)
            execution = Conversation(process, self._bindings, self._limits, self._programs).run(program)
        except BaseException:
            self._discard()
            raise
        # After its final answer a process waits for a reply that never comes; ending it is no part of the action.
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
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._programs = []
        self._spent = False

    def _launch(self) -> SandboxProcess:
        receive_bytes = max(_LEAST_RECEIVE_BYTES, _ESCAPED_BYTES * self._limits.argument_bytes)
        launched = self._launcher.submit(
            SandboxProcess, self._command, send_bytes=_SEND_BYTES, receive_bytes=receive_bytes
        )
        self._process = process = launched.result()
        try:
            process.channel.send(self._start_message(), _START_S)
            ready = checked(process.channel.receive(_START_S), "ready")
        except (TimeoutError, EOFError, ProtocolError) as error:
            raise SandboxError(
                f"the sandbox process did not start: {_cause(error)}; {_ended(process)}; if it is the limit "
                f"memory_bytes={self._limits.memory_bytes} that it needs more than, allow more"
            ) from error
        if ready["error"] is not None:
            text = escape(cut(ready["error"], ERROR_BYTES))
            raise SandboxError(f"the declarations do not run in the sandbox:\n{text}")
        # The declarations are the process's program 0.
        self._programs = [self._bindings.declarations]
        return process

    def _start_message(self) -> Message:
        return {
            "t": "start",
            "functions": self._bindings.functions,
            "declarations": self._bindings.declarations,
            "argument_bytes": self._limits.argument_bytes,
            "value_bytes": self._limits.output_bytes,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_s": self._limits.cpu_s,
        }


def _cause(error: Exception) -> str:
    return f"no answer in {_START_S:g} s" if isinstance(error, TimeoutError) else str(error)


def _ended(process: SandboxProcess) -> str:
    return status_text(process.kill())
