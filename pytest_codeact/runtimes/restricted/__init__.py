"""
The `restricted` runtime: Python programs in a process of their own, behind a filter of the language.

This side runs in the test process. It starts the process, hands it programs, carries out their calls and
ends it; it imports nothing of a program's and believes nothing the process says. Whatever goes wrong over
there becomes an `Execution`.
"""

from __future__ import annotations

import keyword
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Confinement
from pytest_codeact.runtimes._channel import Channel, ProtocolError
from pytest_codeact.runtimes._conversation import checked
from pytest_codeact.runtimes._outcome import ERROR_BYTES, overlong, status_text
from pytest_codeact.runtimes._text import cut, escape
from pytest_codeact.runtimes.lockdown.layers import LAYERS
from pytest_codeact.runtimes.restricted._conversation import Conversation
from pytest_codeact.runtimes.restricted._pool import ZygotePool
from pytest_codeact.runtimes.restricted._process import SandboxProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_codeact.runtimes import Bindings, Execution, Limits
    from pytest_codeact.runtimes._channel import Message
    from pytest_codeact.runtimes.restricted._pool import ProcessSource

_LEAST_RECEIVE_BYTES: Final = 2 * 2**20
"""Longest message accepted from the process, unless an argument may be longer."""

_ESCAPED_BYTES: Final = 3
"""Bytes that one UTF-8 byte of JSON takes at most once the frame escapes it to ASCII."""

_START_S: Final = 30.0
"""Longest wait for a process to be ready. Measured: 3 ms; the rest is for a machine under load."""


class RestrictedRuntime:
    """
    Runs Python programs in processes of their own, one for each session.

    Args:
        layers: Names of `lockdown.LAYERS`: the walls to build around them. Fewer than all are for tests of the others.
        language: Whether programs are filtered. False is for tests of the walls alone: a program is then an attacker
            who has broken out of the language.
        source: Gives the processes, in place of those made by `layers` and `language`. A seam for tests.
    """

    language = "python"

    def __init__(
        self, *, layers: Collection[str] = LAYERS, language: bool = True, source: ProcessSource | None = None
    ) -> None:
        unknown = sorted(set(layers) - set(LAYERS))
        if unknown:
            raise ValueError(f"unknown layer {unknown[0]!r}; known layers: {', '.join(LAYERS)}")
        self._source = source or ZygotePool(layers=layers, language=language)
        self._sessions: set[_Session] = set()
        self._closed = False

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
        session = _Session(self._source, bindings, limits, self._sessions.discard)
        self._sessions.add(session)
        return session

    def confinement(self) -> Confinement:
        """Say what holds programs in on this machine, as the self-test found."""
        report = self._source.report()
        return Confinement(level=report["level"], layers=tuple(report["layers"]), missing=tuple(report["missing"]))

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        self._closed = True
        for session in list(self._sessions):
            session.close()
        self._source.close()


class _Session:
    """An interpreter of `RestrictedRuntime`. See `Interpreter` for what its methods promise."""

    def __init__(
        self,
        source: ProcessSource,
        bindings: Bindings,
        limits: Limits,
        on_close: Callable[[_Session], None],
    ) -> None:
        self._source = source
        self._bindings = bindings
        self._limits = limits
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
        if (refused := overlong(program, self._limits)) is not None:
            self._discard()
            return refused
        try:
            process = self._process or self._launch()
            self._programs.append(program)
            execution = Conversation(process, self._bindings, self._limits, self._programs).run(program)
        except BaseException as error:
            self._discard()
            if self._is_closed and isinstance(error, Exception) and not isinstance(error, SandboxError):
                raise SandboxError("the session was closed while it ran a program") from error
            raise
        # After its final answer a process waits for a reply that never comes; ending it is no part of the action.
        self._spent = execution.status == "final"
        if execution.status in {"limit", "crash"}:
            self._discard()
        return execution

    def close(self) -> None:
        """End the session and its process. May be called twice."""
        self._closed = True
        # How it ended concerns nobody any more; one that cannot be asked for died with its zygote.
        with suppress(SandboxError):
            self._discard()
        self._on_close(self)

    @property
    def _is_closed(self) -> bool:
        # Asked again after a program: another thread may have closed the session meanwhile.
        return self._closed

    def _discard(self) -> None:
        process, self._process = self._process, None
        self._programs = []
        self._spent = False
        if process is not None:
            process.kill()

    def _launch(self) -> SandboxProcess:
        receive_bytes = max(_LEAST_RECEIVE_BYTES, _ESCAPED_BYTES * self._limits.argument_bytes)
        taken = self._source.take()
        channel = Channel(
            taken.connection, send_bytes=sys.maxsize, receive_bytes=receive_bytes, nesting=self._limits.nesting
        )
        self._process = process = SandboxProcess(channel, taken.handle)
        try:
            process.channel.send(self._start_message(), _START_S)
            ready = checked(process.channel.receive(_START_S), "ready")
        except (TimeoutError, EOFError, ProtocolError) as error:
            raise SandboxError(
                f"the sandbox process did not start: {_cause(error)}; {_ended(process)}; if it is the limit "
                f"memory_bytes={self._limits.memory_bytes} that it needs more than, allow more"
            ) from error
        if ready["error"] is not None:
            self._discard()
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
            "nesting": self._limits.nesting,
            "integer_bits": self._limits.integer_bits,
            "value_bytes": self._limits.output_bytes,
            "frozen_clock_s": self._bindings.frozen_clock_s,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_s": self._limits.cpu_s,
        }


def _cause(error: Exception) -> str:
    return f"no answer in {_START_S:g} s" if isinstance(error, TimeoutError) else str(error)


def _ended(process: SandboxProcess) -> str:
    return status_text(process.kill())
