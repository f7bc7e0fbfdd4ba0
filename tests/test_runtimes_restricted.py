"""The restricted runtime: tools, state, limits, output, and what is left behind."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from process_sources import ScriptSource

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._zygote import Zygote, zygote_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Execution, Interpreter

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ENDLESS = "while True:\n    pass\n"


class Host:
    """Carries out the calls of programs and keeps them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Json], dict[str, Json]]] = []

    def __call__(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        self.calls.append((name, positional, keywords))
        if name == "fail":
            return CallReply(error="no order 999; known orders: 1, 2")
        if name == "final_answer":
            return CallReply(final=True)
        if name == "rest":
            time.sleep(0.4)
        return CallReply(value={"id": len(self.calls), "total": 2.5})


FUNCTIONS = ("get_order", "send", "fail", "rest", "final_answer")


@pytest.fixture(scope="module")
def runtime() -> Iterator[RestrictedRuntime]:
    """Give a runtime."""
    made = RestrictedRuntime()
    yield made
    made.close()


@pytest.fixture
def host() -> Host:
    """Give a host."""
    return Host()


@pytest.fixture
def start(runtime: RestrictedRuntime, host: Host) -> Iterator[Callable[..., Interpreter]]:
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
    """A tool is called bare, as an attribute of `tools`, imported, passed on, with any kind of argument."""
    program = """
import tools as t
from tools import get_order as fetch
from tools import *
import tools
a = get_order(1)
tools.get_order(order_id=2)
t.get_order(3, full=True)
fetch(4)
list(map(get_order, [5]))
get_order(*[6], **{"x": None})
await get_order(7)
a["total"], get_order.__name__
"""
    execution = start().run(program)

    assert (execution.status, execution.value) == ("ok", "(2.5, 'get_order')")
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
    """Tuples become arrays and subclasses of a JSON type its values; later changes do not reach the host."""
    program = """
from collections import Counter, OrderedDict, defaultdict, namedtuple
from enum import Enum, IntEnum
class Mode(str, Enum):
    FAST = "fast"
class Level(IntEnum):
    HIGH = 2
P = namedtuple("P", "x y")
rows = [1]
send(Counter("aab"), OrderedDict(a=1), defaultdict(list, k=rows), P(1, (2,)), Mode.FAST, Level.HIGH, True, None, "\\u00e9", 1.5)
rows.clear()
"""
    execution = start().run(program)

    assert (execution.status, execution.error) == ("ok", None)
    assert host.calls == [
        ("send", [{"a": 2, "b": 1}, {"a": 1}, {"k": [1]}, [1, [2]], "fast", 2, True, None, "é", 1.5], {})
    ]
    assert [str, int] == [type(host.calls[0][1][4]), type(host.calls[0][1][5])]


NOT_JSON = {
    "import datetime\nsend(datetime.date(2026, 1, 2))": "TypeError: send(): argument 1 is of type date, which is not JSON; pass its .isoformat()",
    "import datetime\nsend(when=[datetime.timedelta(1)])": "TypeError: send(): argument 'when'[0] is of type timedelta, which is not JSON; pass its .total_seconds()",
    "from decimal import Decimal\nsend({'a': Decimal(1)})": "TypeError: send(): argument 1['a'] is of type Decimal, which is not JSON; pass float(...) or str(...) of it",
    "send({1, 2})": "TypeError: send(): argument 1 is of type set, which is not JSON; pass sorted(...) of it",
    "send(b'x')": "TypeError: send(): argument 1 is of type bytes, which is not JSON; pass its .decode()",
    "send(x for x in [1])": "TypeError: send(): argument 1 is of type generator, which is not JSON; pass list(...) of it",
    "send({'a': 1}.items())": "TypeError: send(): argument 1 is of type dict_items, which is not JSON; pass dict(...) of it",
    "send(send)": "TypeError: send(): argument 1 is of type function, which is not JSON; call it first",
    "async def f(): ...\nsend(f())": "TypeError: send(): argument 1 is of type coroutine, which is not JSON; await it first",
    "class A: ...\nsend(A())": "TypeError: send(): argument 1 is of type A, which is not JSON; pass JSON values: None, bool, int, float, str, list or dict",
    "from enum import Enum\nclass E(Enum):\n    A = 1\nsend(E.A)": "TypeError: send(): argument 1 is of type E, which is not JSON; pass its .value",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\nsend(D(1))": "TypeError: send(): argument 1 is of type D, which is not JSON; pass dataclasses.asdict(...) of it",
    "send({1: 2})": "TypeError: send(): argument 1 has a key of type int; the keys of a JSON object are strings; pass str(...) of it",
    "send(float('nan'))": "ValueError: send(): argument 1 is nan, which is not JSON; pass None or a finite number",
    "send(2**5000)": "ValueError: send(): argument 1 is an integer of more than 4096 bits; pass str(...) of it",
    "x = []\nfor _ in range(99): x = [x]\nsend(x)": "is nested deeper than 64; pass a flatter value",
    "send('x' * 2000)": "ValueError: send(): the arguments are 2009 bytes of JSON; allowed: 1000; pass less at a time",
}  # fmt: skip
"""Calls that never reach the host, with the end of their error."""


@pytest.mark.parametrize("program", NOT_JSON)
def test_argument_that_is_not_json_is_refused(program: str, start: Callable[..., Interpreter], host: Host) -> None:
    """The error names the function, the argument, the place in it and what to pass instead."""
    execution = start(argument_bytes=1000).run(program)

    assert (execution.status, host.calls) == ("error", [])
    assert told(execution).endswith(NOT_JSON[program])


def test_tool_error_is_an_exception_of_the_program(start: Callable[..., Interpreter]) -> None:
    """A failed call raises ToolError with the host's text, to be caught or shown."""
    session = start()
    caught = session.run("try:\n    fail(1)\nexcept ToolError as e:\n    print(type(e).__name__, e, e.args)\n")
    shown = session.run("fail(1)\n")

    assert caught.output == "ToolError no order 999; known orders: 1, 2 ('no order 999; known orders: 1, 2',)\n"
    assert (shown.status, told(shown).splitlines()[-1]) == ("error", "ToolError: no order 999; known orders: 1, 2")


def test_result_is_a_copy(start: Callable[..., Interpreter]) -> None:
    """What a program does to a result reaches nobody."""
    execution = start().run("a = get_order(1)\na.clear()\nget_order(1)\n")

    assert execution.value == "{'id': 2, 'total': 2.5}"


def test_final_answer_ends_the_program_at_once(start: Callable[..., Interpreter], host: Host) -> None:
    """Nothing runs after the accepted answer, not even a finally; what was printed stays."""
    session = start()
    execution = session.run("x = 1\nprint('out')\ntry:\n    final_answer(3)\nfinally:\n    get_order(1)\n")
    after = session.run("x")

    assert (execution.status, execution.output, execution.error) == ("final", "out\n", None)
    assert [name for name, *_ in host.calls] == ["final_answer"]
    assert after.status == "error"


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("KeyError: no order 999", "KeyError"),
        ("ValueError: total is 3: too much", "ValueError"),
        ("OSError: disk full", "OSError"),
        ("OSError: disk full", "ToolError"),
        ("no order 999; known orders: 1, 2", "ToolError"),
        ("unknown tool 'x': y", "ToolError"),
        ("StopIteration: done", "ToolError"),
        ("SystemExit: 0", "ToolError"),
        ("print: hello", "ToolError"),
    ],
)
def test_tool_error_is_of_the_class_that_the_tool_raised(runtime: RestrictedRuntime, text: str, caught: str) -> None:
    """What a plain function would have raised can be caught as that; name and text are those of every tool's error."""
    session = runtime.start(Bindings(functions=("fail",), call=lambda *_call: CallReply(error=text)), Limits())
    handler = f"try:\n    fail()\nexcept {caught} as e:\n    print(type(e).__name__, e, isinstance(e, ToolError))\n"
    execution, uncaught = session.run(handler), session.run("fail()")
    session.close()

    assert (execution.output, execution.error) == (f"ToolError {text} True\n", None)
    assert told(uncaught).splitlines()[-1] == f"ToolError: {text}"


