"""
The `deno` runtime: TypeScript programs in Deno, one process for each trial.

This side runs in the test process: it starts the process, hands it programs, carries out their calls and ends it. What
runs over there is `harness/`.

Programs share their realm with the harness. A realm of their own, a worker, was measured: 20 ms more to start, 50 us
more per call, an unstable flag, and it would guard nothing. The process has no permission in either case, and whatever
it says is believed no more than its programs are: statuses, counts, clocks and `final_answer` are decided here.
"""

from __future__ import annotations

import re
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Confinement, Limits
from pytest_codeact.runtimes._channel import FrameTooLongError, ProtocolError
from pytest_codeact.runtimes._conversation import checked
from pytest_codeact.runtimes._outcome import ERROR_BYTES, overlong, status_text
from pytest_codeact.runtimes._text import cut, escape
from pytest_codeact.runtimes.deno._conversation import Conversation
from pytest_codeact.runtimes.deno._process import DenoProcess, command, find_deno

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.runtimes import Execution

_LEAST_BYTES: Final = 2 * 2**20
"""Longest message accepted from the process, unless an argument or a value may be longer, and room for one to it."""

_ESCAPED_BYTES: Final = 6
"""Bytes that one UTF-8 byte of JSON takes at most once the frame escapes it to ASCII."""

_START_S: Final = 30.0
"""Longest wait for a process to be ready. Measured: 0.05 s; the rest is for a machine under load."""

_NAME: Final = re.compile("[A-Za-z][A-Za-z0-9_]*")

_WORDS: Final = """
await break case catch class const continue debugger default delete do else enum export extends false finally
for function if implements import in instanceof interface let new null package private protected public return
static super switch this throw true try typeof var void while with yield arguments eval undefined NaN Infinity
tools console
"""

_KEYWORDS: Final = frozenset(_WORDS.split())
"""What no function can be called: reserved words of strict code, and names that are something else."""


class DenoRuntime:
    """
    Runs TypeScript programs in processes of their own, one for each session.

    Args:
        command: The command of a session's process, in place of Deno's. None for Deno's.
    """

    language = "typescript"

    def __init__(self, *, command: Sequence[str] | None = None) -> None:
        self._spares = _Spares(command)
        self._sessions: set[_Session] = set()
        self._closed = False
        self._confinement: Confinement | None = None

    def start(self, bindings: Bindings, limits: Limits) -> _Session:
        """
        Start a session. Its process is started when it is prepared, or by its first program.

        Raises:
            SandboxError: The platform cannot run it, a function's name cannot be bound, or it is closed.
        """
        if self._closed:
            raise SandboxError("the runtime is closed; make another DenoRuntime")
        for name in bindings.functions:
            if not _NAME.fullmatch(name) or name in _KEYWORDS:
                raise SandboxError(
                    f"function {name!r} cannot be bound in the sandbox; allowed are ASCII letters, digits and "
                    "underscores that begin with a letter and are no word of the language; rename it"
                )
        self._spares.check()
        session = _Session(self._spares, bindings, limits, self._sessions.discard)
        self._sessions.add(session)
        return session

    def confinement(self) -> Confinement:
        """
        Say what holds programs in on this machine. The first call starts a process and ends it.

        Raises:
            SandboxError: The platform cannot run it.
        """
        if self._confinement is None:
            session = self.start(Bindings(functions=(), call=_no_call), Limits())
            try:
                session.prepare()
            finally:
                session.close()
            self._confinement = Confinement(
                level="C",
                layers=("V8 without permissions", "process limits"),
                missing=()
                if sys.platform == "linux"
                else (f"limit of memory: {sys.platform} does not enforce one on data",),
            )
        return self._confinement

    def close(self) -> None:
        """End the runtime and all sessions. May be called twice."""
        self._closed = True
        self._spares.close()
        for session in list(self._sessions):
            session.close()


