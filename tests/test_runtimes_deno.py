"""The deno runtime: tools, limits, output, what is refused, and what is left behind."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.errors import SandboxError
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.runtimes import Bindings, CallReply, Confinement, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.deno import DenoRuntime
from pytest_codeact.runtimes.deno._modules import NODE_MODULES
from pytest_codeact.runtimes.deno._process import find_deno

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Execution, Interpreter

pytest.importorskip("deno")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ENDLESS = "for (;;) {}"

ADVICE = (
    "programs have no modules, files, network, environment or processes; they have the tools, as tools.NAME({...}), "
    "console, and JavaScript's own objects"
)


class Host:
    """Carries out the calls of programs and keeps them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Json], dict[str, Json]]] = []

    def __call__(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        self.calls.append((name, positional, keywords))
        if name == "fail":
            return CallReply(error="no order 999; known orders: 1, 2")
        if name == "nope":
            return CallReply(error="unknown tool 'nope'; known tools: get_order, send")
        if name == "final_answer":
            return CallReply(final=True)
        if name == "rest":
            time.sleep(0.4)
        if name == "big":
            return CallReply(value={"id": 12345678901234567890, "small": -3, "exact": 2**53 - 1, "x": 1e300})
        return CallReply(value={"id": len(self.calls), "total": 2.5})


FUNCTIONS = ("get_order", "send", "fail", "rest", "big", "final_answer")


@pytest.fixture(scope="module")
def runtime() -> Iterator[DenoRuntime]:
    """Give a runtime."""
    made = DenoRuntime()
    yield made
    made.close()


@pytest.fixture
def host() -> Host:
    """Give a host."""
    return Host()


@pytest.fixture
def start(runtime: DenoRuntime, host: Host) -> Iterator[Callable[..., Interpreter]]:
    """Give a function that starts a session with limits, and with declarations."""
    sessions = []

    def start_session(declarations: str = "", **limits: Any) -> Interpreter:
        bindings = Bindings(functions=FUNCTIONS, call=host, declarations=declarations)
        sessions.append(runtime.start(bindings, Limits(**limits)))
        return sessions[-1]

    yield start_session
    for session in sessions:
        session.close()


def told(execution: Execution) -> str:
    """Give the error text, which must be there."""
    assert execution.error is not None
    return execution.error


# Tools


def test_call_styles_reach_the_host(start: Callable[..., Interpreter], host: Host) -> None:
    """A tool takes an object of named arguments, nothing, or what the host then says something about."""
    program = """
await tools.get_order({ id: 1, full: true });
await tools.get_order();
await tools.get_order({});
await get_order({ id: 2 });
const { send } = tools;
await send(1, "two", [3], { four: 4 });
await tools["send"](null);
[get_order.name, "nope" in tools, Object.keys(tools).length]
"""
    execution = start().run(program)

    assert (execution.status, execution.value) == ("ok", '[ "get_order", false, 6 ]')
    assert host.calls == [
        ("get_order", [], {"id": 1, "full": True}),
        ("get_order", [], {}),
        ("get_order", [], {}),
        ("get_order", [], {"id": 2}),
        ("send", [1, "two", [3], {"four": 4}], {}),
        ("send", [None], {}),
    ]


def test_arguments_arrive_as_json(start: Callable[..., Interpreter], host: Host) -> None:
    """Dates and classes say what they are in JSON, undefined is left out, and text of any alphabet arrives."""
    program = """
class Point { constructor(public x: number, private y = 2) {} get sum() { return this.x + this.y; } }
class Money { constructor(private n: number) {} toJSON() { return `${this.n} EUR`; } }
await tools.send({ when: new Date(0), p: new Point(1), m: new Money(5), gone: undefined, list: [undefined, 1.5, 2.0],
  big: 12345678901234567890n, text: "zażółć 🙂\\u2028\\ud800", nested: { __proto__: null, a: [[]] } });
"""
    execution = start().run(program)

    assert (execution.status, execution.error) == ("ok", None)
    assert host.calls[0][2] == {
        "when": "1970-01-01T00:00:00.000Z",
        "p": {"x": 1, "y": 2},
        "m": "5 EUR",
        "list": [None, 1.5, 2],
        "big": 12345678901234567890,
        "text": "zażółć 🙂\u2028\ud800",
        "nested": {"a": [[]]},
    }


NOT_JSON = {
    "tools.send({ m: new Map() })": 'TypeError: send(): argument "m" is of type Map, which is not JSON; pass Object.fromEntries(...) of it',
    "tools.send({ a: [1, new Set()] })": 'TypeError: send(): argument "a"[1] is of type Set, which is not JSON; pass [...it]',
    "tools.send({ a: { b: tools.get_order } })": 'TypeError: send(): argument "a"["b"] is of type Function, which is not JSON; call it first',
    "tools.send({ a: async () => 1 })": 'TypeError: send(): argument "a" is of type AsyncFunction, which is not JSON; call and await it first',
    "tools.send({ a: Promise.resolve(1) })": 'TypeError: send(): argument "a" is of type Promise, which is not JSON; await it first',
    "tools.send(Promise.resolve(1))": "TypeError: send(): argument 1 is of type Promise, which is not JSON; await it first",
    "tools.send({ a: /x/ })": 'TypeError: send(): argument "a" is of type RegExp, which is not JSON; pass its .source',
    "tools.send({ a: new TypeError('x') })": 'TypeError: send(): argument "a" is of type Error, which is not JSON; pass its .message',
    "tools.send({ a: new Uint8Array(2) })": 'TypeError: send(): argument "a" is of type typed array, which is not JSON; pass Array.from(...) of it',
    "tools.send({ a: new ArrayBuffer(2) })": 'TypeError: send(): argument "a" is of type ArrayBuffer, which is not JSON; pass Array.from(new Uint8Array(it))',
    "tools.send({ a: [1].values() })": 'TypeError: send(): argument "a" is of type iterator, which is not JSON; pass [...it]',
    "tools.send({ a: Symbol('s') })": 'TypeError: send(): argument "a" is of type symbol, which is not JSON; pass JSON values: null, boolean, number, string, array or object',
    "tools.send({ a: NaN })": 'RangeError: send(): argument "a" is NaN, which is not JSON; pass null or a finite number',
    "tools.send(1, -1 / 0)": "RangeError: send(): argument 2 is -Infinity, which is not JSON; pass null or a finite number",
    "tools.send({ a: 2n ** 5000n })": 'RangeError: send(): argument "a" is an integer of more than 4096 bits; pass String(...) of it',
    "let x: unknown = []; for (let i = 0; i < 99; i++) x = [x];\nawait tools.send({ x })": "is nested deeper than 64; pass a flatter value",
    "const o: any = {}; o.o = o; await tools.send(o)": "is nested deeper than 64; pass a flatter value",
    "tools.send({ a: 'ż'.repeat(1000) })": "RangeError: send(): the arguments are 2010 bytes of JSON; allowed: 1000; pass less at a time",
}  # fmt: skip
"""Calls that never reach the host, with a part of their error."""


@pytest.mark.parametrize("program", NOT_JSON)
def test_argument_that_is_not_json_is_refused(program: str, start: Callable[..., Interpreter], host: Host) -> None:
    """The error names the function, the argument, the place in it and what to pass instead."""
    execution = start(argument_bytes=1000).run(program)

    assert (execution.status, host.calls) == ("error", [])
    assert NOT_JSON[program] in told(execution).split("\n    at ")[0]


def test_integers_beyond_numbers_stay_exact(start: Callable[..., Interpreter], host: Host) -> None:
    """An integer that a number cannot hold is a BigInt, prints as JSON, and goes back as the same integer."""
    program = "const o = await tools.big({});\nconsole.log(o.small, o.exact, o.x, JSON.stringify(o.id));\nawait tools.send({ id: o.id });\no.id"
    execution = start().run(program)

    assert execution.output == "-3 9007199254740991 1e+300 12345678901234567890\n"
    assert execution.value == "12345678901234567890n"
    assert host.calls[1] == ("send", [], {"id": 12345678901234567890})


def test_tool_error_is_an_exception_of_the_program(start: Callable[..., Interpreter]) -> None:
    """A failed call rejects with ToolError and the host's text, to be caught or shown."""
    session = start()
    caught = session.run(
        "try { await tools.fail({ id: 1 }) } catch (e) { console.log(e instanceof ToolError, e.name, e.message) }"
    )
    shown = session.run("const a = 1;\nawait tools.fail({ id: 1 });")

    assert caught.output == "true ToolError no order 999; known orders: 1, 2\n"
    assert (shown.status, told(shown)) == ("error", "ToolError: no order 999; known orders: 1, 2\n    at main.ts:2:13")


def test_unknown_tool_is_the_hosts_to_answer(start: Callable[..., Interpreter], host: Host) -> None:
    """It is a call like any other; what the language itself asks of an object is none."""
    execution = start().run("const t = await tools; `${JSON.stringify(tools)}`; await t.nope({ a: 1 })")

    assert told(execution).startswith("ToolError: unknown tool 'nope'; known tools: get_order, send\n")
    assert host.calls == [("nope", [], {"a": 1})]


def test_calls_at_once_are_carried_out_in_order(start: Callable[..., Interpreter], host: Host) -> None:
    """The host sees one after the other, in the order in which the program made them."""
    execution = start().run("(await Promise.all([3, 1, 2].map((id) => tools.get_order({ id })))).map((o) => o.id)")

    assert execution.value == "[ 1, 2, 3 ]"
    assert [call[2] for call in host.calls] == [{"id": 3}, {"id": 1}, {"id": 2}]


def test_calls_not_awaited_are_carried_out(start: Callable[..., Interpreter], host: Host) -> None:
    """A forgotten await loses no call: the program ends when they are answered."""
    execution = start().run("for (const id of [1, 2]) tools.send({ id });\nundefined")

    assert (execution.status, len(host.calls)) == ("ok", 2)


def test_work_that_outlives_its_program_goes_on_in_the_next(start: Callable[..., Interpreter], host: Host) -> None:
    """What nobody awaited and no call or timer tells of may end later; its output and calls are the next program's."""
    session = start(wall_s=20)
    session.run(
        "const slow = crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])\n"
        "  .then((k) => crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 200_000 }, k, 256))\n"
        "  .then(async () => { console.log('late'); await tools.send({ late: true }); });\n1"
    )
    execution = session.run("await slow; 2")

    assert (execution.status, execution.output, execution.value) == ("ok", "late\n", "2")
    assert host.calls == [("send", [], {"late": True})]


ANSWERS: dict[str, tuple[list[Json], dict[str, Json]]] = {
    "final_answer('done')": (["done"], {}),
    "await final_answer({ total: 5 })": ([{"total": 5}], {}),
    "await tools.final_answer({ answer: 5 })": ([], {"answer": 5}),
    "await final_answer([1])": ([[1]], {}),
    "await final_answer()": ([], {}),
    "await final_answer({ answer: 5, other: 1 })": ([{"answer": 5, "other": 1}], {}),
}


@pytest.mark.parametrize("program", ANSWERS)
def test_final_answer_ends_the_program_at_once(program: str, start: Callable[..., Interpreter], host: Host) -> None:
    """Nothing runs after the accepted answer, not even a finally; what was printed stays."""
    session = start()
    execution = session.run(
        f"const x = 1; console.log('out'); try {{ {program} }} finally {{ await tools.send({{}}) }}"
    )
    after = session.run("x")

    assert (execution.status, execution.output, execution.error) == ("final", "out\n", None)
    assert host.calls[:1] == [("final_answer", *ANSWERS[program])]
    assert (after.status, after.error) == ("error", "ReferenceError: x is not defined\n    at main.ts:1:1")


def test_result_too_long_is_a_tool_error(start: Callable[..., Interpreter]) -> None:
    """A result beyond the limit becomes an error that the program may catch."""
    execution = start(result_bytes=19).run("await tools.get_order({})")

    assert told(execution).split("\n")[0] == "ToolError: result limit of 19 bytes exceeded; ask for less"


def test_error_of_the_host_passes_through_and_ends_the_process(runtime: DenoRuntime) -> None:
    """What the host's own code raises is not the program's to see; the next program is served."""

    def broken(*_call: object) -> CallReply:
        raise ZeroDivisionError("a bug of the host")

    session = runtime.start(Bindings(functions=("tool",), call=broken), Limits())
    with pytest.raises(ZeroDivisionError, match="a bug of the host"):
        session.run("try { await tools.tool({}) } catch {}")

    assert session.run("1").value == "1"
    session.close()


@pytest.mark.parametrize("name", ["class", "two words", "_private", "żółć", "tools", "await", ""])
def test_name_that_cannot_be_bound_is_an_error(name: str, runtime: DenoRuntime) -> None:
    """A function must be callable by its name."""
    with pytest.raises(SandboxError) as raised:
        runtime.start(Bindings(functions=(name,), call=Host()), Limits())

    assert str(raised.value) == (
        f"function {name!r} cannot be bound in the sandbox; allowed are ASCII letters, digits and underscores that "
        "begin with a letter and are no word of the language; rename it"
    )


# State


def test_sessions_share_nothing(start: Callable[..., Interpreter]) -> None:
    """Another session knows nothing of the first, nor of what it did to shared objects."""
    first, second = start(), start()
    first.run("const x = 1; Array.prototype.last = () => 5; globalThis.y = 2; Math.max = () => 0;")

    assert second.run("[typeof x, typeof y, [].last, Math.max(3)]").value == (
        '[ "undefined", "undefined", undefined, 3 ]'
    )


def test_declarations_are_known_to_programs(start: Callable[..., Interpreter]) -> None:
    """What declares types alone changes nothing, and a value in it is there, in a fresh interpreter too."""
    declarations = (
        "interface Order { id: number }\ndeclare namespace tools { function get_order(a: { id: number }): Promise<Order>; }\n"
        "declare function final_answer(answer: string): Promise<never>;\nenum Status { Open = 'open' }\n"
    )
    session = start(declarations, wall_s=1)
    first = session.run("const o: Order = await tools.get_order({ id: 1 }); [o.total, Status.Open]")
    session.run(ENDLESS)
    second = session.run("Status.Open")

    assert (first.value, second.value) == ('[ 2.5, "open" ]', '"open"')


@pytest.mark.parametrize(
    ("declarations", "text"),
    [
        ("const a = missing;", "ReferenceError: missing is not defined\n    at main.ts:1:11"),
        ("interface {", "SyntaxError: "),
    ],
)
def test_declarations_that_fail_are_an_error(declarations: str, text: str, start: Callable[..., Interpreter]) -> None:
    """Declarations are trusted, so a failure there is nobody's program."""
    session = start(declarations)
    for _ in range(2):
        with pytest.raises(SandboxError) as raised:
            session.prepare()

        assert str(raised.value).startswith(f"the declarations do not run in the sandbox:\n{text}")


# Limits


def test_endless_loop_ends_at_its_limit(start: Callable[..., Interpreter]) -> None:
    """A runaway program costs its time limit, and the next one starts afresh and was told so."""
    session = start(wall_s=1.0)
    session.prepare()
    begin_s = time.monotonic()
    execution = session.run("const x = 1;\nconsole.log('started');\nfor (;;) {}")
    taken_s = time.monotonic() - begin_s

    assert 1.0 <= taken_s < 1.5
    assert (execution.status, execution.output) == ("limit", "started\n")
    assert told(execution) == f"time limit of 1 s exceeded\n{RESTARTED}"
    assert told(session.run("x")) == "ReferenceError: x is not defined\n    at main.ts:1:1"


ENDLESS_WORK = {
    "regex": "/(a|aa)+$/.test('a'.repeat(80) + 'b')",
    "microtasks": "const again = () => { Promise.resolve().then(again) }; again(); await new Promise(() => {})",
    "never_settled": "await new Promise(() => {})",
    "timers": "const again = () => setTimeout(again, 1); again()",
    "interval": "setInterval(() => {}, 1); await new Promise(() => {})",
    "swallows": "for (;;) { try { for (;;) {} } catch {} }",
    "error_text": "throw { get name() { for (;;) {} }, get stack() { for (;;) {} }, get message() { for (;;) {} }, get [Symbol.toStringTag]() { for (;;) {} }, get code() { for (;;) {} } }",
    "error_message": "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { for (;;) {} } }); throw e",
    "value": "({ [Symbol.for('Deno.customInspect')]() { for (;;) {} } })",
    "thenable": "await { then() { for (;;) {} } }",
    "waiting": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    "wasm": "new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,8,1,0,10,9,1,7,0,3,64,12,0,11,11])))",
    "sort": "[2, 1].sort(() => { for (;;) {} })",
    "generator": "[...(function* () { for (;;) yield; })()].length",
    "bigint": "let b = 3n; for (;;) b = b ** 2n % (2n ** 4000n) + 1n",
    "json": "JSON.stringify({ toJSON() { for (;;) {} } })",
    "argument": "tools.send({ get a() { for (;;) {} } })",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS_WORK)
def test_endless_work_of_any_kind_costs_its_limit(name: str, start: Callable[..., Interpreter], host: Host) -> None:
    """Whatever does not end is killed, on time."""
    session = start(wall_s=0.5)
    session.prepare()
    begin_s = time.monotonic()
    execution = session.run(ENDLESS_WORK[name])
    taken_s = time.monotonic() - begin_s

    assert (execution.status, host.calls) == ("limit", [])
    assert told(execution).splitlines()[0] in {
        "time limit of 0.5 s exceeded",
        "memory limit of 536870912 bytes exceeded",
        "the program awaits a promise that nothing will settle",
    }
    assert taken_s < 5


def test_time_of_tools_is_not_the_programs(start: Callable[..., Interpreter]) -> None:
    """Waiting for tools does not use up the limit."""
    session = start(wall_s=0.5)
    session.prepare()
    execution = session.run("for (let i = 0; i < 3; i++) await tools.rest({});\n'done'")

    assert (execution.status, execution.value) == ("ok", '"done"')


def test_sleeping_takes_no_time(start: Callable[..., Interpreter]) -> None:
    """Timers fire in the order of their time without waiting for it, so a limit is not for sleeping in."""
    program = """
const log: string[] = [];
setTimeout(() => log.push("hour"), 3_600_000); setTimeout(() => log.push("minute"), 60_000);
await new Promise((r) => setTimeout(r, 7_200_000)); log
"""
    execution = start(wall_s=2).run(program)

    assert execution.value == '[ "minute", "hour" ]'


BOMBS = {
    "objects": "const x: unknown[] = []; for (;;) x.push(new Array(1e6).fill(1.5))",
    "strings": "const x: string[] = []; for (let i = 0;; i++) x.push(String(i).repeat(1e6).toUpperCase() + i)",
    "buffers": "const x: unknown[] = []; for (;;) x.push(new ArrayBuffer(1e8))",
    "filled": "const x: unknown[] = []; for (;;) x.push(new Uint8Array(1e7).fill(1))",
    "one_buffer": "new ArrayBuffer(3e9)",
    "map": "const m = new Map(); for (let i = 0;; i++) m.set(i, { i })",
    "wasm": "const x: unknown[] = []; for (;;) x.push(new WebAssembly.Memory({ initial: 3000 }).buffer.slice(0))",
}


@linux_only
@pytest.mark.parametrize("name", BOMBS)
def test_memory_limit_is_named(name: str, start: Callable[..., Interpreter]) -> None:
    """A program that wants too much memory is told how much there is, whichever kind it wanted."""
    session = start(memory_bytes=128 * 2**20, wall_s=20)
    execution = session.run(BOMBS[name])

    assert execution.status in {"limit", "error"}
    if execution.status == "error":
        assert told(execution).startswith("RangeError: WebAssembly.Memory(): could not allocate memory")
    else:
        assert told(execution).endswith(f"memory limit of 134217728 bytes exceeded\n{RESTARTED}")
    assert session.run("1").value == "1"


@linux_only
def test_memory_too_small_to_start_is_an_error(start: Callable[..., Interpreter]) -> None:
    """Where the interpreter itself finds no room, no program is blamed."""
    with pytest.raises(SandboxError) as raised:
        start(memory_bytes=2**20).prepare()

    assert str(raised.value) == (
        "the sandbox process did not start: the other side is gone; SIGTRAP; if it is the limit memory_bytes=1048576 "
        "that it needs more than, allow more"
    )


def test_processor_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """Processor time over all programs is limited by the kernel."""
    execution = start(cpu_s=1, wall_s=20).run(ENDLESS)

    assert ("limit", f"processor limit of 1 s exceeded by the programs of this interpreter together\n{RESTARTED}") == (
        execution.status,
        execution.error,
    )


def test_output_is_cut_in_the_middle(start: Callable[..., Interpreter]) -> None:
    """The model is shown head and tail of a long output, and the value beside it."""
    execution = start(output_bytes=1000).run("console.log('a'.repeat(3000)); console.log('b'.repeat(3000)); 'value'")

    assert len(execution.output) <= 1000
    assert execution.output.startswith("aaa")
    assert execution.output.endswith("bbb\n")
    assert "bytes left out ...]" in execution.output
    assert execution.value == '"value"'


def test_long_value_is_cut(start: Callable[..., Interpreter]) -> None:
    """A value of any length arrives, in part."""
    execution = start(output_bytes=1000).run("'ż'.repeat(2_000_000)")

    assert execution.status == "ok"
    assert 0 < len((execution.value or "").encode()) <= 1000


OVERRUNS = {
    "output": ("for (;;) console.log('x'.repeat(1000))", {}, "output limit of 1048576 bytes exceeded: print less, print a summary"),
    "small_pieces": ("for (;;) console.log('x')", {"hard_output_bytes": 1000}, "output limit of 1000 bytes exceeded: print less, print a summary"),
    "calls": ("for (let i = 0; i < 9; i++) await tools.send({ i })", {"tool_calls": 3}, "call limit of 3 tool calls in one program exceeded: do the rest in another program"),
    "messages": ("for (let i = 0; i < 9; i++) console.log(i)", {"frames": 5}, "message limit of 5 exceeded: print more at a time, less often"),
    "source": ("1 // " + "x" * 100, {"source_bytes": 50}, "source limit of 50 bytes exceeded: the program is 105 bytes; write a shorter one"),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERRUNS)
def test_overrun_names_the_limit(name: str, start: Callable[..., Interpreter]) -> None:
    """Each limit says what it is and what to do; the next program starts afresh."""
    program, limits, text = OVERRUNS[name]
    session = start(**limits)
    session.run("var before = 1")
    execution = session.run(program)

    assert (execution.status, execution.error) == ("limit", f"{text}\n{RESTARTED}")
    assert session.run("typeof before").value == '"undefined"'


def test_nesting_limit_is_the_sessions(start: Callable[..., Interpreter]) -> None:
    """A smaller limit on nesting holds."""
    execution = start(nesting=2).run("await tools.send({ a: [1] }); await tools.send({ a: [[1]] })")

    assert told(execution).startswith(
        'RangeError: send(): argument "a"[0] is nested deeper than 2; pass a flatter value'
    )


def test_output_of_many_lines_arrives_whole(start: Callable[..., Interpreter]) -> None:
    """Lines beyond those that are sent at once are sent together, and none is lost at the end."""
    execution = start(output_bytes=10**6).run("for (let i = 0; i < 50_000; i++) console.log(i)")

    assert (execution.status, execution.output) == ("ok", "".join(f"{i}\n" for i in range(50_000)))


def test_control_characters_are_escaped(start: Callable[..., Interpreter]) -> None:
    """What is printed is safe to show in a terminal and to store."""
    execution = start().run(r"console.log('\x1b[31mred\0 \ud800 ok\u2028'); throw new Error('\x1b[2J')")

    assert execution.output == "\\x1b[31mred\\x00 \ufffd ok\u2028\n"
    assert told(execution).startswith("Error: \\x1b[2J\n")


# What is refused

DENIED = {
    "await Deno.readTextFile('/etc/passwd')": "NotCapable: Deno.readTextFile is not available\n    at main.ts:1:12",
    "Deno.env.get('HOME')": "NotCapable: Deno.env.get is not available\n    at main.ts:1:10",
    "new Deno.Command('ls')": "NotCapable: Deno.Command is not available\n    at main.ts:1:1",
    "Deno.exit(0)": "NotCapable: Deno.exit is not available\n    at main.ts:1:6",
    "Deno.stdout.writeSync(new Uint8Array(4))": "NotCapable: Deno.stdout.writeSync is not available\n    at main.ts:1:13",
    "await fetch('https://example.org')": "NotCapable: fetch is not available\n    at main.ts:1:7",
    "import fs from 'node:fs';": "SyntaxError: Cannot use import statement outside a module\n  |\n1 | import fs from 'node:fs';\n    at main.ts:1:1",
    "await import('node:fs')": "TypeError: modules are not available",
    "await import('fs')": "TypeError: modules are not available",
    "await import('npm:zod')": "TypeError: npm specifiers were requested\n",
    "await import('zod')": 'TypeError: Import "zod" not a dependency\n',
    "await import('./tools.ts')": "TypeError: ",
    "await import('https://deno.land/x.ts')": "TypeError: ",
    "await import('jsr:@std/path')": "TypeError: ",
    "process.env.HOME": "ReferenceError: process is not defined\n    at main.ts:1:1",
    "require('fs')": "ReferenceError: require is not defined\n    at main.ts:1:1",
    "localStorage.setItem('a', 'b')": "ReferenceError: localStorage is not defined\n    at main.ts:1:1",
    "new Worker('data:,')": "ReferenceError: Worker is not defined\n    at main.ts:1:1",
    "new WebSocket('ws://localhost')": "ReferenceError: WebSocket is not defined\n    at main.ts:1:1",
    "prompt('?')": "ReferenceError: prompt is not defined\n    at main.ts:1:1",
}  # fmt: skip


@pytest.mark.parametrize("program", DENIED)
def test_denial_says_what_there_is_instead(program: str, start: Callable[..., Interpreter]) -> None:
    """It is told apart from an error, names what is not there and what is, and gives no advice on Deno's command line."""
    execution = start().run(program)

    assert execution.status == "denied"
    assert told(execution).startswith(DENIED[program])
    assert told(execution).endswith(f"\n{ADVICE}")
    assert "--" not in told(execution)


NOT_DENIED = {
    "throw new Error('modules are not available')": "error",
    "missing": "error",
    "try { Deno.readFileSync('a') } catch {}": "ok",
    "typeof process": "ok",
    "typeof Deno.version.deno + Deno.inspect([1]) + Deno.args.length + Deno.nothing": "ok",
}


@pytest.mark.parametrize("program", NOT_DENIED)
def test_error_of_the_program_is_no_denial(program: str, start: Callable[..., Interpreter]) -> None:
    """Only what the sandbox keeps from a program counts."""
    assert start().run(program).status == NOT_DENIED[program]


def test_every_module_of_node_is_refused(start: Callable[..., Interpreter]) -> None:
    """The list is that of the Deno that is installed."""
    source = "console.log(JSON.stringify((await import('node:module')).builtinModules))"
    listed = subprocess.run(
        [find_deno(), "eval", source], capture_output=True, check=True, env={"DENO_DIR": "/dev/null/x"}
    )
    known = {name.removeprefix("node:") for name in json.loads(listed.stdout)}
    program = (
        "const open: string[] = [];\nfor (const name of NAMES) for (const each of [name, `node:${name}`])\n"
        "  await import(each).then(() => open.push(each), () => {});\nopen"
    ).replace("NAMES", json.dumps(sorted(known)))

    assert known <= set(NODE_MODULES)
    assert start(wall_s=20).run(program).value == "[]"


# Life


@linux_only
def test_nothing_is_left_behind() -> None:
    """After crashes, limits, answers and idle sessions there is no process, descriptor or thread more than before."""
    gc.collect()
    before = (descriptors(), children())
    runtime = DenoRuntime()
    for program in ("1", ENDLESS, "await final_answer(1)", "new ArrayBuffer(3e9)", "null.x"):
        runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits(wall_s=0.5)).run(program)
    closed = runtime.start(Bindings(functions=(), call=Host()), Limits())
    closed.prepare()
    closed.close()
    closed.close()
    runtime.close()
    runtime.close()
    gc.collect()

    assert before == (descriptors(), children())