def test_argument_of_very_many_values_is_refused_where_it_is_made(runtime: RestrictedRuntime) -> None:
    """The host would take long to read it; the program is told to pass less."""
    session = runtime.start(Bindings(functions=("send",), call=lambda *_call: CallReply()), Limits())
    execution = session.run("send([[]] * 200_001)")
    session.close()

    assert told(execution).endswith(
        "ValueError: send(): the arguments hold more than 200000 opening brackets; pass less at a time"
    )


def test_result_too_long_for_a_message_is_a_tool_error(runtime: RestrictedRuntime) -> None:
    """A result that no message can hold becomes an error that the program may catch."""
    bindings = Bindings(functions=("dump",), call=lambda *_call: CallReply(value="x" * 9_000_000))
    session = runtime.start(bindings, Limits())
    execution = session.run("dump()")
    session.close()

    assert told(execution).endswith("ToolError: result limit of 8388608 bytes exceeded; ask for less")


def test_error_of_the_host_passes_through_and_ends_the_process(runtime: RestrictedRuntime) -> None:
    """What the host's own code raises is not the program's to see; the next program is served."""

    def broken(*_call: object) -> CallReply:
        raise ZeroDivisionError("a bug of the host")

    session = runtime.start(Bindings(functions=("tool",), call=broken), Limits())
    with pytest.raises(ZeroDivisionError, match="a bug of the host"):
        session.run("try:\n    tool()\nexcept BaseException:\n    pass\n")

    assert session.run("1").value == "1"
    session.close()


