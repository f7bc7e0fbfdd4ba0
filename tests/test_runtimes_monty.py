"""The runtime `monty`: tools, state, limits, refusals, and what is left behind."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from monty_host import FUNCTIONS, Host, told

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.monty import MontyRuntime
from pytest_codeact.runtimes.monty._worker import HEAP_BYTES, binary_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Interpreter

pytest.importorskip("pydantic_monty")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ENDLESS = "while True:\n    pass\n"


@pytest.fixture(scope="module")
def runtime() -> Iterator[MontyRuntime]:
    """Give a runtime."""
    made = MontyRuntime()
    yield made
    made.close()


@pytest.fixture
def host() -> Host:
    """Give a host."""
    return Host()


@pytest.fixture
def start(runtime: MontyRuntime, host: Host) -> Iterator[Callable[..., Interpreter]]:
    """Give a function that starts a session with limits, and with declarations."""
    sessions = []

    def start_session(declarations: str = "", **limits: Any) -> Interpreter:
        bindings = Bindings(functions=FUNCTIONS, call=host, declarations=declarations)
        sessions.append(runtime.start(bindings, Limits(**limits)))
        return sessions[-1]

    yield start_session
    for session in sessions:
        session.close()


# Tools


def test_call_styles_reach_the_host(start: Callable[..., Interpreter], host: Host) -> None:
    """A tool is called bare, as an attribute of `tools`, imported, passed on, with any kind of argument."""
    program = """
import tools as t
from tools import get_order as fetch
a = get_order(1)
tools.get_order(order_id=2)
t.get_order(3, full=True)
fetch(4)
list(map(get_order, [5]))
get_order(*[6], **{"x": None})
[get_order(n) for n in filter(lambda n: n == 7, [7, 8])]
a["total"], get_order.__name__, get_order, t
"""
    execution = start().run(program)

    assert (execution.status, execution.value) == (
        "ok",
        "(2.5, 'get_order', <function get_order>, <module 'tools'>)",
    )
    expected = [
        ([1], {}),
        ([], {"order_id": 2}),
        ([3], {"full": True}),
        ([4], {}),
        ([5], {}),
        ([6], {"x": None}),
        ([7], {}),
    ]
    assert [("get_order", *each) for each in expected] == host.calls


def test_arguments_arrive_as_json(start: Callable[..., Interpreter], host: Host) -> None:
    """Tuples become arrays and containers of the library plain ones; later changes do not reach the host."""
    program = """
