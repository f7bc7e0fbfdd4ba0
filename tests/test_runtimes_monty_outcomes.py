"""The runtime `monty`: failures, refusals, output and values."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from monty_host import FUNCTIONS, Host, told

from pytest_codeact.runtimes import Bindings, Limits
from pytest_codeact.runtimes.monty import MontyRuntime
from pytest_codeact.runtimes.monty._report import MODULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.runtimes import Interpreter

pytest.importorskip("pydantic_monty")


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


# Failures and refusals


def test_traceback_into_an_earlier_program_shows_its_line(start: Callable[..., Interpreter]) -> None:
    """The lines of a function are those of the program that defined it, and the frames the programs' own."""
    session = start()
    session.run("def half(n):\n    send(n)\n    return n / 0\n")
    session.run("")
    session.run("(" * 5000)

    assert told(session.run("z = 5\nlist(map(half, [z]))\n")) == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 2, in <module>\n    list(map(half, [z]))\n         ~~~~~~~~~~~~~~\n'
        '  File "main.py (program 1)", line 3, in half\n    return n / 0\n           ~~~~~\n'
        "ZeroDivisionError: division by zero"
    )


def test_syntax_error_looks_like_cpythons(start: Callable[..., Interpreter]) -> None:
    """It has no heading, as in the main program."""
    execution = start().run("x = = 3")

    assert (execution.status, execution.error) == (
        "error",
        '  File "main.py", line 1\n    x = = 3\n        ~\nSyntaxError: Expected an expression',
    )


NO_RUN = "The program was not run."
LACKS = "The sandbox does not have this; plain Python does."
DENIED = {
    "class A(dict): pass": NO_RUN,
    "def f():\n    yield 1": NO_RUN,
    "x = 1\ndel x": NO_RUN,
    "class A:\n    @property\n    def x(self): return 1": NO_RUN,
    "from tools import *": LACKS,
    "import heapq": f"The sandbox does not have the module 'heapq'; it has {', '.join(MODULES)}.",
    "import collections.abc": f"The sandbox does not have the module 'collections.abc'; it has {', '.join(MODULES)}.",
    "from collections import OrderedDict": LACKS,
    "import os\nos.system('ls')": LACKS,
    "import os\nos.environ": LACKS,
    "open('/etc/passwd')": LACKS,
    "callable(1)": LACKS,
    "x = issubclass": LACKS,
    "''.format_map({})": LACKS,
    "str.maketrans('a', 'b')": LACKS,
    "ValueError('a').add_note('b')": LACKS,
    "raise ValueError(3)": LACKS,
    "sorted([1], key=get_order)": "The sandbox cannot call a tool from inside a function of its own, such as sorted with a key; call it in a loop or a comprehension.",
}
"""What plain Python runs and Monty does not, with the last line of what a program is told."""


@pytest.mark.parametrize("program", DENIED)
def test_what_plain_python_has_is_denied(program: str, start: Callable[..., Interpreter]) -> None:
    """A refusal is told from an error, and says that it is the sandbox's."""
    execution = start().run(program)

    assert (execution.status, told(execution).splitlines()[-1]) == ("denied", DENIED[program])


ERRORS = {
    "import nothing": "ModuleNotFoundError: No module named 'nothing'",
    "from math import nothing": "ImportError: cannot import name 'nothing' from 'math' (unknown location)",
    "import math\nmath.nothing": "AttributeError: module 'math' has no attribute 'nothing'",
    "nothing": "NameError: name 'nothing' is not defined",
    "''.nothing": "AttributeError: 'str' object has no attribute 'nothing'",
    "raise NotImplementedError('later')": "NotImplementedError: later",
    "raise PermissionError('mine')": "PermissionError: mine",
    "raise TimeoutError('feed time limit exceeded: 1s > 1s')": "TimeoutError: feed time limit exceeded: 1s > 1s",
    "assert 1 == 2": "AssertionError",
    "exit('bad')": "SystemExit: bad",
}
"""What fails under plain Python too, with the end of what a program is told."""


@pytest.mark.parametrize("program", ERRORS)
def test_what_plain_python_refuses_is_an_error(program: str, start: Callable[..., Interpreter]) -> None:
    """A failure of the program's own is no refusal."""
    execution = start().run(program)

    assert (execution.status, told(execution).splitlines()[-1]) == ("error", ERRORS[program])


