"""
The main program of the sandbox's process: it reads programs from the channel, runs them, says what came of it.

The test process starts it (`_process`) and believes nothing it says beyond the vocabulary of `restricted`.
Everything a program may need is imported before the walls go up.
"""

from __future__ import annotations

import codecs
import faulthandler
import os
import random
import signal
import socket
import sys
import types
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.runtimes.restricted._channel import Channel
from pytest_codeact.runtimes.restricted._text import cut
from pytest_codeact.runtimes.restricted.child import names
from pytest_codeact.runtimes.restricted.child.encode import encode_arguments
from pytest_codeact.runtimes.restricted.child.facades import Facade, build_modules
from pytest_codeact.runtimes.restricted.child.guards import Guards
from pytest_codeact.runtimes.restricted.child.kinds import DeniedError, ToolError, UnknownFunction
from pytest_codeact.runtimes.restricted.child.lockdown import lock_down
from pytest_codeact.runtimes.restricted.child.policy import RefusedError, compile_program
from pytest_codeact.runtimes.restricted.child.report import Sources, refusal_text, traceback_text
from pytest_codeact.runtimes.restricted.child.tasks import DeadlockError, Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.runtimes.restricted._channel import Message

RECEIVE_BYTES: Final = 8 * 2**20
"""Longest message to the process."""

_EAGER_WRITES: Final = 64
"""Lines of a program sent at once: what was printed before C code that never ends must not be lost."""

_CHUNK_CHARACTERS: Final = 16 * 2**10
"""Characters of output gathered, after the first lines, before they are sent."""

_RESERVE_BYTES: Final = 4 * 2**20
"""Memory given back when there is no more, so that the failure can be put in words."""

_SEED: Final = 0
"""Seed of `random` at the start of every interpreter."""

_CODECS: Final = ("ascii", "cp1252", "latin-1", "utf-16", "utf-8-sig")
"""Encodings that Python imports at their first use, when no import is possible any more."""

_RECURSION_FRAMES: Final = 1000
"""Frames a program may nest, as under plain Python."""