from collections import Counter, defaultdict, namedtuple
P = namedtuple("P", "x y")
rows = [1]
send(Counter("aab"), defaultdict(list, k=rows), P(1, (2,)), True, None, "\\u00e9\\U0001f600", 1.5, -3, {"a": [{}]})
rows.clear()
"""
    execution = start().run(program)

    assert (execution.status, execution.error) == ("ok", None)
    assert host.calls == [
        ("send", [{"a": 2, "b": 1}, {"k": [1]}, [1, [2]], True, None, "é\U0001f600", 1.5, -3, {"a": [{}]}], {})
    ]


NOT_JSON = {
    "import datetime\nsend(datetime.date(2026, 1, 2))": "TypeError: send(): argument 1 is of type date, which is not JSON; pass its .isoformat()",
    "import datetime\nsend(when=[datetime.timedelta(1)])": "TypeError: send(): argument 'when'[0] is of type timedelta, which is not JSON; pass its .total_seconds()",
    "from decimal import Decimal\nsend({'a': Decimal(1)})": "TypeError: send(): argument 1['a'] is of type Decimal, which is not JSON; pass float(...) or str(...) of it",
    "send({1, 2})": "TypeError: send(): argument 1 is of type set, which is not JSON; pass sorted(...) of it",
    "send(b'x')": "TypeError: send(): argument 1 is of type bytes, which is not JSON; pass its .decode()",
    "send({'a': 1}.items())": "TypeError: send(): argument 1 is of type dict_items, which is not JSON; pass dict(...) of it",
    "send(range(3))": "TypeError: send(): argument 1 is of type range, which is not JSON; pass list(...) of it",
    "send(send)": "TypeError: send(): argument 1 is of type function, which is not JSON; call it first",
    "send(lambda: 1)": "TypeError: send(): argument 1 is of type function, which is not JSON; call it first",
    "async def f(): ...\nsend(f())": "TypeError: send(): argument 1 is of type coroutine, which is not JSON; await it first",
    "class A: ...\nsend(A())": "TypeError: send(): argument 1 is of type A, which is not JSON; pass JSON values: None, bool, int, float, str, list or dict",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\nsend(D(1))": "TypeError: send(): argument 1 is of type D, which is not JSON; pass dataclasses.asdict(...) of it",
    "send({1: 2})": "TypeError: send(): argument 1 has a key of type int; the keys of a JSON object are strings; pass str(...) of it",
    "send(float('nan'))": "ValueError: send(): argument 1 is nan, which is not JSON; pass None or a finite number",
    "send(2**5000)": "ValueError: send(): argument 1 is an integer of more than 4096 bits; pass str(...) of it",
    "x = []\nfor _ in range(99): x = [x]\nsend(x)": "is nested deeper than 64; pass a flatter value",
    "x = []\nx.append(x)\nsend(x)": "is nested deeper than 64; pass a flatter value",
    "send('x' * 2000)": "ValueError: send(): the arguments are 2009 bytes of JSON; allowed: 1000; pass less at a time",
}  # fmt: skip
"""Calls that never reach the host, with the end of their error."""


@pytest.mark.parametrize("program", NOT_JSON)
def test_argument_that_is_not_json_is_refused(program: str, start: Callable[..., Interpreter], host: Host) -> None:
    """The error names the function, the argument, the place in it and what to pass instead."""
    execution = start(argument_bytes=1000).run(program)

    assert (execution.status, host.calls) == ("error", [])
    assert told(execution).endswith(NOT_JSON[program])


def test_argument_at_its_limits_arrives(start: Callable[..., Interpreter], host: Host) -> None:
    """The limits are what is allowed, not what is too much."""
    session = start(nesting=3, integer_bits=8, argument_bytes=15)

    assert session.run("send([[[]]])\nsend(255)\nsend(-255)\nsend('x' * 6)").status == "ok"
    assert [call[1] for call in host.calls] == [[[[[]]]], [255], [-255], ["xxxxxx"]]
    for program in ("send([[[[]]]])", "send(256)", "send('x' * 7)"):
        assert session.run(program).status == "error"


def test_names_of_builtins_are_the_programs_to_use(start: Callable[..., Interpreter], host: Host) -> None:
    """A program that calls its variables `list` and `type` can still call tools."""
    program = (
        "list = type = len = str = isinstance = dict = enumerate = map = RuntimeError = json = 3\nsend([{'a': (1,)}])"
    )

    assert start().run(program).status == "ok"
    assert host.calls == [("send", [[{"a": [1]}]], {})]


def test_tool_error_is_an_exception_of_the_program(start: Callable[..., Interpreter]) -> None:
    """A failed call raises ToolError with the host's text, to be caught under any of its names, or shown."""
    session = start()
    bare = session.run("try:\n    fail(1)\nexcept ToolError as e:\n    print(e, e.args)\n")
    imported = session.run(
        "from tools import ToolError as Failure, fail\ntry:\n    fail(1)\nexcept Failure as e:\n    print(e)\n"
    )
    attribute = session.run("try:\n    tools.fail(1)\nexcept tools.ToolError as e:\n    print(e)\n")
    module = session.run("import tools as t\ntry:\n    t.fail(1)\nexcept t.ToolError as e:\n    print(e)\n")
    general = session.run("try:\n    fail(1)\nexcept Exception as e:\n    print(e)\n")
    shown = session.run("x = 1\nfail(1)\n")

    assert bare.output == "no order 999; known orders: 1, 2 ('no order 999; known orders: 1, 2',)\n"
    assert {each.output for each in (imported, attribute, module, general)} == {"no order 999; known orders: 1, 2\n"}
    assert (shown.status, shown.error) == (
        "error",
        'Traceback (most recent call last):\n  File "main.py", line 2, in <module>\n    fail(1)\n    ~~~~~~~\n'
        "ToolError: no order 999; known orders: 1, 2",
    )