@pytest.mark.parametrize("name", ["class", "two words", "_private", "__import__", ""])
def test_name_that_cannot_be_bound_is_an_error(name: str, runtime: RestrictedRuntime) -> None:
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

    assert session.run("f(x)").value == "5.0"


def test_sessions_share_nothing(start: Callable[..., Interpreter]) -> None:
    """Another session knows nothing of the first, nor of what it did to shared-looking state."""
    first, second = start(), start()
    first.run("import decimal\nx = 1\ndecimal.getcontext().prec = 3\n")

    assert second.run("import decimal\n'x' in globals(), decimal.getcontext().prec").value == "(False, 28)"


def test_traceback_into_an_earlier_program_shows_its_line(start: Callable[..., Interpreter]) -> None:
    """The lines of a function are those of the program that defined it."""
    session = start()
    session.run("def half(n):\n    return n / 0\n")
    session.run("y = 1\n")

    error = told(session.run("z = 5\nhalf(z)\n"))

    # Without the carets, which differ between versions of Python.
    assert [line for line in error.splitlines() if not set(line) <= set(" ~^")] == [
        "Traceback (most recent call last):",
        '  File "main.py", line 2, in <module>',
        "    half(z)",
        '  File "main.py (program 1)", line 2, in half',
        "    return n / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_declarations_are_known_to_programs(start: Callable[..., Interpreter]) -> None:
    """The types that a model is shown are there to be named, in a fresh interpreter too."""
    declarations = (
        "from typing import NotRequired, TypedDict\nclass Order(TypedDict):\n    id: int\n    note: NotRequired[str]\n"
    )
    session = start(declarations, wall_s=0.3)
    first = session.run("o: Order = {'id': 1}\no")
    session.run(ENDLESS)
    second = session.run("Order(id=2)")

    assert (first.value, second.value) == ("{'id': 1}", "{'id': 2}")


def test_functions_win_over_stubs_in_the_declarations(start: Callable[..., Interpreter]) -> None:
    """A signature shown to the model does not hide the function that it describes."""
    session = start("def get_order(order_id: int) -> dict: ...\n")

    assert session.run("get_order(1)['total']").value == "2.5"


def test_declarations_that_fail_are_an_error(start: Callable[..., Interpreter]) -> None:
    """Declarations are trusted, so a failure there is nobody's program."""
    with pytest.raises(SandboxError) as raised:
        start("class Order(Missing): ...\n").run("1")

    assert str(raised.value) == (
        "the declarations do not run in the sandbox:\n"
        'Traceback (most recent call last):\n  File "main.py", line 1, in <module>\n    class Order(Missing): ...\n'
        "                ^^^^^^^\nNameError: name 'Missing' is not defined"
    )


# Limits


def test_endless_loop_ends_at_its_limit(start: Callable[..., Interpreter]) -> None:
    """A runaway program costs its time limit, start of the process included, and is told where it was."""
    session = start(wall_s=1.0)
    begin_s = time.monotonic()
    execution = session.run("x = 1\nprint('started')\nwhile True:\n    x += 1\n")
    taken_s = time.monotonic() - begin_s

    assert 1.0 <= taken_s < 1.5
    assert (execution.status, execution.output) == ("limit", "started\n")
    first, second = told(execution).splitlines()
    assert first in {
        "time limit of 1 s exceeded at line 3: while True:",
        "time limit of 1 s exceeded at line 4: x += 1",
    }
    assert second == RESTARTED
    assert "NameError: name 'x' is not defined" in told(session.run("x"))


IN_C = {
    "regex": ("import re\nre.fullmatch('(a|aa)+', 'a' * 80 + 'b')", "line 2: re.fullmatch("),
    "iterator": ("import itertools\n-1 in itertools.count()", "line 2: -1 in itertools"),
    "sort": (
        "class A:\n    def __lt__(self, other):\n        while True: pass\nsorted([A(), A()])",
        "line 3, in __lt__:",
    ),
    "swallows": (
        "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        "line 3: while",
    ),
    "error_text": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "line 3, in __str__",
    ),
    "value": (
        "class A:\n    def __repr__(self):\n        while True: pass\nA()",
        "line 3, in __repr__: while True: pass",
    ),
}


