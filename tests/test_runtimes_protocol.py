"""A sandbox process that has been taken over: whatever it sends, the run ends and the host lives."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from process_sources import ScriptSource

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_codeact.runtimes import Execution

PRELUDE = """
import json, os, signal, socket, struct, sys
channel = socket.socket(fileno=int(sys.argv[1]))
def raw(data):
    channel.sendall(data)
def frame(data):
    raw(struct.pack(">I", len(data)) + data)
def send(**message):
    frame(json.dumps(message).encode())
def receive():
    (length,) = struct.unpack(">I", channel.recv(4, socket.MSG_WAITALL))
    return channel.recv(length, socket.MSG_WAITALL)
def done(status="ok", value=None, error=None):
    send(t="done", status=status, result=value, err=error)
def call(name="tool", number=1, args=[], kw={}):
    send(t="call", id=number, name=name, args=args, kw=kw)
receive()
"""

READY = 'send(t="ready", error=None)\nreceive()\n'

STALL = "\nwhile True: signal.pause()\n"


class Calls:
    """Counts the calls that reach the host."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *_call: object) -> CallReply:
        self.count += 1
        return CallReply(value="x" * 1_000_000)


@pytest.fixture
def calls() -> Calls:
    """Give a host."""
    return Calls()


@pytest.fixture
def take_over(tmp_path: Path, calls: Calls) -> Callable[[str], Execution]:
    """Give a function that runs a program in a process that does as it is told instead."""

    def run(script: str, *, wall_s: float = 0.5) -> Execution:
        path = tmp_path / "child.py"
        path.write_text(PRELUDE + script)
        runtime = RestrictedRuntime(source=ScriptSource(path))
        session = runtime.start(Bindings(functions=("tool",), call=calls), Limits(wall_s=wall_s))
        try:
            return session.run("tool()")
        finally:
            runtime.close()

    return run


BROKEN = {
    "length_of_4_gb": ('raw(b"\\xff" * 8)', "a frame of 4294967295 bytes; allowed: 3000000"),
    "not_utf8": (r'frame(b"\xff\xfe{}")', "a frame that is not JSON: 'ascii' codec can't decode byte 0xff in position 0: ordinal not in range(128)"),
    "empty": ('frame(b"")', "a frame that is not JSON: Expecting value: line 1 column 1 (char 0)"),
    "array": ('frame(b"[1, 2]")', "a frame that is a list, not an object"),
    "trailing": ("""frame(b'{"t": "out", "s": ""} 1')""", "a frame that is not JSON: Extra data: line 1 column 23 (char 22)"),
    "deep": ("""frame(b'{"t": "out", "s": ' + b"[" * 10**5 + b"]" * 10**5 + b"}")""", "a frame nested deeper than 68"),
    "deep_objects": ("""frame(b'{"a":' * 10**5 + b"1" + b"}" * 10**5)""", "a frame nested deeper than 68"),
    "nan": ("""frame(b'{"t": "out", "s": NaN}')""", "a frame that is not JSON: NaN is not JSON"),
    "infinity": ("""frame(b'{"t": "out", "s": -Infinity}')""", "a frame that is not JSON: -Infinity is not JSON"),
    "beyond_float": ("""frame(b'{"t": "out", "s": 1e999}')""", "a frame that is not JSON: 1e999 is beyond what a float holds"),
    "brackets": ("""frame(b'{"t": "out", "s": [' + b"[]," * 200_000 + b"1]}")""", "a frame with 200002 opening brackets; allowed: 200000"),
    "kind_missing": ('send(s="")', "a message of kind None; expected out or call or done"),
    "kind_list": ('send(t=["out"], s="")', "a message of kind ['out']; expected out or call or done"),
    "kind_unknown": ('send(t="eval", s="")', "a message of kind 'eval'; expected out or call or done"),
    "kind_misplaced": ('send(t="ready", error=None)', "a message of kind 'ready'; expected out or call or done"),
    "field_missing": ('send(t="out")', "a message 'out' with the fields ['t']; expected ['s', 't']"),
    "field_too_many": ('send(t="out", s="", x=1)', "a message 'out' with the fields ['s', 't', 'x']; expected ['s', 't']"),
    "text_number": ('send(t="out", s=5)', "a message 'out' whose 's' is a int"),
    "name_list": ('call(name=["tool"])', "a message 'call' whose 'name' is a list"),
    "id_bool": ("call(number=True)", "a message 'call' whose 'id' is a bool"),
    "args_object": ("call(args={})", "a message 'call' whose 'args' is a dict"),
    "keywords_list": ("call(kw=[])", "a message 'call' whose 'kw' is a list"),
    "status_unknown": ('done(status="fine")', "the status 'fine'"),
    "status_of_the_host": ('done(status="final")', "the status 'final'"),
    "tool_unknown": ('call(name="os.system")', "a call of 'os.system', which no function can be called"),
    "tool_special": ('call(name="__class__")', "a call of '__class__', which no function can be called"),
    "pipelined": ("b = b''\nfor i in (1, 2):\n    m = json.dumps(dict(t='call', id=i, name='tool', args=[], kw={})).encode()\n    b += struct.pack('>I', len(m)) + m\nraw(b)", "a message before the answer to its call"),
}  # fmt: skip
"""What a process may send in breach of the protocol, with what the host says about it."""