def test_other_errors_are_no_tool_errors(start: Callable[..., Interpreter]) -> None:
    """A RuntimeError of the program's own keeps its name."""
    error = told(
        start().run("try:\n    {}['a']\nexcept ToolError:\n    pass\nexcept KeyError:\n    raise RuntimeError('mine')")
    )

    assert error.endswith("\nRuntimeError: mine")


def test_unknown_tool_is_the_hosts_to_answer(start: Callable[..., Interpreter], host: Host) -> None:
    """A call of what `tools` does not hold reaches the host; a bare unknown name is Python's own error."""
    session = start()
    called = session.run("try:\n    tools.nope(1, a=2)\nexcept ToolError as e:\n    print(e)")
    imported = session.run("import tools as t\nf = t.zork\ntry:\n    f()\nexcept ToolError as e:\n    print(e)")
    bare = session.run("nope(1)")

    assert (called.output, imported.output) == ("unknown tool 'nope'\n", "unknown tool 'zork'\n")
    assert host.calls == [("nope", [1], {"a": 2}), ("zork", [], {})]
    assert (bare.status, told(bare).splitlines()[-1]) == ("error", "NameError: name 'nope' is not defined")
    assert (
        told(session.run("from tools import nope"))
        .splitlines()[-1]
        .startswith("ImportError: cannot import name 'nope' from 'tools'")
    )
    assert session.run("hasattr(tools, 'nope'), hasattr(tools, 'send')").value == "(False, True)"
    assert told(session.run("tools._x(1)")).endswith("AttributeError: 'module' object has no attribute '_x'")
    assert told(session.run("tools.nope({1})")).endswith("TypeError: nope(): an argument of type set")


def test_result_is_a_copy(start: Callable[..., Interpreter]) -> None:
    """What a program does to a result reaches nobody."""
    execution = start().run("a = get_order(1)\na.clear()\nget_order(1)\n")

    assert execution.value == "{'id': 2, 'total': 2.5}"


def test_results_arrive_exactly(runtime: MontyRuntime) -> None:
    """Every JSON value comes through as it is."""
    value: Json = {"a": [1, -2.5, True, None, "é😀\n", 10**30, {"": []}], "f": 1.0}
    session = runtime.start(Bindings(functions=("f",), call=lambda *_call: CallReply(value=value)), Limits())
    execution = session.run("f()")
    session.close()

    assert execution.value == repr(value)


def test_final_answer_ends_the_program_at_once(start: Callable[..., Interpreter], host: Host) -> None:
    """Nothing runs after the accepted answer, not even a finally; what was printed stays; the next session is fresh."""
    session = start()
    execution = session.run("x = 1\nprint('out')\ntry:\n    final_answer(3)\nfinally:\n    get_order(1)\n")
    after = session.run("x")

    assert (execution.status, execution.output, execution.error) == ("final", "out\n", None)
    assert [name for name, *_ in host.calls] == ["final_answer"]
    assert after.status == "error"


RESULTS = {
    "x" * 9_000_000: "result limit of 8388608 bytes exceeded; ask for less",
    "\ud800": "the result holds a lone surrogate, which no text in the sandbox can hold; ask for something else",
}


