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
    "dunder_name": ("__builtins__", "the name '__builtins__' is not available in the sandbox, as few names of the form __x__ are"),
    "assign_name": ("__name__ = 'x'", "the name '__name__' is not available in the sandbox, as few names of the form __x__ are"),
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
    "get_attribute": ("class A:\n    def __getattribute__(self, n): ...", "the method '__getattribute__' cannot be defined in the sandbox: it would lie about what an object is; define __getattr__"),
    "reduce": ("class A:\n    def __reduce__(self): ...", "the method '__reduce__' cannot be defined in the sandbox: copying would set any attribute of any object; use dataclasses.replace or a method"),
    "unknown_method": ("class A:\n    def __nope__(self): ...", "the method '__nope__' cannot be defined in the sandbox"),
    "any_form": ("class A:\n    def __setattr__(self, *a, **k): ...", "the method '__setattr__' must take exactly (self, name, value) in the sandbox"),
    "short_form": ("class A:\n    def __set__(self, i): ...", "the method '__set__' must take exactly (self, instance, value) in the sandbox"),
    "form_by_lambda": ("class A:\n    __getattr__ = lambda s, n: 1", "the name '__getattr__' is not available in the sandbox, as few names of the form __x__ are"),
    "form_in_coroutine": ("class A:\n    async def __del__(self): ...", "the method '__del__' must take exactly (self) in the sandbox"),
    "form_of_function": ("def __getattr__(name): ...", "the method '__getattr__' cannot be defined in the sandbox"),
    "special_function": ("def __init__(self): ...", "the method '__init__' cannot be defined in the sandbox"),
    "match_args": ("class A:\n    __match_args__ = ('__globals__',)", "__match_args__ must list plain names as literals in the sandbox"),
    "match_private": ("class A:\n    __match_args__ = ('_x',)", "__match_args__ must list plain names as literals in the sandbox"),
    "pattern_parser": ("match 1:\n    case object(parser=p): ...", "the attribute 'parser' is not available in a pattern in the sandbox"),
    "match_format": ("class A(str):\n    __match_args__ = ('format',)", "__match_args__ must list plain names as literals in the sandbox"),
    "computed_match_args": ("class A:\n    __match_args__ = tuple('x')", "__match_args__ must list plain names as literals in the sandbox"),
    "annotated_slot": ("class A:\n    __slots__: tuple = ('__class__',)", "__slots__ must list plain names as literals in the sandbox"),
    "slot_in_if": ("class A:\n    if True:\n        __slots__ = ('__class__',)", "the name '__slots__' is not available in the sandbox, as few names of the form __x__ are"),
    "slot_in_tuple": ("class A:\n    __slots__, x = ('__class__',), 1", "the name '__slots__' is not available in the sandbox, as few names of the form __x__ are"),
    "slot_by_walrus": ("class A:\n    (__slots__ := ('__class__',))", "the name '__slots__' is not available in the sandbox, as few names of the form __x__ are"),
    "slot_by_loop": ("class A:\n    for __slots__ in [('__class__',)]: ...", "the name '__slots__' is not available in the sandbox, as few names of the form __x__ are"),
    "special_assignment": ("class A:\n    __getattribute__ = dict.get", "the name '__getattribute__' is not available in the sandbox, as few names of the form __x__ are"),
    "version_in_function": ("def f():\n    __version__ = 1", "the name '__version__' is not available in the sandbox, as few names of the form __x__ are"),
    "bare_module": ("import sys\nprint(sys)", "the module 'sys' can only be used by its attributes in the sandbox"),
    "bare_alias": ("import os as o\nx = o", "the module 'o' can only be used by its attributes in the sandbox"),
    "bare_submodule": ("from os import path\nprint(path)", "the module 'path' can only be used by its attributes in the sandbox"),
    "bare_in_function": ("import threading\ndef f(): return threading", "the module 'threading' can only be used by its attributes in the sandbox"),
    "computed_of_module": ("import sys\ngetattr(sys, 'mod' + 'ules')", "the module 'sys' can only be used by its attributes in the sandbox"),
    "environment": ("import os\nprint(os.environ)", "os.environ can only be read by key in the sandbox; there is no environment"),
    "environment_loop": ("import os\nfor k in os.environ: ...", "os.environ can only be read by key in the sandbox; there is no environment"),
    "traceback_value": ("e = ValueError()\nt = e.__traceback__", "the attribute '__traceback__' is only available to the functions of traceback"),
    "traceback_frame_of_error": ("e = ValueError()\ne.__traceback__.tb_frame", "the attribute 'tb_frame' is not available in the sandbox"),
    "traceback_to_print": ("e = ValueError()\nprint(e.__traceback__)", "the attribute '__traceback__' is only available to the functions of traceback"),
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
    "withheld_import": ("from string import Formatter", "ImportError: cannot import name 'Formatter' from 'string': it is not available in the sandbox"),
    "module_in_module": ("import json\njson.codecs", "AttributeError: 'codecs' of module 'json' is not available in the sandbox"),
    "subclass_of_ours": ("import asyncio\nclass S(type(asyncio.Event())): ...", "NameError: class 'S' cannot be derived from 'Event' in the sandbox"),
    "subclass_of_module": ("import json\nclass S(type(json)): ...", "NameError: class 'S' cannot be derived from 'Facade' in the sandbox"),
    "private_by_getattr": ("import random\nclass R(random.Random):\n    __slots__ = ()\n    def __getattr__(self, n): return {'_randbelow': 1}\nR()._randbelow", "AttributeError: attribute '_randbelow' of 'R' object is not available in the sandbox"),
    "module_reinitialised": ("import json\njson.__init__('json', {}, ())", "AttributeError: attribute '__init__' of module 'json' is not available in the sandbox"),
    "set_on_library": ("import json\nobject.__setattr__(json.JSONEncoder(), 'x', 1)", "AttributeError: attribute 'x' of 'JSONEncoder' object cannot be changed in the sandbox; only objects of the program's own classes can"),
    "set_by_type": ("import json\ndict.__setattr__(json, 'dumps', 1)", "AttributeError: attribute 'dumps' of module 'json' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "set_class_by_super": ("class A:\n    def f(self): super().__setattr__('__class__', int)\nA().f()", "AttributeError: attribute '__class__' of 'A' object cannot be changed in the sandbox; only objects of the program's own classes can"),
    "delete_by_type": ("import math\nobject.__delattr__(math, 'pi')", "AttributeError: attribute 'pi' of module 'math' cannot be changed in the sandbox; only objects of the program's own classes can"),
    "descriptor_of_function": ("def f(): ...\nf.__get__(1)", "AttributeError: attribute '__get__' of function 'f' is not available in the sandbox"),
    "group": ("ExceptionGroup('g', [ValueError()])", "NameError: ExceptionGroup() is not available in the sandbox: collect errors in a list"),
    "subclass_of_group": ("class G(ExceptionGroup): ...\nG('g', [ValueError()])", "NameError: ExceptionGroup() is not available in the sandbox: collect errors in a list"),
    "environment_key": ("import os\nos.environ['HOME']", "KeyError: 'HOME: there is no environment in the sandbox; write the value into the program'"),
    "modules": ("import sys\nsys.modules", "AttributeError: 'modules' of module 'sys' is not available in the sandbox"),
    "frame_of_sys": ("from sys import _getframe", "ImportError: cannot import name '_getframe' from 'sys': it is not available in the sandbox"),
    "trace": ("import sys\nsys.settrace(print)", "AttributeError: 'settrace' of module 'sys' is not available in the sandbox"),
    "standard_input": ("import sys\nsys.stdin.read()", "AttributeError: 'stdin' of module 'sys' is not available in the sandbox"),
    "system": ("import os\nos.system('true')", "AttributeError: 'system' of module 'os' is not available in the sandbox"),
    "real_path": ("from pathlib import Path", "ImportError: cannot import name 'Path' from 'pathlib': it is not available in the sandbox"),
    "garbage": ("import gc\ngc.get_objects()", "AttributeError: 'get_objects' of module 'gc' is not available in the sandbox"),
    "log_file": ("import logging\nlogging.basicConfig(filename='x.log')", "NameError: logging to a file is not available in the sandbox: there are no files; leave filename out"),
    "dispatch_by_text": ("import functools\n@functools.singledispatch\ndef f(x): ...\n@f.register\ndef g(x: \"print('no')\"): ...", "NameError: the annotation \"print('no')\" is not available in the sandbox; use @register(some_class)"),
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
    execution = session.run("import shutil\n")

    assert execution.status == "denied"
    assert last_line(execution).startswith(
        "ModuleNotFoundError: module 'shutil' is not available in the sandbox; available: abc, ast, asyncio, "
    )


@pytest.mark.parametrize(
    "module", ["subprocess", "builtins", "socket", "importlib", "pickle", "multiprocessing", "ctypes", "shutil"]
)
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
    "import": ("try:\n    import shutil\nexcept ImportError as e:\n    x = e.name\nx", "'shutil'"),
    "dict_of_attributes": ("class D(dict):\n    __getattr__ = dict.get\n    __setattr__ = dict.__setitem__\n    __delattr__ = dict.__delitem__\nd = D(a=1)\nd.b = 2\ndel d.a\nd, d.zz", "({'b': 2}, None)"),
    "form_by_position": ("class A:\n    def __setattr__(self, *args): raise AttributeError('fixed')\n    def __delattr__(self, *_): raise AttributeError\ntry:\n    A().x = 1\nexcept AttributeError as e:\n    x = str(e)\nx", "'fixed'"),
    "attribute_of_module": ("import sys\nhasattr(sys, 'exit'), getattr(sys, 'frozen', False), hasattr(sys, 'modules')", "(True, False, False)"),
    "environment_by_key": ("import os\nos.environ.get('X', 1), os.getenv('X'), 'X' in os.environ", "(1, None, False)"),
    "tools_can_be_listed": ("hasattr(tools, 'get_order'), callable(getattr(tools, 'get_order'))", "(True, True)"),
    "logger_settings": ("import logging\nlog = logging.getLogger('x')\nlog.propagate = False\nlog.propagate", "False"),
    "own_getattr_lies_to_nobody": ("class A:\n    __slots__ = ()\n    def __getattr__(self, n): return {'_x': 1}\nA()._x", "{'_x': 1}"),
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


def test_format_of_a_log_reads_no_attribute(session: Interpreter) -> None:
    """A format of logging is held to the rule of `str.format`; what is wrong with it ends no program."""
    source = "import logging\nlogging.basicConfig(format='{msg.__class__}', style='{')\nlogging.error('x')\n"

    execution = session.run(source)

    assert execution.status == "ok"
    assert "AttributeError: attribute '__class__' is not available in a format in the sandbox" in execution.output


def test_instance_is_no_base(session: Interpreter) -> None:
    """An object of the program's own cannot stand for a class: it could name other bases the second time it is asked."""
    execution = session.run("class A:\n    def __getattr__(self, n): return lambda *a: ()\nclass B(A()): ...\n")

    assert (execution.status, last_line(execution)) == (
        "error",
        "TypeError: bases of class 'B' must be classes, not 'A' object",
    )


def test_error_of_a_finaliser_is_told(session: Interpreter) -> None:
    """What `__del__` raises ends nothing, and is shown with the program's own lines alone."""
    execution = session.run("class A:\n    def __del__(self): 1 / 0\na = A()\ndel a\nprint('on')\n")

    assert execution.status == "ok"
    assert execution.output.startswith("Exception ignored in: <function A.__del__ at 0x")
    assert '\n  File "main.py", line 2, in __del__\n' in execution.output
    assert execution.output.endswith("ZeroDivisionError: division by zero\non\n")


def test_traceback_of_a_file_reads_no_file(session: Interpreter) -> None:
    """The class of a traceback's frames looks nothing up: the real one would read any file by its name."""
    source = "import traceback\ntraceback.FrameSummary('/etc/passwd', 1, 'f', None).line\n"

    assert session.run(source).value is None


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
