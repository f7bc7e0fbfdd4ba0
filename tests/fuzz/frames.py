"""
Fuzz the frame reader and the conversation with a process that has been taken over, by a grammar and mutations.

Frames are derived from the protocol's own and then broken: fields of other types, missing, doubled; numbers, strings
and nesting at and beyond what is allowed; bytes flipped, cut and moved; lengths that lie. Whatever comes, the reader
must give a checked message or one of its own errors, agree with a plain JSON parser on what it took, and come back in
time. As a script::

    python tests/fuzz/frames.py --seconds 600 --seed 1
"""

# ruff: noqa: E402, T201  # a script sets its path and prints
from __future__ import annotations

import argparse
import gc
import json
import random
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from process_sources import ScriptSource  # the path is set above

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._channel import Channel, ProtocolError
from pytest_codeact.runtimes._conversation import FIELDS, checked
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Execution

RECEIVE_BYTES: Final = 200_000
"""Longest body that the reader under test accepts."""

_FRAME_DEPTH: Final = 68
"""Nesting allowed in a frame: 64 in an argument, and 4 around it."""

SLOW_S: Final = 0.5
"""A frame that takes more seconds of processor time is a finding: the longest of what is accepted takes a hundredth."""

_WALL_S: Final = 0.3
_BUSY_S: Final = 10.0
"""Seconds for a conversation beyond its own time, in which a process is started on a machine that may be busy."""

_KINDS: Final = ("out", "call", "done", "flushed", "ready", "reply", "run", "start", "", "t")

# The process of a conversation: it sends what a file holds and never answers.
_CHILD: Final = """
import os, signal, socket, sys
channel = socket.socket(fileno=int(sys.argv[1]))
channel.recv(65536)
channel.sendall(b'\\x00\\x00\\x00\\x1b{"t": "ready","error":null}')
channel.recv(65536)
with open("STREAM", "rb") as file:
    channel.sendall(file.read())
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
while True:
    signal.pause()
"""


@dataclass(slots=True)
class Tally:
    """
    What was tried and found.

    Attributes:
        streams: Byte streams given to the reader.
        frames: Frames that it was asked for.
        conversations: Processes that spoke to a session.
        outcomes: How often each outcome came.
        findings: What must not be, with the bytes that did it.
    """

    streams: int = 0
    frames: int = 0
    conversations: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