@pytest.mark.parametrize("value", RESULTS, ids=["long", "surrogate"])
def test_result_that_cannot_be_handed_over_is_a_tool_error(value: str, runtime: MontyRuntime) -> None:
    """It becomes an error that the program may catch, and the session goes on."""
    session = runtime.start(Bindings(functions=("dump",), call=lambda *_call: CallReply(value=value)), Limits())
    execution = session.run("dump()")
    after = session.run("1")
    session.close()

    assert told(execution).endswith(f"ToolError: {RESULTS[value]}")
    assert after.value == "1"


def test_error_of_the_host_passes_through_and_ends_the_process(runtime: MontyRuntime) -> None:
    """What the host's own code raises is not the program's to see; the next program is served."""

    def broken(*_call: object) -> CallReply:
        raise RuntimeError("a bug of the host")

    session = runtime.start(Bindings(functions=("tool",), call=broken), Limits())
    with pytest.raises(RuntimeError, match=r"^a bug of the host$"):
        session.run("try:\n    tool()\nexcept BaseException:\n    pass\n")

    assert session.run("1").value == "1"
    session.close()


@pytest.mark.parametrize("name", ["class", "two words", "_private", "__import__", ""])
def test_name_that_cannot_be_bound_is_an_error(name: str, runtime: MontyRuntime) -> None:
    """A function must be callable by its name."""
    with pytest.raises(SandboxError) as raised:
        runtime.start(Bindings(functions=(name,), call=Host()), Limits())

    assert str(raised.value) == (
        f"function {name!r} cannot be bound in the sandbox; "
        "allowed are identifiers that are no keyword and start with no underscore; rename it"
    )


# State


def test_variables_live_from_program_to_program(start: Callable[..., Interpreter]) -> None:
    """Variables, functions, classes and imports of a trial stay, and errors do not lose them."""
    session = start()
    session.run("import math\nx = 4\nclass A:\n    y = 2\ndef f(n):\n    return math.sqrt(n) + A.y\n")
    session.run("x += 5\nraise ValueError('after')\n")
    session.run("class B(A): pass")

    assert session.run("f(x)").value == "5.0"


def test_sessions_share_nothing(start: Callable[..., Interpreter]) -> None:
    """Another session has another process and knows nothing of the first."""
    first, second = start(), start()
    first.run("import decimal, random\nx = 1\ndecimal.getcontext().prec = 3\nrandom.seed(5)\n")

    assert second.run("import decimal\ndecimal.getcontext().prec").value == "28"
    assert told(second.run("x")).endswith("NameError: name 'x' is not defined")


def test_many_threads_run_sessions_at_a_time(runtime: MontyRuntime) -> None:
    """Fifty sessions in as many threads keep to themselves, calls included."""

    def trial(number: int) -> str | None:
        bindings = Bindings(functions=("own",), call=lambda *_call: CallReply(value=number))
        session = runtime.start(bindings, Limits(wall_s=60, cpu_s=60))
        session.run("x = own()")
        execution = session.run("[own() == x for _ in range(20)] == [True] * 20 and x")
        session.close()
        return execution.value or execution.error

    with ThreadPoolExecutor(max_workers=50) as pool:
        values = list(pool.map(trial, range(1, 101)))

    assert [str(number) for number in range(1, 101)] == values


@linux_only
def test_session_outlives_the_thread_that_started_it(start: Callable[..., Interpreter]) -> None:
    """The process does not end with the thread in which its first program ran."""
    session = start()
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(session.run, "x = 5").result()

    assert session.run("x").value == "5"


def test_runs_are_repeatable(start: Callable[..., Interpreter]) -> None:
    """Random numbers, the order of sets and the time zone are the same in every session."""
    program = "import random, time\nrandom.random(), random.Random().random(), {'a', 'b', 'c'}, time.timezone"
    first, second = start().run(program), start().run(program)

    assert first.value is not None
    assert first.value == second.value


