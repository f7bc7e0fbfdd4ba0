"""
The main program of the sandbox's process: it reads programs from the channel, runs them, says what came of it.

The zygote forks it and the test process believes nothing it says beyond the vocabulary of `restricted`. Everything a
program may need is imported before the walls go up.
"""

from __future__ import annotations

import codecs
import faulthandler
import gc
import mmap
import os
import random
import signal
import sys
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.runtimes._channel import Channel
from pytest_codeact.runtimes._text import cut
from pytest_codeact.runtimes.restricted.child import names
from pytest_codeact.runtimes.restricted.child.encode import encode_arguments
from pytest_codeact.runtimes.restricted.child.facade import Facade
from pytest_codeact.runtimes.restricted.child.facades import build_modules
from pytest_codeact.runtimes.restricted.child.guards import Guards
from pytest_codeact.runtimes.restricted.child.kinds import DeniedError, ToolError, UnknownFunction, tool_error
from pytest_codeact.runtimes.restricted.child.pipe import Pipe
from pytest_codeact.runtimes.restricted.child.policy import RefusedError, compile_program
from pytest_codeact.runtimes.restricted.child.report import Sources, refusal_text, traceback_text
from pytest_codeact.runtimes.restricted.child.streams import open_streams
from pytest_codeact.runtimes.restricted.child.tasks import DeadlockError, Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType

    from pytest_codeact.runtimes._channel import Message

CHANNEL_DESCRIPTOR: Final = 3
"""The channel to the host. No other descriptor is open but the standard streams, which are on null."""

_EAGER_WRITES: Final = 64
"""Lines of a program sent at once: what was printed before C code that never ends must not be lost."""

_CHUNK_CHARACTERS: Final = 16 * 2**10
"""Characters of output gathered, after the first lines, before they are sent."""

_RESERVE_BYTES: Final = 4 * 2**20
"""Memory given back when there is no more, so that the failure can be put in words."""

_SEED: Final = 0
"""Seed of `random` at the start of every interpreter."""

_CODECS: Final = (
    "ascii", "base64", "bz2", "cp437", "cp850", "cp1250", "cp1251", "cp1252", "hex", "idna", "iso8859-1", "iso8859-2",
    "iso8859-15", "koi8-r", "latin-1", "mac-roman", "punycode", "quopri", "raw-unicode-escape", "rot13", "shift-jis",
    "gb18030", "big5", "euc-jp", "euc-kr", "unicode-escape", "utf-7", "utf-8", "utf-8-sig", "utf-16", "utf-16-be",
    "utf-16-le", "utf-32", "utf-32-be", "utf-32-le", "zlib",
)  # fmt: skip
"""Encodings that Python imports at their first use, when no import is possible any more. Others are unknown."""

_RECURSION_FRAMES: Final = 1000
"""Frames a program may nest, as under plain Python."""

_OWN_FRAMES: Final = 6
"""Frames below a program's: those of the bootstrap, the zygote and this module."""


class Output:
    """
    Standard output: the first lines are sent as they come, later ones gathered.

    Args:
        channel: Where to.
    """

    def __init__(self, channel: _Unconnected | Channel) -> None:
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


class _Unconnected:
    """The channel of an interpreter that no host talks to yet."""

    sending = False

    def send(self, message: Message) -> None:
        """Drop it."""


class _Reserve:
    """Address space, which is what is limited, to give back when there is no more. Its pages are never touched."""

    def __init__(self) -> None:
        self._held: mmap.mmap | None = None
        # What earlier programs keep may leave none.
        with suppress(OSError):
            self._held = mmap.mmap(-1, _RESERVE_BYTES)

    def close(self) -> None:
        """Give it back."""
        if self._held is not None:
            self._held.close()


