"""What a program must not do: refused before it runs or where it tries, in words that say what and what instead."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.runtimes import Execution, Interpreter

TOOLS = Bindings(functions=("get_order",), call=lambda *_call: CallReply(value={"id": 1}))


@pytest.fixture(scope="module")
def session() -> Iterator[Interpreter]:
    """Give one session for all programs of this module."""
    runtime = RestrictedRuntime()
    yield runtime.start(TOOLS, Limits())
    runtime.close()


def last_line(execution: Execution) -> str:
    """Give the line of an error text that says what is wrong."""
    assert execution.error is not None
    lines = [line for line in execution.error.splitlines() if line != "The program was not run."]
    return lines[-1]


REFUSED = {
    "dunder_attribute": ("().__subclasses__()", "the attribute '__subclasses__' is not available in the sandbox"),
    "mro": ("int.__mro__", "the attribute '__mro__' is not available in the sandbox"),
    "globals_of_function": ("f = lambda: 1\nf.__globals__", "the attribute '__globals__' is not available in the sandbox"),
    "full_width_underscore": ("()._\uff3fclass\uff3f_._\uff3fbase_\uff3f", "the attribute '__base__' is not available in the sandbox"),
    "frame": ("g = (i for i in [1])\ng.gi_frame", "the attribute 'gi_frame' is not available in the sandbox"),
    "traceback_frame": ("def f(tb):\n    tb.tb_frame", "the attribute 'tb_frame' is not available in the sandbox"),
    "assign_class": ("class A: ...\nA().__class__ = int", "the attribute '__class__' is not available in the sandbox"),
    "in_f_string": ("f'{int.__mro__}'", "the attribute '__mro__' is not available in the sandbox"),
    "in_default": ("def f(x=int.__mro__): ...", "the attribute '__mro__' is not available in the sandbox"),
    "in_annotation": ("x: int.__mro__ = 1", "the attribute '__mro__' is not available in the sandbox"),
    "in_decorator": ("@(lambda f: f.__code__)\ndef f(): ...", "the attribute '__code__' is not available in the sandbox"),
    "dunder_name": ("__builtins__", "the name '__builtins__' is not available in the sandbox, as no name of the form __x__ is"),
    "assign_name": ("__name__ = 'x'", "the name '__name__' is not available in the sandbox, as no name of the form __x__ is"),
    "hook_name": ("_getattr_ = 1", "the name '_getattr_' is reserved in the sandbox; use another name"),
    "hook_argument": ("def f(_write_, /): ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_keyword": ("lambda *, _print_: 1", "the name '_print_' is reserved in the sandbox; use another name"),
    "hook_import": ("import json as _getattr_", "the name '_getattr_' is reserved in the sandbox; use another name"),
    "hook_except": ("try: ...\nexcept E as _write_: ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_global": ("def f():\n    global _write_", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_nonlocal": ("def f():\n    nonlocal _write_", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_walrus": ("(_write_ := 1)", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_class": ("class _write_: ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_function": ("def _write_(): ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_capture": ("match 1:\n    case _write_: ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_star": ("match 1:\n    case [*_write_]: ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "hook_rest": ("match 1:\n    case {**_write_}: ...", "the name '_write_' is reserved in the sandbox; use another name"),
    "delete_method": ("class A:\n    def __del__(self): ...", "the method '__del__' cannot be defined in the sandbox"),
    "get_attribute": ("class A:\n    def __getattribute__(self, n): ...", "the method '__getattribute__' cannot be defined in the sandbox"),
    "reduce": ("class A:\n    def __reduce__(self): ...", "the method '__reduce__' cannot be defined in the sandbox"),
    "special_function": ("def __init__(self): ...", "the method '__init__' cannot be defined in the sandbox"),
    "match_args": ("class A:\n    __match_args__ = ('x',)", "the name '__match_args__' is not available in the sandbox, as no name of the form __x__ is"),
    "special_slot": ("class A:\n    __slots__ = ('__class__',)", "__slots__ must list plain names as literals in the sandbox"),
    "computed_slots": ("class A:\n    __slots__ = ('_' * 2 + 'class__',)", "__slots__ must list plain names as literals in the sandbox"),
    "pattern_keyword": ("match 1:\n    case object(gi_frame=f): ...", "the attribute 'gi_frame' is not available in a pattern in the sandbox"),
    "pattern_private": ("match 1:\n    case object(_x=f): ...", "the attribute '_x' is not available in a pattern in the sandbox"),
    "pattern_format": ("s = ''\nmatch 1:\n    case s.format: ...", "the attribute 'format' is not available in a pattern in the sandbox"),
    "except_star": ("try: ...\nexcept* ValueError: ...", "'except*' is not available in the sandbox; use 'except'"),
    "relative_import": ("from . import x", "relative imports are not available in the sandbox; there are no files"),
}  # fmt: skip
"""Programs refused before they run, with the reason."""


@pytest.mark.parametrize("name", REFUSED)
def test_program_is_refused_before_it_runs(name: str, session: Interpreter) -> None:
    """A program that says what it must not does nothing at all."""
    source, reason = REFUSED[name]

    execution = session.run(f"print('ran')\n{source}\n")

    assert ("denied", "", reason) == (execution.status, execution.output, last_line(execution))


DENIED = {
    "open": ("open('x')", "NameError: open() is not available in the sandbox: there are no files; use the tools and variables"),
    "input": ("input()", "NameError: input() is not available in the sandbox: nobody can answer; use the tools"),
    "eval": ("eval('1')", "NameError: eval() is not available in the sandbox: write the expression into the program, or use ast.literal_eval"),
    "exec": ("e = exec\ne('1')", "NameError: exec() is not available in the sandbox: write the statements into the program"),
    "compile": ("compile('1', '', 'eval')", "NameError: compile() is not available in the sandbox: write the code into the program"),
    "breakpoint": ("breakpoint()", "NameError: breakpoint() is not available in the sandbox: there is no debugger; use print"),
    "help": ("help(int)", "NameError: help() is not available in the sandbox: the API is in the instructions"),
    "memoryview": ("memoryview(b'')", "NameError: memoryview() is not available in the sandbox: use bytes or bytearray"),
    "type_of_three": ("type('X', (), {})", "NameError: type() with three arguments is not available in the sandbox; write a class statement"),
    "metaclass_of_type": ("type(int)('X', (), {})", "NameError: type() with three arguments is not available in the sandbox; write a class statement"),
    "class_of_class": ("(1).__class__.__class__('X', (), {})", "NameError: type() with three arguments is not available in the sandbox; write a class statement"),
    "class_of_enum": ("from enum import Enum\ntype(Enum)('X', (), {})", "NameError: type() with three arguments is not available in the sandbox; write a class statement"),
    "special_enum_member": ("from enum import Enum\nEnum('X', {'__getattribute__': print})", "NameError: enum member '__getattribute__' is not available in the sandbox; write a class statement"),
    "special_enum_pairs": ("from enum import IntEnum\nIntEnum('X', [('a', 1), ('_missing_', print)])", "NameError: enum member '_missing_' is not available in the sandbox; write a class statement"),
    "special_enum_names": ("from enum import Flag\nFlag('X', 'a __init__')", "NameError: enum member '__init__' is not available in the sandbox; write a class statement"),
    "define_metaclass": ("class M(type): ...", "NameError: class 'M' cannot be a metaclass in the sandbox"),
    "metaclass_by_typing": ("import typing\nclass M(typing.Type[int]): ...", "NameError: class 'M' cannot be a metaclass in the sandbox"),
    "metaclass_by_alias": ("class M(type[int]): ...", "NameError: class 'M' cannot be a metaclass in the sandbox"),
    "use_metaclass": ("class A(metaclass=int): ...", "NameError: class 'A' cannot have a metaclass in the sandbox but ABCMeta"),
    "text_dataclass": ("from dataclasses import dataclass\n@dataclass\nclass A(str): ...", "NameError: dataclass 'A' cannot be a str in the sandbox"),
    "computed_name": ("getattr(int, '__m' + 'ro__')", "AttributeError: attribute '__mro__' of class 'int' is not available in the sandbox"),
    "mapped_getattr": ("list(map(getattr, [get_order], ['__globals__']))", "AttributeError: attribute '__globals__' of function 'get_order' is not available in the sandbox"),
    "attribute_getter": ("import operator\noperator.attrgetter('real.__class__.__mro__')(1)", "AttributeError: attribute '__mro__' of class 'int' is not available in the sandbox"),
    "method_caller": ("import operator\noperator.methodcaller('__subclasses__')(int)", "AttributeError: attribute '__subclasses__' of class 'int' is not available in the sandbox"),
    "private_of_library": ("import random\nrandom.Random()._randbelow", "AttributeError: attribute '_randbelow' of 'Random' object is not available in the sandbox"),
    "private_of_base": ("import string\nclass T(string.Template): ...\nT._invalid", "AttributeError: attribute '_invalid' of class 'T' is not available in the sandbox"),
    "private_of_super": ("import random\nclass R(random.Random):\n    def f(self): return super()._randbelow\nR().f()", "AttributeError: attribute '_randbelow' of 'super' object is not available in the sandbox"),
    "format_attribute": ("'{0.__class__}'.format(1)", "AttributeError: attribute '__class__' is not available in a format in the sandbox"),
    "format_in_spec": ("'{:{0.__class__}}'.format(1)", "AttributeError: attribute '__class__' is not available in a format in the sandbox"),
    "format_map": ("'{x.gi_frame}'.format_map({'x': 1})", "AttributeError: attribute 'gi_frame' is not available in a format in the sandbox"),
    "format_unbound": ("str.format('{0._x}', 1)", "AttributeError: attribute '_x' is not available in a format in the sandbox"),
    "format_of_subclass": ("class S(str): ...\nS('{0._x}').format(1)", "AttributeError: attribute '_x' is not available in a format in the sandbox"),
    "format_of_super": ("class S(str):\n    def f(self): return super().format(1)\nS('{0._x}').f()", "AttributeError: attribute '_x' is not available in a format in the sandbox"),
    "format_by_getattr": ("getattr('{0._x}', 'format')(1)", "AttributeError: attribute '_x' is not available in a format in the sandbox"),
    "attribute_error_object": ("try: (1).nope\nexcept AttributeError as e: e.obj", "AttributeError: attribute 'obj' of 'AttributeError' object is not available in the sandbox"),
    "write_module": ("import math\nmath.pi = 3", "AttributeError: attribute 'pi' of module 'math' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "update_module": ("import math\nmath.pi += 3", "AttributeError: attribute 'pi' of module 'math' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "delete_tool": ("del tools.get_order", "AttributeError: attribute 'get_order' of module 'tools' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "write_tool": ("setattr(get_order, 'x', 1)", "AttributeError: attribute 'x' of function 'get_order' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "write_library_class": ("import json\njson.JSONEncoder.default = 1", "AttributeError: attribute 'default' of class 'JSONEncoder' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "write_special": ("class A: ...\nsetattr(A, '__getattribute__', 1)", "AttributeError: attribute '__getattribute__' of class 'A' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "class_namespace": ("class A: ...\nvars(A)", "AttributeError: attribute '__dict__' of class 'A' is not available in the sandbox"),
    "withheld_name": ("import random\nrandom.SystemRandom", "AttributeError: 'SystemRandom' of module 'random' is not available in the sandbox"),
    "withheld_import": ("from string import Formatter", "AttributeError: 'Formatter' of module 'string' is not available in the sandbox"),
    "module_in_module": ("import json\njson.codecs", "AttributeError: 'codecs' of module 'json' is not available in the sandbox"),
    "annotations_of_function": ("def f(x: int): ...\ngetattr(f, '__annotations__')", "AttributeError: attribute '__annotations__' of function 'f' is not available in the sandbox"),
}  # fmt: skip
"""Programs that run into a rule, with the last line of their traceback."""


@pytest.mark.parametrize("name", DENIED)
def test_program_runs_into_a_rule(name: str, session: Interpreter) -> None:
    """A rule met at run time ends the program as an ordinary exception would, but counts as denied."""
    source, reason = DENIED[name]

    execution = session.run(source + "\n")

    assert ("denied", reason) == (execution.status, last_line(execution))


def test_missing_module_lists_those_available(session: Interpreter) -> None:
    """An import that is not available says what can be imported in its place."""
    execution = session.run("import os.path\n")

    assert execution.status == "denied"
    assert last_line(execution).startswith(
        "ModuleNotFoundError: module 'os.path' is not available in the sandbox; available: abc, ast, asyncio, "
    )


@pytest.mark.parametrize("module", ["os", "sys", "builtins", "socket", "inspect", "pickle", "threading", "ctypes"])
def test_module_with_reach_is_missing(module: str, session: Interpreter) -> None:
    """A module that leads out of the sandbox cannot be imported in any form, even by a star."""
    for statement in (
        f"import {module}",
        f"from {module} import *",
        f"import {module} as m",
        f"from {module} import x",
    ):
        assert session.run(statement).status == "denied"


ORDINARY = {
    "import": ("try:\n    import os\nexcept ImportError as e:\n    x = e.name\nx", "'os'"),
    "getattr_default": ("getattr(get_order, '__globals__', 'default')", "'default'"),
    "hasattr": ("hasattr(get_order, '__globals__'), hasattr(get_order, '__name__')", "(False, True)"),
    "type_name": ("try:\n    open('x')\nexcept NameError as e:\n    x = type(e).__name__\nx", "'NameError'"),
    "own_attribute_names": ("class A:\n    def format(self): return 1\nA().format()", "1"),
    "string_annotation": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: \"print('no')\" = 1\nA().x", "1"),
    "shadowed_tool": ("def get_order(n): return 'mine'\nget_order(1)", "'mine'"),
    "own_function_attribute": ("def f(): ...\nf.calls = 1\nf.calls += 1\nf.__doc__ = 'd'\nf.calls, f.__doc__", "(2, 'd')"),
    "type_is_type": ("type(int) is type, isinstance(int, type), type('') is str, repr(type)", "(True, True, True, \"<class 'type'>\")"),
    "enum_by_call": ("from enum import Enum, IntEnum\nE = Enum('E', 'a, b')\nE.a.name, E(2).name, IntEnum('P', {'x': 5}).x + 1", "('a', 'b', 6)"),
    "dir_of_tool": ("[n for n in dir(get_order) + dir(tools) if n.startswith('_')]", "[]"),
}  # fmt: skip
"""Programs that come near a rule and must run."""


@pytest.mark.parametrize("name", ORDINARY)
def test_program_near_a_rule_runs(name: str, session: Interpreter) -> None:
    """A denial is an ordinary exception to the program, and what is harmless is not denied."""
    source, value = ORDINARY[name]

    execution = session.run(source)

    assert ("ok", value, None) == (execution.status, execution.value, execution.error)


def test_refusal_shows_the_line_and_that_nothing_ran(session: Interpreter) -> None:
    """A refused program is shown in the form of a syntax error."""
    execution = session.run("x = 1\ny = x.__mro__\n")

    expected = (
        '  File "main.py", line 2\n    y = x.__mro__\n'
        "the attribute '__mro__' is not available in the sandbox\nThe program was not run."
    )
    assert expected == execution.error


def test_refusals_beyond_five_are_counted(session: Interpreter) -> None:
    """A program full of refusals is told of five, and how many more there are."""
    execution = session.run("\n".join(f"a{i}.__mro__" for i in range(8)))

    assert execution.error is not None
    assert "\n... and 3 more\n" in execution.error