def test_sleep_takes_no_time(start: Callable[..., Interpreter]) -> None:
    """Nobody waits for a sleep."""
    execution = start(wall_s=2).run(
        "import asyncio, time\ntime.sleep(3600)\nasync def f():\n    await asyncio.sleep(50)\n    return 1\nasyncio.run(f())"
    )

    assert (execution.status, execution.value) == ("ok", "1")


# Declarations

DECLARATIONS = """\
from typing import Any, Literal, NotRequired, TypedDict

class Order(TypedDict):
    \"\"\"An order.\"\"\"
    id: int
    note: NotRequired[str]

Odd = TypedDict("Odd", {
    "a b": int,
})

LIMIT = 3

def get_order(order_id: int) -> Order: ...
"""


def test_declarations_are_known_to_programs(start: Callable[..., Interpreter]) -> None:
    """The types that a model is shown are there to be named, in a fresh interpreter too."""
    session = start(DECLARATIONS, wall_s=0.3)
    named = session.run(
        "from tools import Odd, Order as Shape\no: Order = get_order(1)\n"
        "def f(x: Order, y: list[Order] | None, z: Literal['a']) -> NotRequired[Odd]:\n    return x\n"
        "rows: list[Order] = [f(o, [], 'a')]\nrows, list[Order] is not None, Shape(id=1), LIMIT"
    )
    session.run(ENDLESS)
    again = session.run("Order(id=2), tools.Order(id=3), tools.LIMIT")

    assert named.value == "([{'id': 1, 'total': 2.5}], True, {'id': 1}, 3)"
    assert again.value == "({'id': 2}, {'id': 3}, 3)"


@pytest.mark.parametrize(
    ("declarations", "cause"),
    [
        ("class Order(Missing): ...\n", "NotImplementedError: The monty syntax parser does not yet support class inheritance and metaclasses"),
        ("LIMIT = MISSING\n", "NameError: name 'MISSING' is not defined"),
        ("class (:\n", "SyntaxError: invalid syntax (<unknown>, line 1)"),
    ],
)  # fmt: skip
def test_declarations_that_fail_are_an_error(declarations: str, cause: str, start: Callable[..., Interpreter]) -> None:
    """Declarations are trusted, so a failure there is nobody's program."""
    with pytest.raises(SandboxError) as raised:
        start(declarations).run("1")

    assert str(raised.value) == f"the declarations do not run in the sandbox:\n{cause}"


# Limits


def test_endless_loop_ends_at_its_limit(start: Callable[..., Interpreter]) -> None:
    """A runaway program costs its time limit, whatever it catches, and keeps what it printed."""
    session = start(wall_s=0.5)
    execution = session.run(
        "x = 1\nprint('started')\nwhile True:\n    try:\n        x += 1\n    except BaseException:\n        pass\n"
    )

    assert (execution.status, execution.output) == ("limit", "started\n")
    assert execution.error == f"time limit of 0.5 s exceeded\n{RESTARTED}"
    assert told(session.run("x")).endswith("NameError: name 'x' is not defined")


def test_work_that_monty_cannot_stop_is_killed(start: Callable[..., Interpreter]) -> None:
    """A single operation that takes for ever ends at the time limit as well."""
    session = start(wall_s=0.3)
    execution = session.run("x = 7 ** (2 * 10**7)")

    assert (execution.status, execution.error) == ("limit", f"time limit of 0.3 s exceeded\n{RESTARTED}")
    assert session.run("1").value == "1"


def test_time_of_tools_is_not_the_programs(start: Callable[..., Interpreter]) -> None:
    """Waiting for tools does not use up the limit."""
    execution = start(wall_s=0.5).run("for i in range(3):\n    rest()\n'done'\n")

    assert (execution.status, execution.value) == ("ok", "'done'")


