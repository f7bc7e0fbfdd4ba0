"""
The `restricted` runtime: Python programs in a process of their own, behind a filter of the language.

This side runs in the test process. It starts the process, hands it programs, carries out their calls and
ends it; it imports nothing of a program's and believes nothing the process says. Whatever goes wrong over
there becomes an `Execution`.
"""

from __future__ import annotations

import keyword
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import CallReply, Execution
from pytest_codeact.runtimes._channel import FrameTooLongError, ProtocolError
from pytest_codeact.runtimes._process import OwnTime, SandboxProcess, sandbox_command
from pytest_codeact.runtimes._text import cut, escape, utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.records import CodeStatus
    from pytest_codeact.runtimes import Bindings, Limits
    from pytest_codeact.runtimes._channel import Message
    from pytest_codeact.runtimes._process import Place

RESTARTED: Final = (
    "The interpreter was restarted: the variables, functions and imports of this and earlier programs are gone."
)
"""What every error text says after which the next program finds a fresh interpreter."""

_FRAMES: Final = 20_000
"""Messages accepted from one program. One that prints without end sends fewer before its time is over."""

_SEND_BYTES: Final = 8 * 2**20
"""Longest message to the process: the result of a call, mostly."""

_LEAST_RECEIVE_BYTES: Final = 2 * 2**20
"""Longest message accepted from the process, unless an argument may be longer."""

_ESCAPED_BYTES: Final = 3
"""Bytes that one UTF-8 byte of JSON takes at most once the frame escapes it to ASCII."""

_ERROR_BYTES: Final = 8192
"""Longest error text believed of the process. It keeps its own to half of that."""

_START_S: Final = 30.0
"""Longest wait for a process to be ready. Measured: 0.1 s; the rest is for a machine under load."""

_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "out": {"t": str, "s": str},
    "call": {"t": str, "id": int, "name": str, "args": list, "kw": dict},
    "done": {"t": str, "status": str, "value": (str, type(None)), "error": (str, type(None))},
    "flushed": {"t": str},
    "ready": {"t": str, "error": (str, type(None))},
}
"""The messages of the process and the types of their fields. There are no others."""

_STATUSES: Final[dict[str, CodeStatus]] = {
    "ok": "ok",
    "error": "error",
    "denied": "denied",
    "memory": "limit",
    "deadlock": "limit",
}


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
        # The kernel ends a process with the thread that launched it, so that thread must outlive a trial's.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codeact-launcher")

    def start(self, bindings: Bindings, limits: Limits) -> _Session:
        """
        Start a session. Its process is started by its first program.

        Raises:
            SandboxError: The platform cannot run it, or a function's name cannot be bound.
        """
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

    def run(self, program: str) -> Execution:
        """Run a program to its end, its failure or a limit."""
        if self._closed:
            raise SandboxError("the session is closed; start another with RestrictedRuntime.start")
        size_bytes = utf8_bytes(program)
        if size_bytes > self._limits.source_bytes:
            self._discard()
            return _limited(
                f"source limit of {self._limits.source_bytes} bytes exceeded: the program is {size_bytes} bytes; "
                "write a shorter one"
            )
        try:
            process = self._process or self._launch()
            self._programs.append(program)
            execution = _Conversation(process, self._bindings, self._limits, self._programs).run(program)
        except BaseException:
            self._discard()
            raise
        if execution.status in {"final", "limit", "crash"}:
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

    def _launch(self) -> SandboxProcess:
        receive_bytes = max(_LEAST_RECEIVE_BYTES, _ESCAPED_BYTES * self._limits.argument_bytes)
        launched = self._launcher.submit(
            SandboxProcess, self._command, send_bytes=_SEND_BYTES, receive_bytes=receive_bytes
        )
        self._process = process = launched.result()
        try:
            process.channel.send(self._start_message(), _START_S)
            ready = _checked(process.channel.receive(_START_S), "ready")
        except (TimeoutError, EOFError, ProtocolError) as error:
            raise SandboxError(f"the sandbox process did not start: {_cause(error)}; {_ended(process)}") from error
        if ready["error"] is not None:
            text = escape(cut(ready["error"], _ERROR_BYTES))
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


class _OverrunError(Exception):
    """A program used more than it may. The text names the limit."""