@pytest.mark.parametrize("name", IN_C)
def test_endless_work_anywhere_names_the_line(name: str, start: Callable[..., Interpreter]) -> None:
    """The line is known in C code, in special methods and in programs that catch everything."""
    source, place = IN_C[name]
    execution = start(wall_s=0.3).run(source)

    assert execution.status == "limit"
    assert f"time limit of 0.3 s exceeded at {place}" in told(execution)


def test_endless_function_of_an_earlier_program_is_named(start: Callable[..., Interpreter]) -> None:
    """The line of a function is looked up in the program that defined it."""
    session = start(wall_s=0.3)
    session.run("def spin():\n    while True: pass\n")

    assert told(session.run("a = 1\nspin()\n")).startswith(
        "time limit of 0.3 s exceeded at line 2 of an earlier program, in spin: while True: pass\n"
    )


def test_output_before_the_time_limit_is_kept(start: Callable[..., Interpreter]) -> None:
    """What was printed is shown, also beyond the lines that are sent at once, and before a loop in C code."""
    many = start(wall_s=0.5).run("for i in range(500):\n    print(i)\nwhile True: pass\n")
    few = start(wall_s=0.5).run("import itertools\nprint('a')\nprint('b')\n-1 in itertools.count()\n")

    assert "".join(f"{i}\n" for i in range(500)) == many.output
    assert few.output == "a\nb\n"


def test_time_of_tools_is_not_the_programs(start: Callable[..., Interpreter]) -> None:
    """Waiting for tools does not use up the limit."""
    execution = start(wall_s=0.5).run("for i in range(3):\n    rest()\n'done'\n")

    assert (execution.status, execution.value) == ("ok", "'done'")


def test_each_program_has_its_own_time(start: Callable[..., Interpreter]) -> None:
    """The limit is per program."""
    session = start(wall_s=2)
    busy = "import time\nend = time.monotonic() + 0.8\nwhile time.monotonic() < end: pass\n"

    assert [session.run(busy).status for _ in range(3)] == ["ok"] * 3