def test_memory_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program that wants too much memory is told where, and how much there is."""
    session = start(memory_bytes=20_000_000)
    execution = session.run("x = [0]\ntry:\n    while True:\n        x += x\nexcept BaseException:\n    pass\n")

    assert execution.status == "limit"
    assert 'File "main.py", line 4, in <module>' in told(execution)
    assert told(execution).endswith(f"MemoryError\nmemory limit of 20000000 bytes exceeded\n{RESTARTED}")
    assert session.run("1").status == "ok"


def test_memory_is_never_more_than_a_message_may_cost(start: Callable[..., Interpreter]) -> None:
    """A larger limit than the runtime's own is that one."""
    assert told(start(memory_bytes=2**40).run("'x' * 10**9")).endswith(
        f"MemoryError\nmemory limit of {HEAP_BYTES} bytes exceeded\n{RESTARTED}"
    )


@linux_only
def test_processor_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """Processor time over all programs is limited by the kernel."""
    execution = start(cpu_s=1, wall_s=20).run(ENDLESS)

    assert ("limit", f"processor limit of 1 s exceeded by the programs of this interpreter together\n{RESTARTED}") == (
        execution.status,
        execution.error,
    )


def test_call_limit_is_named(start: Callable[..., Interpreter], host: Host) -> None:
    """A program may call tools so many times; the call beyond is not carried out. The next program counts anew."""
    session = start(tool_calls=3)
    execution = session.run("while True:\n    try:\n        get_order(1)\n    except BaseException:\n        pass\n")

    assert len(host.calls) == 3
    assert (execution.status, execution.error) == (
        "limit",
        f"call limit of 3 tool calls in one program exceeded: do the rest in another program\n{RESTARTED}",
    )
    assert [session.run("get_order(1), get_order(2), get_order(3)").status for _ in range(2)] == ["ok"] * 2


def test_more_calls_than_monty_allows_by_itself(start: Callable[..., Interpreter]) -> None:
    """The pool's own limit of 1000 calls in a session is out of the way."""
    session = start(tool_calls=700, wall_s=30)

    assert [session.run("for i in range(700): get_order(i)").status for _ in range(2)] == ["ok"] * 2


def test_hard_output_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program that prints without end is stopped, and its output shown as far as one may see."""
    execution = start(hard_output_bytes=10_000, output_bytes=1000).run("while True:\n    print('x' * 99)\n")

    assert execution.status == "limit"
    assert told(execution) == f"output limit of 10000 bytes exceeded: print less, print a summary\n{RESTARTED}"
    assert len(execution.output) <= 1000


def test_message_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """Look-ups of names that are not there are messages too."""
    execution = start(frames=50).run("while True:\n    try:\n        missing\n    except NameError:\n        pass\n")

    assert (execution.status, execution.error) == (
        "limit",
        f"message limit of 50 exceeded: print more at a time, less often\n{RESTARTED}",
    )


def test_source_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program may be so long, in UTF-8 bytes."""
    session = start(source_bytes=20)

    assert session.run("x = '" + "é" * 7 + "'").status == "ok"
    assert told(session.run("x = '" + "é" * 8 + "'")) == (
        f"source limit of 20 bytes exceeded: the program is 22 bytes; write a shorter one\n{RESTARTED}"
    )
    assert session.run("x").status == "error"


def test_recursion_is_an_error_as_under_plain_python(start: Callable[..., Interpreter]) -> None:
    """A function may nest some 1000 deep, and the error may be caught."""
    session = start()
    session.run("def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\n")

    assert session.run("depth(990)").value == "990"
    assert told(session.run("depth(10**6)")).endswith("RecursionError: maximum recursion depth exceeded")
    assert session.run("try:\n    depth(10**6)\nexcept RecursionError:\n    print('caught')").output == "caught\n"


@linux_only
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_death_of_the_process_is_told(number: signal.Signals, runtime: MontyRuntime) -> None:
    """A worker that dies is a crash that names the signal; the next program finds a fresh one."""

    def strike(*_call: object) -> CallReply:
        worker = session._started
        assert worker is not None
        os.kill(worker[0].pid, number)
        return CallReply()

    session = runtime.start(Bindings(functions=("strike",), call=strike), Limits())
    execution = session.run("x = 1\nstrike()\nwhile True: pass")

    assert ("crash", f"the sandbox process died ({number.name}).\n{RESTARTED}") == (execution.status, execution.error)
    assert session.run("1").value == "1"
    session.close()