class Grammar:
    """
    Makes bytes that a hostile process may send.

    Args:
        seed: Makes the same bytes again.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def stream(self) -> bytes:
        """Give some frames, or what is left of them."""
        made = b"".join(self._frame() for _ in range(self._random.choice((1, 1, 1, 2, 3, 8))))
        return self._mutated(made) if self._random.random() < 0.3 else made

    def speech(self) -> bytes:
        """Give frames of which most are as they should be, so that a conversation gets somewhere."""
        if self._random.random() < 0.3:
            return self.stream()
        bodies = [json.dumps(self._said()).encode() for _ in range(self._random.randrange(1, 9))]
        return b"".join(struct.pack(">I", len(body)) + body for body in bodies)

    def _said(self) -> dict[str, Any]:
        if self._random.random() < 0.1:
            return {"t": "out", "s": self._value(2)}
        draw = self._random.random()
        if draw < 0.6:
            return {"t": "out", "s": self._text() * self._random.choice((1, 10, 1000))}
        if draw < 0.65:
            return {"t": "call", "id": 1, "name": self._name(), "args": [self._value(2)], "kw": {self._text(): 1}}
        status = self._random.choice(("ok", "error", "denied", "memory", "deadlock", "final"))
        return {"t": "done", "status": status, **self._claimed(self._text(), self._text() * 100)}

    @staticmethod
    def _claimed(value: str | None, error: str | None) -> dict[str, str | None]:
        names = [name for name in FIELDS["done"] if name not in {"t", "status"}]
        return dict(zip(names, (value, error), strict=True))

    def _frame(self) -> bytes:
        body = self._body()
        length = len(body)
        if self._random.random() < 0.1:
            length = self._random.choice(
                (0, 1, length + 1, max(0, length - 1), RECEIVE_BYTES, RECEIVE_BYTES + 1, 2**32 - 1)
            )
        return struct.pack(">I", length) + body

    def _body(self) -> bytes:
        draw = self._random.random()
        if draw < 0.1:
            return self._random.randbytes(self._random.randrange(40))
        text = self._special() if draw < 0.3 else json.dumps(self._message(), ensure_ascii=self._random.random() < 0.8)
        body = text.encode("utf-8", "surrogatepass")
        return self._mutated(body) if self._random.random() < 0.4 else body

    def _message(self) -> Any:
        number, text = self._random.choice((0, 1, 1, 2, -1, 2**64)), self._text()
        message: dict[str, Any] = self._random.choice(
            (
                {"t": "out", "s": text},
                {"t": "call", "id": number, "name": self._name(), "args": [self._value(3)], "kw": {text: number}},
                {"t": "done", "status": self._random.choice(("ok", "error", "denied", "memory", "deadlock", text)),
                 **self._claimed(self._random.choice((None, text)), self._random.choice((None, text)))},
                {"t": "flushed"},
                {"t": "ready", "error": None},
            )
        )  # fmt: skip
        for _ in range(self._random.choice((0, 0, 0, 1, 2))):
            self._break(message)
        return self._value(3) if self._random.random() < 0.05 else message

    def _break(self, message: dict[str, Any]) -> None:
        name = self._random.choice([*message, "t", "x"])
        draw = self._random.random()
        if draw < 0.3:
            message.pop(name, None)
        elif draw < 0.8:
            message[name] = self._value(2)
        else:
            message["t"] = self._random.choice(_KINDS)

    def _name(self) -> str:
        return self._random.choice(
            ("tool", "tool", "final_answer", "__class__", "os.system", "", "a" * 500, self._text())
        )

    def _value(self, depth: int) -> Any:
        if depth and self._random.random() < 0.4:
            cells = [self._value(depth - 1) for _ in range(self._random.randrange(4))]
            return cells if self._random.random() < 0.5 else {self._text(): each for each in cells}
        return self._random.choice(
            (None, True, False, 0, -1, 2**63, 10**300, 1.5, -0.0, 1e308, self._text(), "", float("nan"), float("inf"))
        )

    def _text(self) -> str:
        pieces = (
            "a",
            '"',
            "\\",
            "[",
            "]",
            "{",
            "}",
            "\n",
            "\x1b[2J",
            "\x00",
            "\ud800",
            "\uffff",
            "é",
            "😀",
            '\\"[',
            "x" * 300,
        )
        return "".join(self._random.choice(pieces) for _ in range(self._random.randrange(6)))

    def _special(self) -> str:
        depth = self._random.choice((_FRAME_DEPTH - 2, _FRAME_DEPTH - 1, _FRAME_DEPTH, _FRAME_DEPTH + 1, 5_000, 20_000))
        digits = self._random.choice((10, 4299, 4300, 4301, 20_000))
        noise = json.dumps(self._text() * 3)
        made: Callable[[], str] = self._random.choice(
            (
                lambda: '{"t":"out","s":' + "[" * depth + "]" * depth + "}",
                lambda: '{"t":"done","status":"ok","value":' + '{"a":' * depth + "1" + "}" * depth + ',"error":null}',
                lambda: '{"t":"out","s":' + f"[{noise}," * min(depth, 200) + "1" + "]" * min(depth, 200) + "}",
                lambda: '{"t":"out","s":"' + "[" * depth + '"}',
                lambda: '{"t":"out","s":"' + '\\"[' * depth + '"}',
                lambda: '{"t":"out","s":"' + '\\"[\\"]' * depth,
                lambda: '{"t":"out","s":"' + "\\" * depth + '"}',
                lambda: '{"t":"call","id":' + "9" * digits + ',"name":"tool","args":[],"kw":{}}',
                lambda: '{"t":"call","id":1' + "0" * 20 + '.5e999,"name":"tool","args":[],"kw":{}}',
                lambda: '{"t":"out","t":"done","s":"","status":"ok","value":null,"error":null}',
                lambda: '{"t":"out","s":"\\ud800\\udfff"}',
                lambda: '{"t":"out","s":' + noise + "} " + noise,
                lambda: " \t\n" * depth + '{"t":"flushed"}',
                lambda: '{"t":"out","s":[' + ",".join(["[]"] * depth) + "]}",
            )
        )
        return made()

    def _mutated(self, body: bytes) -> bytes:
        made = bytearray(body)
        for _ in range(self._random.choice((1, 1, 2, 8))):
            at = self._random.randrange(len(made) + 1)
            end = min(len(made), at + self._random.choice((1, 1, 4, 32)))
            draw = self._random.random()
            if draw < 0.3:
                made[at:end] = self._random.randbytes(end - at)
            elif draw < 0.6:
                del made[at:end]
            elif draw < 0.8:
                made[at:at] = self._random.choice((b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\x00", b"1"))
            else:
                made[at:at] = made[at:end]
        return bytes(made)


def read_stream(stream: bytes, tally: Tally) -> None:
    """Give bytes to the reader until it has had enough, and check what it makes of them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        theirs.setblocking(False)  # noqa: FBT003  # the name of the method says what it is
        sent = 0
        with suppress(BlockingIOError):
            sent = theirs.send(stream)
        theirs.close()
        channel = Channel(ours, send_bytes=0, receive_bytes=RECEIVE_BYTES)
        tally.streams += 1
        given = stream[:sent]
        while True:
            # Its own processor time, without what a collection of all that the process holds would add to it: the
            # machine may be busy with other things, and the process be that of a whole suite.
            gc.disable()
            begin_s = time.thread_time()
            outcome, given = _read_frame(channel, given, tally)
            taken_s = time.thread_time() - begin_s
            gc.enable()
            tally.frames += 1
            tally.outcomes[outcome] += 1
            if taken_s > SLOW_S:
                tally.findings.append(f"slow: {stream[:200]!r}")
            if outcome != "message":
                return