class _Spares:
    """
    Starts processes, and keeps one that nobody uses yet: it starts while a trial's figures are being written down.

    A spare has run nothing. It is made when a session ends, so that it takes no processor from a program that runs.
    """

    def __init__(self, command: Sequence[str] | None) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._spare: tuple[Limits, DenoProcess] | None = None
        self._closed = False

    def check(self) -> None:
        """Raise SandboxError if the platform cannot run it."""
        if self._command is None:
            find_deno()

    def take(self, limits: Limits) -> DenoProcess:
        """Give the spare if it has these limits, else a new process."""
        with self._lock:
            if self._spare is not None and self._spare[0] == limits:
                process = self._spare[1]
                self._spare = None
                return process
        return self._started(limits)

    def prepare(self, limits: Limits) -> None:
        """Start a spare, if there is none with these limits."""
        with self._lock:
            if self._closed or (self._spare is not None and self._spare[0] == limits):
                return
            self._drop()
            # What hinders it will hinder the session that needs a process, and be said there.
            with suppress(SandboxError):
                self._spare = (limits, self._started(limits))

    def close(self) -> None:
        """End the spare. May be called twice."""
        with self._lock:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        if self._spare is not None:
            self._spare[1].kill()
            self._spare = None

    def _started(self, limits: Limits) -> DenoProcess:
        longest_bytes = max(limits.argument_bytes, limits.output_bytes, ERROR_BYTES)
        return DenoProcess(
            command(find_deno(), limits) if self._command is None else self._command,
            send_bytes=_LEAST_BYTES + limits.result_bytes + _ESCAPED_BYTES * limits.source_bytes,
            receive_bytes=max(_LEAST_BYTES, _ESCAPED_BYTES * longest_bytes),
            nesting=limits.nesting,
        )


class _Session:
    """An interpreter of `DenoRuntime`. See `Interpreter` for what its methods promise."""

    def __init__(
        self, spares: _Spares, bindings: Bindings, limits: Limits, on_close: Callable[[_Session], None]
    ) -> None:
        self._spares = spares
        self._bindings = bindings
        self._limits = limits
        self._on_close = on_close
        self._process: DenoProcess | None = None
        self._closed = False
        self._used = False
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
            raise SandboxError("the session is closed; start another with DenoRuntime.start")
        if self._spent:
            self._discard()
        if (refused := overlong(program, self._limits)) is not None:
            self._discard()
            return refused
        try:
            execution = Conversation(self._process or self._launch(), self._bindings, self._limits).run(program)
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
        if self._used and not self._closed:
            self._spares.prepare(self._limits)
        self._closed = True
        self._discard()
        self._on_close(self)

    def _discard(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._spent = False

    def _launch(self) -> DenoProcess:
        self._used = True
        self._process = process = self._spares.take(self._limits)
        try:
            process.channel.send(self._start_message(), _START_S)
            ready = checked(process.channel.receive(_START_S), "ready")
        except (TimeoutError, EOFError, ProtocolError, FrameTooLongError) as error:
            self._process = None
            cause = f"no answer in {_START_S:g} s" if isinstance(error, TimeoutError) else str(error)
            raise SandboxError(
                f"the sandbox process did not start: {cause}; {status_text(process.kill())}; if it is the limit "
                f"memory_bytes={self._limits.memory_bytes} that it needs more than, allow more"
            ) from error
        if ready["error"] is not None:
            self._discard()
            text = escape(cut(ready["error"], ERROR_BYTES))
            raise SandboxError(f"the declarations do not run in the sandbox:\n{text}")
        return process

    def _start_message(self) -> dict[str, object]:
        return {
            "t": "start",
            "functions": self._bindings.functions,
            "declarations": self._bindings.declarations,
            "argument_bytes": self._limits.argument_bytes,
            "value_bytes": self._limits.output_bytes,
            "nesting": self._limits.nesting,
            "integer_bits": self._limits.integer_bits,
            "frozen_clock_s": self._bindings.frozen_clock_s,
        }


def _no_call(*_call: object) -> CallReply:
    return CallReply(error="there is nothing to call")