def test_worker_that_breaks_the_protocol_is_a_crash(start: Callable[..., Interpreter], host: Host) -> None:
    """A call by a name that no program's side sends is not carried out."""
    execution = start().run("type(get_order)('__class__')(1)")

    assert host.calls == []
    assert (execution.status, execution.error) == (
        "crash",
        f"the sandbox process broke the protocol: a call of '__class__', which no function can be called.\n{RESTARTED}",
    )


# The session and the process


def test_closed_session_says_so(runtime: MontyRuntime) -> None:
    """A session ends once and for all, and closing it again is no error."""
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    session.close()
    session.close()
    session.prepare()

    with pytest.raises(SandboxError, match=r"^the session is closed; start another with MontyRuntime.start$"):
        session.run("1")


def test_closed_runtime_says_so() -> None:
    """A runtime ends its sessions, and closing it again is no error."""
    runtime = MontyRuntime()
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    session.run("1")
    runtime.close()
    runtime.close()

    with pytest.raises(SandboxError, match=r"^the session is closed"):
        session.run("1")
    with pytest.raises(SandboxError, match=r"^the runtime is closed; make another MontyRuntime$"):
        runtime.start(Bindings(functions=(), call=Host()), Limits())


def test_prepared_session_has_its_process_before_the_first_program(runtime: MontyRuntime) -> None:
    """Preparing starts the process once, and the program finds it; after a final answer it starts the next."""
    finish = Bindings(functions=("finish",), call=lambda *_call: CallReply(final=True))
    session = runtime.start(finish, Limits())
    session.prepare()
    started = session._started
    session.prepare()
    session.run("finish()")
    kept = session._started
    session.prepare()

    assert started is not None
    assert kept is started
    assert session._started is not started
    session.close()


@pytest.mark.parametrize(
    ("binary", "cause"),
    [
        ("/no/such/program", "failed to spawn monty worker: /no/such/program: No such file or directory (os error 2)"),
        ("/bin/false", "monty worker crashed while"),
    ],
)
def test_worker_that_does_not_start_is_an_error(binary: str, cause: str) -> None:
    """It is the sandbox's, and said when the first program wants it: starting a session starts nothing."""
    runtime = MontyRuntime(binary=binary)
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())

    with pytest.raises(SandboxError) as raised:
        session.run("1")

    assert str(raised.value).startswith(f"the sandbox process cannot be started: {cause}")
    runtime.close()


@linux_only
def test_worker_may_be_started_by_a_script(tmp_path: Path) -> None:
    """Whatever ends up as the worker in the same process serves as well as the executable itself."""
    script = tmp_path / "launch"
    script.write_text(f'#!/bin/sh\ncd /\nexec {binary_path()} "$@" 2>/dev/null\n')
    script.chmod(0o700)
    runtime = MontyRuntime(binary=str(script))
    facts: list[str] = []

    def look(*_call: object) -> CallReply:
        assert session._started is not None
        folder = Path("/proc") / str(session._started[0].pid)
        facts.extend(str((folder / each).readlink()) for each in ("cwd", "fd/2"))
        return CallReply()

    session = runtime.start(Bindings(functions=("look",), call=look), Limits())
    execution = session.run("look()\n1")
    runtime.close()

    assert (execution.value, facts) == ("1", ["/", "/dev/null"])