def _read_frame(channel: Channel, given: bytes, tally: Tally) -> tuple[str, bytes]:
    """Read one frame; give the outcome and the bytes that follow it."""
    body, rest = given[4 : 4 + int.from_bytes(given[:4], "big")], given[4 + int.from_bytes(given[:4], "big") :]
    try:
        message = channel.receive(1.0)
    except ProtocolError as error:
        if "deeper" in str(error) and _depth(body) in range(_FRAME_DEPTH + 1):
            tally.findings.append(f"refused as too deep, and is not: {body[:200]!r}")
        return "no frame", rest
    except EOFError:
        return "end", rest
    except BaseException as error:  # noqa: BLE001  # that is what is looked for
        tally.findings.append(f"{type(error).__name__} of the reader: {error}: {body[:200]!r}")
        return "finding", rest
    if message != json.loads(body) or _depth(body) not in range(_FRAME_DEPTH + 1):
        tally.findings.append(f"read otherwise than by a plain parser: {body[:200]!r}")
    try:
        checked(message, "out", "call", "done")
    except ProtocolError:
        tally.outcomes["message refused"] += 1
    except BaseException as error:  # noqa: BLE001  # as above
        tally.findings.append(f"{type(error).__name__} of the check: {error}: {body[:200]!r}")
    return "message", rest