@pytest.mark.parametrize("name", BROKEN)
def test_breach_of_the_protocol_is_a_crash(name: str, take_over: Callable[..., Execution], calls: Calls) -> None:
    """The process is killed at once and nothing is called."""
    script, reason = BROKEN[name]
    execution = take_over(READY + script + STALL, wall_s=20)

    assert ("crash", f"the sandbox process broke the protocol: {reason}.\n{RESTARTED}") == (
        execution.status,
        execution.error,
    )
    assert calls.count == 0


def test_huge_integer_is_a_crash(take_over: Callable[..., Execution]) -> None:
    """A number too long for the parser is one more frame that is not JSON."""
    execution = take_over(READY + """frame(b'{"t": "call", "id": ' + b"9" * 5000 + b"}")""" + STALL, wall_s=20)

    assert execution.status == "crash"
    assert execution.error is not None
    assert execution.error.startswith(
        "the sandbox process broke the protocol: a frame that is not JSON: Exceeds the limit"
    )


SILENT = {
    "nothing": "",
    "half_a_length": 'raw(b"\\x00\\x00")',
    "half_a_frame": 'raw(b"\\x00\\x00\\x10\\x00{")',
    "byte_by_byte": "import time\nwhile True:\n    raw(b'\\x00\\x01\\x00\\x00' if not globals().setdefault('n', 0) else b'x')\n    n = 1\n    time.sleep(0.01)",
    "never_reads": "for i in range(9):\n    call(number=i)\n    import select; select.select([], [], [], 0.05)",
    "ignores_signals": "signal.signal(signal.SIGUSR1, signal.SIG_IGN)\nsignal.signal(signal.SIGUSR2, signal.SIG_IGN)",
    "empty_output": 'while True: send(t="out", s="")',
    "printing_after_signals": 'signal.signal(signal.SIGUSR1, signal.SIG_IGN)\nsignal.signal(signal.SIGUSR2, signal.SIG_IGN)\nwhile True: send(t="out", s="x")',
}  # fmt: skip
"""Ways to keep the host waiting."""


@pytest.mark.parametrize("name", SILENT)
def test_keeping_the_host_waiting_costs_the_limit(name: str, take_over: Callable[..., Execution]) -> None:
    """The host waits for the program's time and no longer."""
    begin_s = time.monotonic()
    execution = take_over(READY + SILENT[name] + STALL)

    assert execution.status == "limit"
    assert time.monotonic() - begin_s < 5
    assert execution.error is not None
    assert execution.error.startswith(("time limit of 0.5 s exceeded", "message limit of 20000 exceeded"))
    assert execution.error.endswith(RESTARTED)


def test_flood_of_messages_is_counted(take_over: Callable[..., Execution]) -> None:
    """Messages without content have a limit of their own."""
    execution = take_over(READY + 'while True: send(t="out", s="")', wall_s=60)

    assert ("limit", f"message limit of 20000 exceeded: print more at a time, less often\n{RESTARTED}") == (
        execution.status,
        execution.error,
    )


def test_flood_of_calls_is_counted(take_over: Callable[..., Execution], calls: Calls) -> None:
    """The host counts calls itself."""
    execution = take_over(READY + "while True:\n    call()\n    receive()\n", wall_s=60)

    assert (execution.status, calls.count) == ("limit", 200)