def test_memory_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program that wants too much memory is told where, and how much there is."""
    session = start(memory_bytes=256 * 2**20)
    execution = session.run("x = [0]\nwhile True:\n    x += x\n")

    assert execution.status == "limit"
    assert 'File "main.py", line 3, in <module>' in told(execution)
    assert told(execution).endswith(f"MemoryError\nmemory limit of 268435456 bytes exceeded\n{RESTARTED}")
    assert session.run("1").status == "ok"


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
    execution = session.run("while True:\n    get_order(1)\n")

    assert len(host.calls) == 3
    assert execution.status == "limit"
    assert told(execution) == (
        f"call limit of 3 tool calls in one program exceeded: do the rest in another program\n{RESTARTED}"
    )
    assert [session.run("get_order(1), get_order(2), get_order(3)").status for _ in range(2)] == ["ok"] * 2


def test_hard_output_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program that prints without end is stopped, and its output shown as far as one may see."""
    execution = start(hard_output_bytes=10_000, output_bytes=1000).run("while True:\n    print('x' * 99)\n")

    assert execution.status == "limit"
    assert told(execution) == f"output limit of 10000 bytes exceeded: print less, print a summary\n{RESTARTED}"
    assert len(execution.output) <= 1000


def test_source_limit_is_named(start: Callable[..., Interpreter]) -> None:
    """A program may be so long, in UTF-8 bytes."""
    session = start(source_bytes=20)

    assert session.run("x = '" + "é" * 7 + "'").status == "ok"
    assert told(session.run("x = '" + "é" * 8 + "'")) == (
        f"source limit of 20 bytes exceeded: the program is 22 bytes; write a shorter one\n{RESTARTED}"
    )
    assert session.run("x").status == "error"


def test_deadlock_of_coroutines_is_told(start: Callable[..., Interpreter]) -> None:
    """Coroutines that wait for each other for ever do not use up the time."""
    program = (
        "import asyncio\nasync def main():\n    lock = asyncio.Lock()\n    async with lock:\n        async with lock: ...\n"
        "asyncio.run(main())\n"
    )
    execution = start().run(program)

    assert execution.status == "limit"
    assert told(execution).endswith(
        f"RuntimeError: every task waits for another; plain asyncio would wait for ever\n{RESTARTED}"
    )


def test_death_of_the_process_is_told(start: Callable[..., Interpreter]) -> None:
    """A program that overflows the C stack loses its process and nothing else."""
    session = start(wall_s=20, memory_bytes=2**30)
    execution = session.run(
        "import itertools\ng = iter([])\nfor i in range(10**6):\n    g = itertools.chain(g, [i])\nlist(g)\n"
    )

    assert ("crash", f"the sandbox process died (SIGSEGV).\n{RESTARTED}") == (execution.status, execution.error)
    assert session.run("1").value == "1"


def test_sleep_moves_the_clock_on(start: Callable[..., Interpreter]) -> None:
    """Nobody waits for a sleep, and waiting for a time ends."""
    program = """
import asyncio, time
begin = time.time()
time.sleep(3600)
while time.monotonic() < 0: ...
await asyncio.gather(asyncio.sleep(50), asyncio.sleep(100))
round(time.time() - begin)
"""
    assert start().run(program).value == "3700"


def test_negative_sleep_is_an_error(start: Callable[..., Interpreter]) -> None:
    """As under plain Python."""
    assert "ValueError: sleep length must be non-negative" in told(start().run("import time\ntime.sleep(-1)"))


def test_runs_are_repeatable(start: Callable[..., Interpreter]) -> None:
    """Random numbers, hashes, identifiers and the time zone are the same in every session."""
    program = "import random, uuid, time\nrandom.random(), hash('a'), {'a', 'b', 'c'}, uuid.uuid4(), time.timezone"
    first, second = start().run(program), start().run(program)

    assert first.value is not None
    assert first.value == second.value


# Output


def test_output_is_cut_in_the_middle(start: Callable[..., Interpreter]) -> None:
    """Long output keeps its beginning and its end, and says how much is missing."""
    execution = start(output_bytes=200).run("print('a' * 500)\nprint('z' * 500)\n")

    assert execution.output == "a" * 68 + "\n[... 866 bytes left out ...]\n" + "z" * 67 + "\n"