class Interpreter:
    """
    The state of a trial's programs. The zygote makes it; each child connects its own copy.

    Args:
        frozen_clock_s: Seconds since the epoch at which the program's clock stands still. None for the machine's clock.

    Attributes:
        layer: What the language layer is called in reports. "" for none.
    """

    layer = "RestrictedPython"

    def __init__(self, frozen_clock_s: float | None = None) -> None:
        self._value_bytes = sys.maxsize
        self._limits: dict[str, int] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._calls = 0
        self._channel: Any = _Unconnected()
        self.output = Output(self._channel)
        self._sources = Sources()
        self._loop = Loop()
        main = types.ModuleType("__main__")
        self._namespace = vars(main)
        self._modules: dict[str, types.ModuleType] = {}
        guards = Guards(self._namespace, self._modules, self._loop.awaitable)
        self._modules.update(build_modules(self._loop, guards, frozen_clock=frozen_clock_s))
        self._namespace["__builtins__"] = guards.builtins()
        # Dataclasses and enums ask for the module of a class by its name.
        sys.modules["__main__"] = main

    def warm_up(self, source: str) -> None:
        """Run a program of our own and forget it: what it fills is filled for every child."""
        names_before = set(self._namespace)
        self.run(source)
        for name in set(self._namespace) - names_before:
            del self._namespace[name]
        self._sources = Sources()

    def connect(self, channel: Channel, start: Message) -> None:
        """
        Take up a trial.

        Args:
            channel: The channel to its host.
            start: The host's first message: "functions", names that the host carries out; "argument_bytes", "nesting"
                and "integer_bits", as of `Limits`; "value_bytes", UTF-8 bytes kept of a final value.
        """
        self._channel = channel
        self.output = Output(channel)
        self._limits = {name: start[name] for name in ("argument_bytes", "nesting", "integer_bits")}
        self._value_bytes = start["value_bytes"]
        self._functions = {name: self._stub(name) for name in start["functions"]}
        # A call of a tool that does not exist is the host's to answer, in the words of every arm.
        self._modules["tools"] = Facade(
            "tools", self._functions, (), unknown=lambda name: UnknownFunction(self._stub(name))
        )

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
        return None if outcome["status"] == "ok" else outcome["err"]

    def run(self, source: str) -> Message:
        """Run a program and give the message that says what came of it."""
        self.output.start()
        open_streams(self.output.write)
        reserve = _Reserve()
        try:
            value = self._execute(source)
        except BaseException as error:  # noqa: BLE001  # the boundary of the program: whatever it raises is its outcome
            reserve.close()
            outcome = self._outcome_of(error, source)
        else:
            reserve.close()
            outcome = _done("ok", value=value)
        self.output.send()
        return outcome

    def _execute(self, source: str) -> str | None:
        code = self._compiled(source, self._sources.add(source))
        self._namespace.pop(names.VALUE, None)
        made = eval(code, self._namespace)  # noqa: S307  # what the process is for
        if made is not None:
            self._loop.run(made)
        value = self._namespace.pop(names.VALUE, None)
        return None if value is None else cut(repr(value), self._value_bytes)

    def _compiled(self, source: str, file_name: str) -> CodeType:
        return compile_program(source, file_name, self._exported)

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
        return _done("denied" if self._is_denial(error) else "error", error=text)

    def _is_denial(self, error: BaseException) -> bool:
        return isinstance(error, DeniedError)

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
        listed, named = encode_arguments(name, positional, keywords, **self._limits)
        self.output.send()
        self._calls += 1
        self._channel.send({"t": "call", "id": self._calls, "name": name, "args": listed, "kw": named})
        reply = self._channel.receive()
        if reply["error"] is not None:
            raise tool_error(reply["error"])
        return reply["value"]


def _done(status: str, *, value: str | None = None, error: str | None = None) -> Message:
    return {"t": "done", "status": status, "result": value, "err": error}


def serve(interpreter: Interpreter, build_walls: Callable[..., None]) -> NoReturn:
    """
    Serve the host of one trial until it is gone. Called in a process that was forked for it.

    Args:
        interpreter: The zygote's.
        build_walls: Gives up what a program must not have; takes `cpu_s` and `memory_bytes`.
    """
    channel = Channel(Pipe(CHANNEL_DESCRIPTOR), send_bytes=sys.maxsize, receive_bytes=sys.maxsize)
    try:
        start = channel.receive()
        if start["frozen_clock_s"] is not None:
            # Modules are built around a clock, and the zygote's around the machine's.
            interpreter = type(interpreter)(start["frozen_clock_s"])
        interpreter.connect(channel, start)
        # Dumps the stack from the signal handler itself, in the middle of C code too.
        faulthandler.register(signal.SIGUSR1, file=CHANNEL_DESCRIPTOR, all_threads=False)
        signal.signal(signal.SIGUSR2, interpreter.output.send_now)
        random.seed(_SEED)
        gc.enable()
        sys.setrecursionlimit(_RECURSION_FRAMES + _OWN_FRAMES)
        build_walls(cpu_s=start["cpu_s"], memory_bytes=start["memory_bytes"])
        channel.send({"t": "ready", "error": interpreter.declare(start["declarations"])})
        while True:
            channel.send(interpreter.run(channel.receive()["source"]))
    except EOFError:
        # Not sys.exit: nothing of a program may run on the way out.
        os._exit(0)


def load_codecs() -> None:
    """Load the encodings that Python imports at their first use."""
    for name in _CODECS:
        # A Python may be built without one.
        with suppress(LookupError):
            codecs.lookup(name)