def descriptors() -> int:
    """Give the number of this process's open descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> list[str]:
    """Give the processes that this one started and that are still there."""
    return sorted(pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split())


@linux_only
def test_a_spare_waits_for_the_next_session(host: Host) -> None:
    """A session's end starts the next one's process, which has run nothing; the runtime's end ends it."""
    runtime = DenoRuntime()
    bindings = Bindings(functions=FUNCTIONS, call=host)
    before = children()
    first = runtime.start(bindings, Limits())
    first.run("globalThis.x = 1")
    first.close()
    (spare,) = set(children()) - set(before)
    second = runtime.start(bindings, Limits())
    value = second.run("typeof x").value

    assert (value, set(children()) - set(before)) == ('"undefined"', {spare})
    runtime.close()
    assert children() == before


def test_many_threads_at_a_time(runtime: DenoRuntime) -> None:
    """Sessions in threads do not meet."""

    def trial(number: int) -> str | None:
        session = runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits(wall_s=20))
        session.run(f"const n = {number};")
        value = session.run("await tools.get_order({ n }); n").value
        session.close()
        return value

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(trial, range(8))) == [str(n) for n in range(8)]


def test_closed_is_closed(host: Host) -> None:
    """A closed session or runtime says so."""
    runtime = DenoRuntime()
    session = runtime.start(Bindings(functions=FUNCTIONS, call=host), Limits())
    session.close()
    with pytest.raises(SandboxError) as raised:
        session.run("1")

    assert str(raised.value) == "the session is closed; start another with DenoRuntime.start"
    runtime.close()
    with pytest.raises(SandboxError) as raised:
        runtime.start(Bindings(functions=(), call=host), Limits())
    assert str(raised.value) == "the runtime is closed; make another DenoRuntime"