class Output:
    """
    Standard output: the first lines are sent as they come, later ones gathered.

    Args:
        channel: Where to.
    """

    encoding = "utf-8"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._gathered: list[str] = []
        self._characters = 0
        self._eager = _EAGER_WRITES
        self._sending = False

    def start(self) -> None:
        """Begin a program's output."""
        self._eager = _EAGER_WRITES

    def write(self, text: str) -> int:
        """Take text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._gathered.append(str.__str__(text))
        self._characters += str.__len__(text)
        if self._characters >= _CHUNK_CHARACTERS:
            self.send()
        elif self._eager and text.endswith("\n"):
            self._eager -= 1
            self.send()
        return str.__len__(text)

    def flush(self) -> None:
        """Do nothing: a program does not decide when a message is sent."""

    def send(self) -> None:
        """Send what is gathered."""
        if self._sending or not self._gathered:
            return
        self._sending = True
        text = "".join(self._gathered)
        self._gathered.clear()
        self._characters = 0
        for start in range(0, len(text), _CHUNK_CHARACTERS):
            self._channel.send({"t": "out", "s": text[start : start + _CHUNK_CHARACTERS]})
        self._sending = False

    def send_now(self, *_signal: object) -> None:
        """Send what is gathered because the host asks for it, between two instructions of the program."""
        if not self._sending and not self._channel.sending:
            self.send()
            self._channel.send({"t": "flushed"})


class Interpreter:
    """
    The state of a trial's programs.

    Args:
        channel: Where calls go.
        functions: Names of the functions that the host carries out.
        argument_bytes: As of `Limits`.
        value_bytes: UTF-8 bytes kept of a final value.
    """

    def __init__(self, channel: Channel, functions: Sequence[str], argument_bytes: int, value_bytes: int) -> None:
        self._channel = channel
        self._argument_bytes = argument_bytes
        self._value_bytes = value_bytes
        self._calls = 0
        self.output = Output(channel)
        self._sources = Sources()
        self._loop = Loop()
        self._functions = {name: self._stub(name) for name in functions}
        # A call of a tool that does not exist is the host's to answer, in the words of every arm.
        tools = Facade("tools", self._functions, (), unknown=lambda name: UnknownFunction(self._stub(name)))
        main = types.ModuleType("__main__")
        self._namespace = vars(main)
        self._modules: dict[str, types.ModuleType] = {"tools": tools}
        guards = Guards(self._namespace, self._modules, self._loop.awaitable)
        self._modules.update(build_modules(self._loop, guards, self._error_text))
        self._namespace["__builtins__"] = guards.builtins()
        # Dataclasses and enums ask for the module of a class by its name.
        sys.modules["__main__"] = main

    def declare(self, source: str) -> str | None:
        """
        Run the trusted declarations, then bind the functions.

        Returns:
            What is wrong with the declarations. None if nothing is.
        """
        outcome = self.run(source)
        declared = {name: each for name, each in self._namespace.items() if not name.startswith("_")}
        vars(self._modules["tools"]).update({**declared, "ToolError": ToolError, **self._functions})
        self._namespace.update(self._functions)
        self._namespace["tools"] = self._modules["tools"]
        return None if outcome["status"] == "ok" else outcome["error"]

    def run(self, source: str) -> Message:
        """Run a program and give the message that says what came of it."""
        self.output.start()
        sys.stdout = self.output  # type: ignore[assignment,unused-ignore]  # print needs no more of it
        reserve = bytearray(_RESERVE_BYTES)
        try:
            value = self._execute(source)
        except BaseException as error:  # noqa: BLE001  # the boundary of the program: whatever it raises is its outcome
            del reserve
            outcome = self._outcome_of(error, source)
        else:
            outcome = _done("ok", value=value)
        self.output.send()
        return outcome

    def _execute(self, source: str) -> str | None:
        name = self._sources.add(source)
        code = compile_program(source, name, self._exported)
        self._namespace.pop(names.VALUE, None)
        made = eval(code, self._namespace)  # noqa: S307  # what the process is for
        if made is not None:
            self._loop.run(made)
        value = self._namespace.pop(names.VALUE, None)
        return None if value is None else cut(repr(value), self._value_bytes)

    def _outcome_of(self, error: BaseException, source: str) -> Message:
        if isinstance(error, RefusedError):
            return _done("denied", error=refusal_text(error.refusals, source))
        if isinstance(error, SystemExit) and error.code in {None, 0}:
            return _done("ok")
        text = self._error_text(error)
        if isinstance(error, MemoryError):
            return _done("memory", error=text)
        if isinstance(error, DeadlockError):
            return _done("deadlock", error=text)
        return _done("denied" if isinstance(error, DeniedError) else "error", error=text)

    def _error_text(self, error: BaseException) -> str:
        try:
            return traceback_text(error, self._sources)
        except (MemoryError, RecursionError):
            return type(error).__name__

    def _exported(self, module: str) -> Sequence[str]:
        known = self._modules.get(module)
        return [name for name in vars(known) if not name.startswith("_")] if known is not None else ()

    def _stub(self, name: str) -> Callable[..., Any]:
        def stub(*positional: Any, **keywords: Any) -> Any:
            return self._call(name, positional, keywords)

        stub.__name__ = stub.__qualname__ = name
        stub.__module__ = "tools"
        return stub

    def _call(self, name: str, positional: Sequence[Any], keywords: dict[str, Any]) -> Any:
        listed, named = encode_arguments(name, positional, keywords, self._argument_bytes)
        self.output.send()
        self._calls += 1
        self._channel.send({"t": "call", "id": self._calls, "name": name, "args": listed, "kw": named})
        reply = self._channel.receive()
        if reply["error"] is not None:
            raise ToolError(reply["error"])
        return reply["value"]


def _done(status: str, *, value: str | None = None, error: str | None = None) -> Message:
    return {"t": "done", "status": status, "value": value, "error": error}


def main(descriptor: int) -> NoReturn:
    """
    Serve the host until it is gone.

    Args:
        descriptor: The channel to the host.
    """
    connection = socket.socket(fileno=descriptor)
    channel = Channel(connection, send_bytes=sys.maxsize, receive_bytes=RECEIVE_BYTES)
    try:
        start = channel.receive()
        interpreter = Interpreter(channel, start["functions"], start["argument_bytes"], start["value_bytes"])
        # Dumps the stack from the signal handler itself, in the middle of C code too.
        faulthandler.register(signal.SIGUSR1, file=descriptor, all_threads=False)
        signal.signal(signal.SIGUSR2, interpreter.output.send_now)
        for name in _CODECS:
            codecs.lookup(name)
        random.seed(_SEED)
        sys.setrecursionlimit(_RECURSION_FRAMES + 5)
        lock_down(cpu_s=start["cpu_s"], memory_bytes=start["memory_bytes"])
        channel.send({"t": "ready", "error": interpreter.declare(start["declarations"])})
        while True:
            channel.send(interpreter.run(channel.receive()["source"]))
    except EOFError:
        # Not sys.exit: nothing of a program may run on the way out.
        os._exit(0)