def test_forged_place_is_bounded(take_over: Callable[..., Execution]) -> None:
    """A process that lies about where it is can name a line that does not exist, and nothing else."""
    dump = "raw(b'  File \"main.py@1\", line 999 in \\x1b[2Jf\\n')"
    script = (
        READY
        + f"def lie(*_):\n    {dump}\nsignal.signal(signal.SIGUSR1, lie)\nsignal.signal(signal.SIGUSR2, lambda *_: None)"
    )
    execution = take_over(script + STALL)

    assert execution.status == "limit"
    assert execution.error == f"time limit of 0.5 s exceeded at line 999, in \\x1b[2Jf: \n{RESTARTED}"


def test_forged_program_number_is_ignored(take_over: Callable[..., Execution]) -> None:
    """A place in a program that never was is no place."""
    dump = "raw(b'  File \"main.py@77\", line 1 in f\\n')"
    script = (
        READY
        + f"def lie(*_):\n    {dump}\nsignal.signal(signal.SIGUSR1, lie)\nsignal.signal(signal.SIGUSR2, lambda *_: None)"
    )

    assert take_over(script + STALL).error == f"time limit of 0.5 s exceeded\n{RESTARTED}"


def test_forged_outcome_is_escaped_and_cut(take_over: Callable[..., Execution]) -> None:
    """A process can only claim a result, as any program can, and the claim is made safe."""
    claimed = take_over(READY + r'send(t="out", s="\ud800"); done(value="\x1b" * 400_000)' + STALL)
    failed = take_over(READY + r'done(status="error", error="\x1b" + "x" * 1_000_000)' + STALL)

    assert (claimed.status, claimed.output) == ("ok", "\\ud800")
    assert claimed.value is not None
    assert claimed.value.startswith("\\x1b\\x1b")
    assert len(claimed.value) <= 64 * 1024
    assert failed.error is not None
    assert len(failed.error) <= 8200


def test_long_claim_is_told_in_short(take_over: Callable[[str], Execution]) -> None:
    """What a breach says of itself is shown as far as an error text goes, and no further."""
    execution = take_over(READY + 'send(t="x" * 1_000_000)' + STALL)

    assert execution.status == "crash"
    assert len(execution.error or "") <= 8192


def test_death_names_the_signal(take_over: Callable[..., Execution]) -> None:
    """The exit status is the kernel's word, not the process's."""
    killed = take_over(READY + 'send(t="out", s="last")\nos.kill(os.getpid(), signal.SIGABRT)')
    left = take_over(READY + "os._exit(7)")

    assert ("crash", f"the sandbox process died (SIGABRT).\n{RESTARTED}", "last") == (
        killed.status,
        killed.error,
        killed.output,
    )
    assert left.error == f"the sandbox process died (exit status 7).\n{RESTARTED}"


def test_message_between_programs_is_a_crash(tmp_path: Path, calls: Calls) -> None:
    """A process that speaks out of turn does not get to answer the next program."""
    path = tmp_path / "child.py"
    both = "m = json.dumps(dict(t='done', status='ok', result='forged', err=None)).encode()\nraw((struct.pack('>I', len(m)) + m) * 2)"
    path.write_text(PRELUDE + READY + both + STALL)
    runtime = RestrictedRuntime(source=ScriptSource(path))
    session = runtime.start(Bindings(functions=("tool",), call=calls), Limits())
    first, second = session.run("1"), session.run("1")
    runtime.close()

    assert first.status == "ok"
    assert second.error == f"the sandbox process broke the protocol: a message before its program.\n{RESTARTED}"


ADVICE = "; if it is the limit memory_bytes=536870912 that it needs more than, allow more"
START = {
    "dies": ("os._exit(3)", "the sandbox process did not start: the other side is gone; exit status 3" + ADVICE),
    "speaks_nonsense": ('frame(b"[]")' + STALL, "the sandbox process did not start: a frame that is a list, not an object; SIGKILL" + ADVICE),
    "skips_ready": ("done()" + STALL, "the sandbox process did not start: a message of kind 'done'; expected ready; SIGKILL" + ADVICE),
    "refuses": (r'send(t="ready", error="\x1bbad")' + STALL, "the declarations do not run in the sandbox:\n\\x1bbad"),
}  # fmt: skip


@pytest.mark.parametrize("name", START)
def test_process_that_does_not_start_is_an_error(name: str, take_over: Callable[..., Execution]) -> None:
    """Before a program runs a failure is the sandbox's own."""
    script, reason = START[name]

    with pytest.raises(SandboxError) as raised:
        take_over(script)

    assert str(raised.value) == reason