class _Conversation:
    """
    What is said between the test process and the sandbox's while one program runs.

    Args:
        process: The process; it stands ready.
        bindings: What programs may call.
        limits: What the program may use.
        programs: The declarations, then the sources of every program of the process, this one included.
    """

    def __init__(self, process: SandboxProcess, bindings: Bindings, limits: Limits, programs: Sequence[str]) -> None:
        self._process = process
        self._bindings = bindings
        self._limits = limits
        self._programs = programs
        self._own_time = OwnTime(limits.wall_s)
        self._frames = 0
        self._calls = 0
        self._output: list[str] = []
        self._output_bytes = 0

    def run(self, program: str) -> Execution:
        """Run the program and give what came of it."""
        with self._process.watch(self._own_time):
            try:
                execution = self._converse(program)
            except _OverrunError as overrun:
                execution = _limited(str(overrun))
            except TimeoutError:
                execution = _limited(self._time_text())
            except EOFError:
                execution = self._lost()
            except ProtocolError as error:
                execution = _crashed(f"the sandbox process broke the protocol: {error}.")
        return self._shown(execution)

    def _converse(self, program: str) -> Execution:
        if self._process.channel.pending():
            raise ProtocolError("a message that nobody asked for")
        self._process.channel.send({"t": "run", "source": program}, self._own_time.remaining_s())
        while True:
            message = self._receive()
            if message["t"] == "done":
                return self._done(message)
            if message["t"] == "call":
                reply = self._answer(message)
                if reply.final:
                    return Execution(status="final")
                self._reply(message["id"], reply)

    def _receive(self) -> Message:
        """Give the next message; what it prints is taken already."""
        remaining_s = self._own_time.remaining_s()
        if remaining_s <= 0:
            raise TimeoutError
        message = _checked(self._process.channel.receive(remaining_s), "out", "call", "done")
        self._frames += 1
        if self._frames > _FRAMES:
            raise _OverrunError(f"message limit of {_FRAMES} exceeded: print more at a time, less often")
        if message["t"] == "out":
            self._take_output(message["s"])
        return message

    def _take_output(self, text: str) -> None:
        self._output.append(text)
        self._output_bytes += utf8_bytes(text)
        if self._output_bytes > self._limits.hard_output_bytes:
            raise _OverrunError(
                f"output limit of {self._limits.hard_output_bytes} bytes exceeded: print less, print a summary"
            )

    def _answer(self, message: Message) -> CallReply:
        """Carry out a call. The tool's time is not the program's."""
        name = message["name"]
        if name not in self._bindings.functions:
            raise ProtocolError(f"a call of {name!r}, which is no function of this trial")
        if self._process.channel.pending():
            raise ProtocolError("a message before the answer to its call")
        self._calls += 1
        if self._calls > self._limits.tool_calls:
            raise _OverrunError(
                f"call limit of {self._limits.tool_calls} tool calls in one program exceeded: "
                "do the rest in another program"
            )
        self._own_time.pause()
        try:
            return self._bindings.call(name, message["args"], message["kw"])
        finally:
            self._own_time.resume()

    def _reply(self, number: int, reply: CallReply) -> None:
        remaining_s = self._own_time.remaining_s()
        message = {"t": "reply", "id": number, "value": reply.value, "error": reply.error}
        try:
            self._process.channel.send(message, remaining_s)
        except FrameTooLongError as error:
            text = f"the result is too long for the sandbox: {error}; ask for less"
            self._process.channel.send({**message, "value": None, "error": text}, remaining_s)

    def _done(self, message: Message) -> Execution:
        if message["status"] not in _STATUSES:
            raise ProtocolError(f"the status {message['status']!r}")
        status = _STATUSES[message["status"]]
        if status == "ok":
            return Execution(status="ok", value=message["value"])
        error = cut(message["error"] or "", _ERROR_BYTES)
        if message["status"] == "memory":
            return _limited(f"{error}\nmemory limit of {self._limits.memory_bytes} bytes exceeded")
        if message["status"] == "deadlock":
            return _limited(error)
        return Execution(status=status, error=error)

    def _time_text(self) -> str:
        """Name the limit and the line that was running, after taking the output that is still on its way."""

        def read(timeout_s: float) -> bool:
            message = _checked(self._process.channel.receive(timeout_s), "out", "call", "done", "flushed")
            if message["t"] == "out":
                self._take_output(message["s"])
            return bool(message["t"] == "out")

        try:
            self._process.flush(read)
        except _OverrunError as overrun:
            return str(overrun)
        return f"time limit of {self._limits.wall_s:g} s exceeded{self._placed(self._process.place())}"

    def _placed(self, place: Place | None) -> str:
        if place is None or place.program >= len(self._programs):
            return ""
        program = self._programs[place.program]
        lines = program.splitlines()
        line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
        where = "" if place.program == len(self._programs) - 1 else " of an earlier program"
        function = "" if place.function == "<module>" else f", in {place.function}"
        return f" at line {place.line}{where}{function}: {line}"

    def _lost(self) -> Execution:
        if self._own_time.remaining_s() <= 0:
            return _limited(f"time limit of {self._limits.wall_s:g} s exceeded")
        status = self._process.kill()
        if status == -signal.SIGXCPU:
            return _limited(
                f"processor limit of {self._limits.cpu_s} s exceeded by the programs of this interpreter together"
            )
        return _crashed(f"the sandbox process died ({_status_text(status)}).")

    def _shown(self, execution: Execution) -> Execution:
        """Put in what was printed, and make every text safe to show and short enough."""
        value = None if execution.value is None else escape(execution.value)
        output = escape("".join(self._output))
        budget_bytes = self._limits.output_bytes
        if value is not None:
            value = cut(value, max(budget_bytes // 2, budget_bytes - utf8_bytes(output)))
            budget_bytes -= utf8_bytes(value)
        error = None if execution.error is None else escape(execution.error)
        return replace(execution, output=cut(output, max(0, budget_bytes)), value=value, error=error)


def _checked(message: Message, *allowed: str) -> Message:
    """Give a message if it is one of the kinds allowed here, with its fields and no others."""
    kind = message.get("t")
    if not isinstance(kind, str) or kind not in allowed:
        raise ProtocolError(f"a message of kind {kind!r}; expected {' or '.join(allowed)}")
    fields = _FIELDS[kind]
    if message.keys() != fields.keys():
        raise ProtocolError(f"a message {kind!r} with the fields {sorted(message)}; expected {sorted(fields)}")
    for name, kinds in fields.items():
        if not isinstance(message[name], kinds) or isinstance(message[name], bool):
            raise ProtocolError(f"a message {kind!r} whose {name!r} is a {type(message[name]).__name__}")
    return message


def _limited(text: str) -> Execution:
    return Execution(status="limit", error=f"{text}\n{RESTARTED}")


def _crashed(text: str) -> Execution:
    return Execution(status="crash", error=f"{text}\n{RESTARTED}")


def _cause(error: Exception) -> str:
    return f"no answer in {_START_S:g} s" if isinstance(error, TimeoutError) else str(error)


def _ended(process: SandboxProcess) -> str:
    return _status_text(process.kill())


def _status_text(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