def test_value_and_output_share_the_limit(start: Callable[..., Interpreter]) -> None:
    """A long value does not push out the output, nor the other way round."""
    execution = start(output_bytes=400).run("print('a' * 1000)\n'v' * 1000\n")

    assert execution.value is not None
    assert "bytes left out" in execution.value
    assert "bytes left out" in execution.output
    assert 300 < len(execution.output) + len(execution.value) <= 400


def test_value_of_any_size_is_cut(start: Callable[..., Interpreter]) -> None:
    """A final value of many megabytes does not reach the host."""
    execution = start(output_bytes=1000).run("list(range(1_000_000))")

    assert execution.value is not None
    assert execution.value.startswith("[0, 1, 2")
    assert execution.value.endswith("999998, 999999]")
    assert len(execution.value) <= 1000


def test_control_characters_are_escaped(start: Callable[..., Interpreter]) -> None:
    """Neither a terminal nor XML nor UTF-8 stumbles over what a program prints, gives or raises."""
    session = start()
    printed = session.run(r"print('\x1b[2J\ud800\x00\ttab')")
    raised = session.run(r"raise ValueError('\x1b[2J\ud800')")
    given = session.run("class A:\n    def __repr__(self): return '\\x9b\\x07'\nA()")

    assert printed.output == "\\x1b[2J\\ud800\\x00\ttab\n"
    assert told(raised).endswith("ValueError: \\x1b[2J\\ud800")
    assert given.value == "\\x9b\\x07"


def test_value_is_that_of_a_last_expression(start: Callable[..., Interpreter]) -> None:
    """None is no value, and a statement has none."""
    session = start()

    assert [session.run(each).value for each in ("1 + 1", "None", "x = 5", "'a'", "", "# nothing")] == [
        "2", None, None, "'a'", None, None,
    ]  # fmt: skip


def test_exit_without_a_code_is_no_error(start: Callable[..., Interpreter]) -> None:
    """A program may end itself; with a message it ends in an error."""
    session = start()

    assert [session.run(each).status for each in ("exit()", "raise SystemExit", "quit(0)", "exit('bad')")] == [
        "ok", "ok", "ok", "error",
    ]  # fmt: skip


def test_long_traceback_is_cut(start: Callable[..., Interpreter]) -> None:
    """An error text has at most 4096 bytes, its end included."""
    error = told(start().run("raise ValueError('x' * 100_000 + 'end')"))

    assert error.startswith("Traceback (most recent call last):\n")
    assert error.endswith("xend")
    assert len(error) <= 4096


# The session and the process


def test_closed_session_says_so(runtime: RestrictedRuntime) -> None:
    """A session ends once and for all, and closing it again is no error."""
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    session.close()
    session.close()

    with pytest.raises(SandboxError, match=r"^the session is closed; start another with RestrictedRuntime.start$"):
        session.run("1")


def test_closed_runtime_says_so() -> None:
    """A runtime ends its sessions, and closing it again is no error."""
    runtime = RestrictedRuntime()
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    session.run("1")
    runtime.close()
    runtime.close()

    with pytest.raises(SandboxError, match=r"^the session is closed"):
        session.run("1")
    with pytest.raises(SandboxError, match=r"^the runtime is closed; make another RestrictedRuntime$"):
        runtime.start(Bindings(functions=(), call=Host()), Limits())


def test_session_starts_no_process_before_its_first_program(tmp_path: Path) -> None:
    """Starting a session is cheap: nothing is launched, so nothing can fail."""
    source = ScriptSource(tmp_path / "missing.py")
    runtime = RestrictedRuntime(source=source)
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())

    with pytest.raises(SandboxError, match=r"^the sandbox process did not start: the other side is gone; exit status"):
        session.run("1")
    runtime.close()


