"""
What is said between the test process and a sandbox's process while one program runs, for runtimes that speak in frames.

The vocabulary is closed and every message is checked: what the process says is a claim. Its exit status,
the clock and every count are taken here.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from pytest_codeact.runtimes import CallReply, Execution
from pytest_codeact.runtimes._account import Account, OverrunError, checked_name
from pytest_codeact.runtimes._channel import ProtocolError
from pytest_codeact.runtimes._outcome import (
    ERROR_BYTES,
    broke_protocol,
    died,
    limited,
    memory_text,
    processor_text,
    status_text,
    time_text,
)
from pytest_codeact.runtimes._text import cut

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Bindings, Limits
    from pytest_codeact.runtimes._channel import Channel, Message
    from pytest_codeact.runtimes._own_time import OwnTime, Watchdog

FIELDS: Final[dict[str, dict[str, Any]]] = {
    "out": {"t": str, "s": str},
    "call": {"t": str, "id": int, "name": str, "args": list, "kw": dict},
    "done": {"t": str, "status": str, "result": (str, int, float, type(None)), "err": (str, type(None))},
    "flushed": {"t": str},
    "ready": {"t": str, "error": (str, type(None))},
}
"""The messages of a process and the types of their fields. There are no others."""

_CLAIMS: Final = frozenset({"done"})
"""The messages that end a conversation: what they leave out is None, and what they claim besides is ignored."""


class SpeakingProcess(Protocol):
    """As much of a process as a conversation needs."""

    channel: Channel

    def kill(self) -> int:
        """End it, and give its exit status; negative for the number of the signal that ended it."""
        ...

    def watch(self, own_time: OwnTime) -> Watchdog:
        """Give a watchdog that kills it should `own_time` be overdrawn."""
        ...


ProcessT = TypeVar("ProcessT", bound=SpeakingProcess)


class FramedConversation(Generic[ProcessT]):
    """
    The run of one program.

    A runtime may know more of why a program was stopped or its process is gone.

    Args:
        process: The process; it stands ready.
        bindings: What programs may call.
        limits: What the program may use.
    """

    def __init__(self, process: ProcessT, bindings: Bindings, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._account = Account(bindings, limits)

    def run(self, program: str) -> Execution:
        """Run the program and give what came of it."""
        with self._process.watch(self._account.own_time):
            try:
                execution = self._converse(program)
            except OverrunError as overrun:
                execution = limited(str(overrun))
            except TimeoutError:
                execution = limited(self._overtime())
            except EOFError:
                execution = self._lost()
            except ProtocolError as error:
                execution = broke_protocol(error)
        return self._account.shown(execution)

    def _answer(self, message: Message) -> CallReply:
        """Carry out a call."""
        return self._account.call(checked_name(message["name"]), message["args"], message["kw"])

    def _done(self, message: Message) -> Execution:
        """Give the outcome that the process claims."""
        error = cut(message["err"] or "", ERROR_BYTES)
        match message["status"]:
            case "ok":
                result = message["result"]
                return Execution(status="ok", value=None if result is None else str(result))
            case "error" | "denied" as status:
                return Execution(status=status, error=error)
            case "memory":
                return limited(f"{error}\n{memory_text(self._limits.memory_bytes)}")
            case status:
                raise ProtocolError(f"the status {status!r}")

    def _overtime(self) -> str:
        """Name the limit of a program that the process did not end in time."""
        return time_text(self._limits)

    def _death(self) -> str | None:
        """Name the limit for which the process, killed by now, ended by itself. None if there is no such reason."""
        return None

    def _expect_silence(self, when: str) -> None:
        # A process that is gone can be read from as well; then this raises EOFError.
        if self._process.channel.pending():
            self._process.channel.receive(self._account.own_time.remaining_s())
            raise ProtocolError(f"a message {when}")

    def _converse(self, program: str) -> Execution:
        self._expect_silence("before its program")
        self._process.channel.send({"t": "run", "source": program}, self._account.own_time.remaining_s())
        while True:
            message = self._receive()
            if message["t"] == "done":
                return self._done(message)
            if message["t"] == "call":
                reply = self._answer(message)
                if reply.final:
                    return Execution(status="final")
                answer = {"t": "reply", "id": message["id"], "value": reply.value, "error": reply.error}
                self._process.channel.send(answer, self._account.own_time.remaining_s())

    def _receive(self) -> Message:
        """Give the next message; what it prints is taken already."""
        remaining_s = self._account.own_time.remaining_s()
        if remaining_s <= 0:
            raise TimeoutError
        message = checked(self._process.channel.receive(remaining_s), "out", "call", "done")
        self._account.count_frame()
        if message["t"] == "out":
            self._account.print(message["s"])
        return message

    def _lost(self) -> Execution:
        if self._account.own_time.remaining_s() <= 0:
            return limited(time_text(self._limits))
        status = self._process.kill()
        if status == -signal.SIGXCPU:
            return limited(processor_text(self._limits))
        reason = self._death()
        return died(status_text(status)) if reason is None else limited(reason)


def checked(message: Message, *allowed: str) -> Message:
    """Give a message if it is one of the kinds allowed here, with its fields and no others."""
    kind = message.get("t")
    if not isinstance(kind, str) or kind not in allowed:
        raise ProtocolError(f"a message of kind {kind!r}; expected {' or '.join(allowed)}")
    fields = FIELDS[kind]
    if kind in _CLAIMS:
        message = {name: message.get(name) for name in fields}
    if message.keys() != fields.keys():
        raise ProtocolError(f"a message {kind!r} with the fields {sorted(message)}; expected {sorted(fields)}")
    for name, kinds in fields.items():
        if not isinstance(message[name], kinds) or isinstance(message[name], bool):
            raise ProtocolError(f"a message {kind!r} whose {name!r} is a {type(message[name]).__name__}")
    return message