def children() -> set[int]:
    """Give the processes that are children of this one, zombies included."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found


@linux_only
def test_nothing_is_left_behind(start: Callable[..., Interpreter]) -> None:
    """After every way a program can end, no process and no descriptor is left but the client's own, made once."""
    start().run("1")
    gc.collect()
    before = children(), len(list(Path("/proc/self/fd").iterdir()))
    runtime = MontyRuntime()
    programs = (
        "1",
        "1/0",
        ENDLESS,
        "final_answer(1)",
        "import os",
        "x = 'a' * 10**10",
        "fail(1)",
        "x = 7 ** (10 ** 8)",
    )
    for program in programs * 2:
        session = runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits(wall_s=0.1))
        session.run(program)
        session.close()
    forgotten = runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits())
    forgotten.run("1")
    runtime.close()

    assert before == (children(), len(list(Path("/proc/self/fd").iterdir())))


@linux_only
def test_session_closes_while_another_thread_runs_in_it(runtime: MontyRuntime) -> None:
    """A trial that is left behind does not hold up the end of the run, and is told that its process died."""
    running = threading.Event()

    def mark(*_call: object) -> CallReply:
        running.set()
        return CallReply()

    session = runtime.start(Bindings(functions=("mark",), call=mark), Limits(wall_s=60, cpu_s=60))
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(session.run, "mark()\nwhile True: pass")
        running.wait(30)
        session.close()
        execution = future.result(timeout=30)

    assert execution.status == "crash"


@linux_only
def test_process_has_no_environment_and_is_under_limits(monkeypatch: pytest.MonkeyPatch, runtime: MontyRuntime) -> None:
    """It is started without a variable, and the kernel limits what it may use."""
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    facts: dict[str, str] = {}

    def look(*_call: object) -> CallReply:
        assert session._started is not None
        folder = Path("/proc") / str(session._started[0].pid)
        facts.update({name: (folder / name).read_text() for name in ("environ", "limits")})
        return CallReply()

    session = runtime.start(Bindings(functions=("look",), call=look), Limits(cpu_s=7))
    assert session.run("look()").error is None
    session.close()
    rows = {line[:25].strip(): line[25:].split()[:2] for line in facts["limits"].splitlines()}

    assert facts["environ"] == ""
    assert rows["Max cpu time"] == ["7", "8"]
    assert rows["Max address space"] == [str(2**30)] * 2
    assert [rows[f"Max {each}"] for each in ("file size", "core file size")] == [["0", "0"]] * 2
    assert rows["Max open files"] == ["16", "16"]


@linux_only
def test_confinement_says_what_holds_and_what_does_not(runtime: MontyRuntime) -> None:
    """Only the interpreter keeps a program from files and network."""
    confinement = runtime.confinement()

    assert confinement.level == "C"
    assert confinement.layers[-1] == "kernel limits of processor time, address space, files and descriptors"
    assert confinement.missing == (
        "seccomp, Landlock and namespaces: the worker takes none from itself, and no launcher does it",
        "a standard error of its own: the client hands it that of the test process",
        "an end with the test process: if that is killed, a program runs on to its time limit",
    )
    assert confinement is runtime.confinement()


# The package


def test_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch, runtime: MontyRuntime) -> None:
    """Without pydantic-monty it says what to install."""
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)

    with pytest.raises(SandboxError) as raised:
        runtime.start(Bindings(functions=(), call=Host()), Limits())

    assert str(raised.value) == (
        "the monty runtime needs the pydantic-monty package; run: pip install 'pytest-codeact[monty]'"
    )


def test_missing_executable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without its worker says what to install."""

    def nothing(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("pytest_codeact.runtimes.monty._worker.distribution", nothing)
    with pytest.raises(SandboxError) as raised:
        binary_path()

    assert str(raised.value) == (
        "the package pydantic-monty-runtime with the executable 'monty' is not installed; "
        "run: pip install --force-reinstall pydantic-monty-runtime"
    )


def test_package_is_imported_by_the_first_session() -> None:
    """A run without this runtime does not pay for it."""
    code = (
        "import sys, pytest_codeact.runtimes.monty as m\nm.MontyRuntime()\n"
        "print([each for each in sys.modules if each.startswith('pydantic_monty')])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout == "[]\n"
