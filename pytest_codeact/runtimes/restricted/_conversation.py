"""
What is said between the test process and the sandbox's while one program runs.

The vocabulary is closed and every message is checked: what the process says is a claim. Its exit status,
the clock and every count are taken here.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.runtimes import CallReply, Execution
from pytest_codeact.runtimes.restricted._channel import FrameTooLongError, ProtocolError
from pytest_codeact.runtimes.restricted._process import OwnTime
from pytest_codeact.runtimes.restricted._text import cut, escape, utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.records import CodeStatus
    from pytest_codeact.runtimes import Bindings, Limits
    from pytest_codeact.runtimes.restricted._channel import Message
    from pytest_codeact.runtimes.restricted._process import Place, SandboxProcess

RESTARTED: Final = (
    "The interpreter was restarted: the variables, functions and imports of this and earlier programs are gone."
)
"""What every error text says after which the next program finds a fresh interpreter."""

_FRAMES: Final = 20_000
"""Messages accepted from one program. One that prints without end sends fewer before its time is over."""

_NAME_CHARACTERS: Final = 200
"""Longest name of a function that a program may call; whether there is one is the bindings' to say."""

ERROR_BYTES: Final = 8192
"""Longest error text believed of the process. It keeps its own to half of that."""

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


class _OverrunError(Exception):
    """A program used more than it may. The text names the limit."""


class Conversation:
    """
    The run of one program.

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
                execution = limited(str(overrun))
            except TimeoutError:
                execution = limited(self._time_text())
            except EOFError:
                execution = self._lost()
            except ProtocolError as error:
                execution = _crashed(f"the sandbox process broke the protocol: {error}.")
        return self._shown(execution)

    def _converse(self, program: str) -> Execution:
        self._expect_silence("before its program")
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
        message = checked(self._process.channel.receive(remaining_s), "out", "call", "done")
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
        if not name.isidentifier() or name.startswith("_") or len(name) > _NAME_CHARACTERS:
            raise ProtocolError(f"a call of {name[:_NAME_CHARACTERS]!r}, which no function can be called")
        self._expect_silence("before the answer to its call")
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

    def _expect_silence(self, when: str) -> None:
        # A process that is gone can be read from as well; then this raises EOFError.
        if self._process.channel.pending():
            self._process.channel.receive(self._own_time.remaining_s())
            raise ProtocolError(f"a message {when}")

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
        error = cut(message["error"] or "", ERROR_BYTES)
        if message["status"] == "memory":
            return limited(f"{error}\nmemory limit of {self._limits.memory_bytes} bytes exceeded")
        if message["status"] == "deadlock":
            return limited(error)
        return Execution(status=status, error=error)

    def _time_text(self) -> str:
        """Name the limit and the line that was running, after taking the output that is still on its way."""

        def read(timeout_s: float) -> bool:
            message = checked(self._process.channel.receive(timeout_s), "out", "call", "done", "flushed")
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
            return limited(f"time limit of {self._limits.wall_s:g} s exceeded")
        status = self._process.kill()
        if status == -signal.SIGXCPU:
            return limited(
                f"processor limit of {self._limits.cpu_s} s exceeded by the programs of this interpreter together"
            )
        return _crashed(f"the sandbox process died ({status_text(status)}).")

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


def checked(message: Message, *allowed: str) -> Message:
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


def limited(text: str) -> Execution:
    """Give the outcome of a program that met a limit; its process is to be discarded."""
    return Execution(status="limit", error=f"{text}\n{RESTARTED}")


def _crashed(text: str) -> Execution:
    return Execution(status="crash", error=f"{text}\n{RESTARTED}")


def status_text(status: int) -> str:
    """Put an exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