def test_zygote_that_cannot_be_started_is_an_error() -> None:
    """The text names what is missing."""
    with pytest.raises(
        SandboxError, match=r"^the sandbox's zygote cannot be started: .*No such file or directory: '/no"
    ):
        Zygote(("/no/such/program",))


def test_zygote_that_fails_says_why() -> None:
    """What it raised before it could serve reaches whoever asked for it."""
    with pytest.raises(
        SandboxError, match=r"^the sandbox's zygote did not start:\nTraceback [\s\S]*KeyError: 'language'"
    ):
        Zygote(zygote_command("{}"))


def test_zygote_that_dies_at_once_says_so() -> None:
    """Without a report there is its exit status."""
    with pytest.raises(
        SandboxError, match=r"^the sandbox's zygote did not start: the other side is gone; exit status 7$"
    ):
        Zygote((sys.executable, "-S", "-c", "import os; os._exit(7)"))


def process_of(session: Any) -> str:
    """Give the number, in this namespace, of the process that runs a session's programs."""
    handle = session._process._handle._handle
    return Path(f"/proc/self/fdinfo/{handle}").read_text().split("Pid:")[1].split()[0]


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
def test_nothing_is_left_behind() -> None:
    """After every way a program can end, no process and no descriptor is left."""
    gc.collect()
    before = children(), len(list(Path("/proc/self/fd").iterdir()))
    runtime = RestrictedRuntime()
    programs = ("1", "1/0", ENDLESS, "final_answer(1)", "import os", "x = 'a' * 10**10", "fail(1)")
    for program in programs * 2:
        session = runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits(wall_s=0.1))
        session.run(program)
        session.close()
    forgotten = runtime.start(Bindings(functions=FUNCTIONS, call=Host()), Limits())
    forgotten.run("1")
    runtime.close()

    assert before == (children(), len(list(Path("/proc/self/fd").iterdir())))


@linux_only
def test_session_outlives_the_thread_that_started_it(start: Callable[..., Interpreter]) -> None:
    """The process dies with the runtime, not with the thread in which its first program ran."""
    session = start()
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(session.run, "x = 5").result()

    assert session.run("x").value == "5"


HOST_SCRIPT = """
import sys
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime

def call(*_call):
    handle = session._process._handle._handle
    print(open(f"/proc/self/fdinfo/{handle}").read().split("Pid:")[1].split()[0], flush=True)
    return CallReply()

runtime = RestrictedRuntime()
session = runtime.start(Bindings(functions=("tell",), call=call), Limits(wall_s=60, cpu_s=60))
session.run("tell()\\nwhile True: pass")
"""


def test_final_answer_leaves_the_process_to_close(runtime: RestrictedRuntime) -> None:
    """Ending a process is no part of the action; the next program, if there is one, finds a fresh one."""
    calls = Bindings(functions=("finish",), call=lambda *_call: CallReply(final=True))
    session = runtime.start(calls, Limits())
    first = session.run("x = 1\nfinish()\nprint('never')")
    process = session._process
    second = session.run("'x' in globals()")

    assert (first.status, first.output) == ("final", "")
    assert process is not None
    assert session._process is not process
    assert second.value == "False"


def test_module_of_tools_holds_what_the_api_declares(runtime: RestrictedRuntime) -> None:
    """Types and errors of the API can be had from `tools`; what it does not hold is missing until it is called."""
    bindings = Bindings(
        functions=("look",),
        call=lambda name, *_call: CallReply(error=f"unknown tool {name!r}"),
        declarations="from typing import TypedDict\nclass Line(TypedDict):\n    a: float",
    )
    session = runtime.start(bindings, Limits())
    held = session.run(
        "import tools\nfrom tools import Line, ToolError, look\ntools.Line(a=1.0), hasattr(tools, 'nope')"
    )
    imported = session.run("from tools import nope")
    called = session.run("try:\n    tools.nope(1)\nexcept ToolError as error:\n    print(error)")

    assert held.value == "({'a': 1.0}, False)"
    assert (imported.error or "").splitlines()[-1] == "ImportError: cannot import name 'nope' from 'tools'"
    assert called.output == "unknown tool 'nope'\n"