def test_modules_are_those_that_monty_has(start: Callable[..., Interpreter]) -> None:
    """The list that a program is shown is right, and complete but for `posixpath`, which is `os.path`."""
    session = start(wall_s=20)
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
    had = [name for name in names if session.run(f"import {name}").status == "ok"]

    assert [*MODULES] == [name for name in had if name != "posixpath"]


def test_exit_without_a_code_is_no_error(start: Callable[..., Interpreter]) -> None:
    """A program may end itself."""
    session = start()

    assert [session.run(each).status for each in ("exit()", "raise SystemExit", "quit(0)")] == ["ok"] * 3


# Output and value

VALUES = {
    "1 + 1": "2",
    "None": None,
    "x = 5": None,
    "'a'": "'a'",
    "": None,
    "# nothing": None,
    "[], (), {}, set(), frozenset(), (1,), {1}, frozenset([1]), {'a': (1, None)}": "([], (), {}, set(), frozenset(), (1,), {1}, frozenset({1}), {'a': (1, None)})",
    "import datetime, decimal\ndatetime.date(2026, 1, 2), decimal.Decimal('1.5'), b'x', 1.0, True": "(datetime.date(2026, 1, 2), Decimal('1.5'), b'x', 1.0, True)",
    "from collections import namedtuple\nnamedtuple('P', 'x y')(1, [2])": "P(x=1, y=[2])",
    "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\n[D(1)]": "[D(a=1)]",
    "class A: pass\n{'a': A()}": "{'a': <__main__.A object>}",
    "print": "<built-in function print>",
    "int": "<class 'int'>",
    "get_order": "<function get_order>",
}
"""Programs and the text of their final value."""


@pytest.mark.parametrize("program", VALUES)
def test_value_is_that_of_a_last_expression(program: str, start: Callable[..., Interpreter]) -> None:
    """None is no value, and a statement has none."""
    execution = start().run(program)

    assert ("ok", VALUES[program]) == (execution.status, execution.value)


def test_large_value_is_written_down_by_the_worker(start: Callable[..., Interpreter]) -> None:
    """A value of many parts is cut, and one that holds itself without end costs the program's limits, not the host's."""
    session = start(output_bytes=1000, wall_s=30)
    many = session.run("list(range(120_000))")
    instances = session.run("class A: pass\n[A()] * 120_000")
    failed = session.run("1 / 0")
    endless = start(wall_s=0.3).run("x = [[]]\nfor _ in range(60): x = [x, x]\nx")

    assert many.value is not None
    assert many.value.startswith("[0, 1, 2")
    assert many.value.endswith("119998, 119999]")
    assert len(many.value) <= 1000
    assert instances.value == "<list object>"
    assert 'File "main.py", line 1' in told(failed)
    assert endless.status == "limit"


def test_value_that_cannot_be_written_is_an_error(start: Callable[..., Interpreter]) -> None:
    """As under plain Python, an integer may be too long for a text."""
    execution = start().run("10**5000")

    assert execution.status == "error"
    assert told(execution).startswith("ValueError: Exceeds the limit (4300 digits) for integer string conversion")


def test_output_is_cut_in_the_middle(start: Callable[..., Interpreter]) -> None:
    """Long output keeps its beginning and its end, and says how much is missing; a value has its share."""
    session = start(output_bytes=200)
    printed = session.run("print('a' * 500)\nprint('z' * 500)\n")
    both = session.run("print('a' * 1000)\n'v' * 1000\n")

    assert printed.output == "a" * 68 + "\n[... 866 bytes left out ...]\n" + "z" * 67 + "\n"
    assert both.value is not None
    assert "bytes left out" in both.value
    assert "bytes left out" in both.output


def test_control_characters_are_escaped(start: Callable[..., Interpreter]) -> None:
    """Neither a terminal nor XML nor UTF-8 stumbles over what a program prints or raises."""
    session = start()
    printed = session.run(r"print('\x1b[2J\x00\ttab')")
    raised = session.run(r"raise ValueError('\x1b[2J')")

    assert printed.output == "\\x1b[2J\\x00\ttab\n"
    assert told(raised).endswith("ValueError: \\x1b[2J")


def test_long_traceback_is_cut(start: Callable[..., Interpreter]) -> None:
    """An error text has at most 4096 bytes, its end included."""
    error = told(start().run("raise ValueError('x' * 100_000 + 'end')"))

    assert error.startswith("Traceback (most recent call last):\n")
    assert error.endswith("xend")
    assert len(error) <= 4096