@linux_only
def test_confinement_is_what_holds(runtime: DenoRuntime) -> None:
    """Nothing but V8 and the limits of the process keep programs in, and it says so."""
    expected = Confinement(level="C", layers=("V8 without permissions", "process limits"))
    assert runtime.confinement() == expected


def test_confinement_says_what_the_platform_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is set and not enforced is none."""
    runtime = DenoRuntime()
    monkeypatch.setattr(sys, "platform", "darwin")
    confinement = runtime.confinement()
    runtime.close()

    assert confinement.missing == ("limit of memory: darwin does not enforce one on data",)


def test_registered_by_name() -> None:
    """The registry makes it on first use."""
    registry = Registry()
    register_builtins(registry)
    runtime = registry.runtime("deno")()
    runtime.close()

    assert runtime.language == "typescript"


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "deno", None)
    with pytest.raises(SandboxError) as raised:
        DenoRuntime().start(Bindings(functions=(), call=Host()), Limits())

    assert str(raised.value) == "the deno runtime needs the deno package; run: pip install 'pytest-codeact[deno]'"


def test_other_platform_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a shell that sets limits it does not run."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SandboxError) as raised:
        find_deno()

    assert str(raised.value) == "the deno runtime needs a POSIX system, and this is 'win32'; use another runtime"


def test_command_that_cannot_be_started_is_an_error() -> None:
    """The reason is the system's."""
    runtime = DenoRuntime(command=("/nonexistent/deno",))
    with pytest.raises(SandboxError) as raised:
        runtime.start(Bindings(functions=(), call=Host()), Limits()).prepare()

    assert str(raised.value) == (
        "the sandbox process cannot be started: [Errno 2] No such file or directory: '/nonexistent/deno'"
    )