def _depth(body: bytes) -> int:
    """Give the nesting of a JSON text, by a plain parser with much room. -1 if it is none."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        pending = [(json.loads(body.decode("ascii")), 1)]
    except (ValueError, RecursionError):
        return -1
    finally:
        sys.setrecursionlimit(limit)
    deepest = 0
    while pending:
        value, depth = pending.pop()
        if isinstance(value, list | dict):
            deepest = max(deepest, depth)
            pending += [(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)]
    return deepest


def converse(folder: Path, stream: bytes, call: Callable[..., CallReply]) -> Execution:
    """Run a program in a session whose process sends these bytes instead."""
    script, sent = folder / "child.py", folder / "stream"
    script.write_text(_CHILD.replace("STREAM", str(sent)))
    sent.write_bytes(stream)
    runtime = _taken_over(script)
    try:
        return runtime.start(Bindings(functions=("tool",), call=call), Limits(wall_s=_WALL_S)).run("tool()")
    finally:
        runtime.close()


def _taken_over(script: Path) -> RestrictedRuntime:
    """Give a runtime whose process is a script of ours. The only place that knows how."""
    return RestrictedRuntime(source=ScriptSource(script))


def hold_conversation(folder: Path, stream: bytes, tally: Tally) -> None:
    """Let a process say these bytes, and check what comes of the program."""
    calls: list[str] = []

    def call(name: str, _positional: list[Json], _keywords: dict[str, Json]) -> CallReply:
        calls.append(name)
        return CallReply(value=1, final=name == "final_answer")

    begin_s = time.monotonic()
    try:
        execution = converse(folder, stream, call)
    except BaseException as error:  # noqa: BLE001  # that is what is looked for
        tally.findings.append(f"{type(error).__name__} of the conversation: {error}: {stream[:200]!r}")
        return
    tally.conversations += 1
    tally.outcomes[f"program {execution.status}"] += 1
    tally.findings += [f"{problem}: {stream[:200]!r}" for problem in _problems(execution, calls)]
    if time.monotonic() - begin_s > _WALL_S + _BUSY_S:
        tally.findings.append(f"slow conversation: {stream[:200]!r}")


def _problems(execution: Execution, calls: list[str]) -> Iterator[str]:
    if execution.status not in {"ok", "final", "error", "denied", "limit", "crash"}:
        yield f"the status {execution.status!r}"
    shown = "".join(filter(None, (execution.output, execution.value, execution.error)))
    if len(shown.encode("utf-8", "surrogatepass")) > 2 * Limits().output_bytes:
        yield "too much is shown"
    if any((each < " " and each not in "\n\t") or "\ud800" <= each <= "\udfff" for each in shown):
        yield "control characters or surrogates are shown"
    if any(not name.isidentifier() or name.startswith("_") for name in calls):
        yield f"a call of {calls!r} reached the host"


def fuzz(*, seed: int, folder: Path, enough: Callable[[Tally], bool], streams_per_conversation: int = 400) -> Tally:
    """
    Fuzz until it is enough.

    Args:
        seed: Makes the same bytes again.
        folder: Where the processes of conversations find their bytes.
        enough: Says of the tally so far whether to stop.
        streams_per_conversation: A conversation starts a process and costs as much as some hundred streams.
    """
    grammar = Grammar(seed)
    tally = Tally()
    while not enough(tally):
        for _ in range(streams_per_conversation):
            read_stream(grammar.stream(), tally)
        hold_conversation(folder, grammar.speech(), tally)
    return tally


def main() -> int:
    """Print the tally; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        deadline_s = time.monotonic() + arguments.seconds
        tally = fuzz(seed=arguments.seed, folder=Path(folder), enough=lambda _: time.monotonic() > deadline_s)
    print(f"{tally.streams} streams, {tally.frames} frames, {tally.conversations} conversations")
    for outcome, count in tally.outcomes.most_common():
        print(f"  {outcome}: {count}")
    print(f"{len(tally.findings)} findings")
    for finding in dict.fromkeys(tally.findings):
        print(f"  {finding}")
    return int(bool(tally.findings))


if __name__ == "__main__":
    sys.exit(main())