def test_prepared_session_has_its_process_before_the_first_program(runtime: RestrictedRuntime) -> None:
    """Preparing starts the process once, and the program finds it."""
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    session.prepare()
    process = session._process
    session.prepare()
    execution = session.run("1 + 1")

    assert process is not None
    assert session._process is process
    assert execution.value == "2"


@linux_only
def test_process_dies_with_its_host() -> None:
    """A host that is killed leaves no runaway program behind."""
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", HOST_SCRIPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as host:
        assert host.stdout is not None
        sandbox = os.pidfd_open(int(host.stdout.readline()))
        host.send_signal(signal.SIGKILL)
    ready, _, _ = select.select([sandbox], [], [], 10)
    os.close(sandbox)

    assert ready


@linux_only
def test_process_has_nothing_of_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has three variables, the channel and null streams, no path of the host, and an empty root."""
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    leak = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leak, True)  # noqa: FBT003  # positional by its own signature
    facts: dict[str, Any] = {}

    def look(*_call: object) -> CallReply:
        folder = Path("/proc") / process_of(session)
        opened = (folder / "fd").iterdir()
        facts["descriptors"] = {each.name: str(each.readlink()).partition(":")[0] for each in opened}
        facts["root"] = [*(folder / "root").iterdir(), *(folder / "cwd").iterdir()]
        return CallReply()

    runtime = RestrictedRuntime(language=False)
    has_namespaces = "namespaces (" in " ".join(runtime.confinement().layers)
    session = runtime.start(Bindings(functions=("look",), call=look), Limits())
    execution = session.run("import os, sys\nlook()\nprint(dict(os.environ), sys.argv, sys.path, flush=True)")
    runtime.close()
    os.close(leak)

    assert execution.output == "{'PYTHONHASHSEED': '0', 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'} ['main.py'] []\n"
    assert facts["descriptors"] == {**dict.fromkeys("012", "/dev/null"), "3": "socket"}
    assert not (has_namespaces and facts["root"])


@linux_only
def test_process_locks_itself_down(runtime: RestrictedRuntime) -> None:
    """Before the first program it has no new privileges, and limits on processor, memory, files and cores."""
    facts: dict[str, str] = {}

    def look(*_call: object) -> CallReply:
        folder = Path("/proc") / process_of(session)
        facts["status"] = (folder / "status").read_text()
        facts["limits"] = (folder / "limits").read_text()
        return CallReply()

    session = runtime.start(Bindings(functions=("look",), call=look), Limits(cpu_s=7, memory_bytes=2**28))
    assert session.run("look()").error is None
    session.close()
    rows = {line[:25].strip(): line[25:].split()[:2] for line in facts["limits"].splitlines()}

    assert "NoNewPrivs:\t1" in facts["status"]
    assert rows["Max cpu time"] == ["7", "8"]
    assert rows["Max address space"] == ["268435456", "268435456"]
    assert [rows[f"Max {each}"] for each in ("file size", "core file size", "processes")] == [["0", "0"]] * 3
    assert rows["Max open files"] == ["16", "16"]


def test_host_imports_nothing_of_the_sandbox() -> None:
    """The test process never loads RestrictedPython or a module of the inside."""
    code = (
        "import sys, pytest_codeact.runtimes.restricted\n"
        "print([m for m in sys.modules if m.startswith('RestrictedPython') or '.restricted.child' in m])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert done.stdout == "[]\n"


def test_platform_that_cannot_run_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows there is no such process."""
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(SandboxError) as raised:
        zygote_command("{}")

    assert str(raised.value) == (
        "the restricted runtime needs a POSIX system, and this is 'win32'; use --codeact-sandbox=monty"
    )


def test_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without RestrictedPython it says what to install."""
    monkeypatch.setitem(sys.modules, "RestrictedPython", None)

    with pytest.raises(SandboxError) as raised:
        zygote_command("{}")

    assert str(raised.value) == (
        "the restricted runtime needs the RestrictedPython package; run: pip install 'RestrictedPython>=9,<10'"
    )
