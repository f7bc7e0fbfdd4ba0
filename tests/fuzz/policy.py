"""
Looks for programs that reach what they must not: random ones, made of fragments that attack the language layer.

    python tests/fuzz/policy.py --seconds 600 --seed 1

Ends with status 1 and the programs, if there are any.
"""

# ruff: noqa: E402, E501, SIM905, T201  # tables of fragments; a script that sets its path and prints
from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from fuzz.inside import FoundError, Layer, TooLongError, crawl  # the path is set above

if TYPE_CHECKING:
    from collections.abc import Callable

SPECIAL = """__class__ __base__ __bases__ __mro__ __subclasses__ __globals__ __builtins__ __code__ __closure__ __dict__ __self__
    __func__ __wrapped__ __init__ __new__ __call__ __get__ __set__ __getattribute__ __getattr__ __setattr__ __reduce_ex__
    __module__ __traceback__ __cause__ __context__ __annotations__ __defaults__ __kwdefaults__ __loader__ __spec__ __import__
    __mro_entries__ __prepare__ __init_subclass__ __subclasshook__ __instancecheck__ __format__ __dir__ __slots__
    __match_args__ __dataclass_fields__ __members__ __origin__ __args__ __parameters__ __eq__ __hash__ __enter__ __exit__
    __name__ __qualname__ __doc__ __objclass__ __weakref__ __sizeof__ __set_name__ __class_getitem__ __iter__ __next__""".split()

INTERNAL = """gi_frame gi_code gi_yieldfrom cr_frame cr_await cr_code ag_frame ag_code tb_frame tb_next f_globals f_back f_builtins
    f_locals co_consts _loop _take _hierarchy _module _coroutine _items _fields _field_defaults _member_map_ _value2member_map_
    _missing_ _generate_next_value_ _dispatcher _record _call _os _randbelow _io _channel obj format format_map parser""".split()

PUBLIC = """gen func args kwds keywords real imag fget fset fdel start stop mro with_traceback exceptions split derive subgroup
    default_factory metadata type name value data maps cache_info cache_parameters cache_clear register dispatch registry stream
    formatter handlers root parent filters level queue get_loop get_coro get_stack stdout stderr path sep environ modules
    settrace exc_info write close send throw aclose athrow asend pop_all enter_context callback push decode encode sub subn
    pattern groups re match string from_file no_cache key hex int fields __x""".split()

ATOMS = """(1) '' 'x' b'' None () [] {} {1} 1.5 int str type object list tuple dict Exception get_order tools print getattr super
    (lambda:1) (i_for_i_in_[1]) A A() B() S('{0.__class__}') S('__class__') e g c m f t d D P N asyncio json re functools
    operator dataclasses enum typing types contextlib copy collections random string logging warnings traceback datetime
    pathlib threading weakref inspect_getdoc sys_exc() zoneinfo itertools io asyncio.Event() asyncio.sleep(1)
    asyncio.get_event_loop() logging.getLogger('x') functools.partial(getattr) pathlib.PurePosixPath('a') ExceptionGroup
    NotImplemented Ellipsis classmethod staticmethod property map(getattr,[A],['x']) type(A) type(json) type(e) type(t)
    globals() locals() vars() dir(A) typing.Type typing.Type[int] type[int] list[type] types.GeneratorType
    types.SimpleNamespace() contextlib.ExitStack() copy.copy""".replace("i_for_i_in_", " ").split()

ATOMIC = 0.35
"""How often an expression ends early: a long one almost always fails before it reaches anything."""

PRELUDE = """
import asyncio, json, re, functools, operator, dataclasses, enum, typing, types, contextlib, copy, collections, random, string
import logging, warnings, traceback, datetime, pathlib, weakref, zoneinfo, itertools, io
from threading import Thread
from inspect import getdoc as inspect_getdoc
from sys import exc_info as sys_exc
class S(str): pass
class A:
    x = 1
    def __init__(self): self.y = 2
    def f(self): return super()
class D:
    def __get__(self, instance, owner=None): return probe(instance, owner)
    def __set__(self, instance, value): probe(instance, value)
    def __set_name__(self, owner, name): probe(owner, name)
class B(A):
    d = D()
    def __getattr__(self, name): return probe(P)
    def __class_getitem__(cls, item): return probe(cls, item)
    def __init_subclass__(cls, **k): probe(cls, k)
    def __eq__(self, other): probe(other); return True
    def __hash__(self): return 1
    def __exit__(self, *a): probe(*a); return True
    def __enter__(self): return self
    def __format__(self, spec): return str(probe(spec))
    def __dir__(self): return ['__class__']
@dataclasses.dataclass
class P:
    a: int = 1
    b: object = None
N = typing.NamedTuple('N', [('a', int)])
@contextlib.contextmanager
def cm(): yield 1
def gen(): yield 1
async def co(): return 1
g, m, f = gen(), cm(), gen
try:
    1 / 0
except Exception as error:
    e, t = error, sys_exc()[2]
d = {'a': 1}
c = D
"""


class Grammar:
    """
    Makes programs.

    Args:
        chance: Where the choices come from.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def program(self) -> str:
        """Make a program of one statement: one that is refused would take others with it."""
        return self._statement() + "\n"

    def _name(self) -> str:
        chance = self._chance
        # Most special names are refused before anything runs; too many of them, and nothing does.
        return chance.choice(chance.choices([SPECIAL, INTERNAL, PUBLIC], [1, 3, 6])[0])

    def _text(self) -> str:
        name = self._chance.choice(self._chance.choice([SPECIAL, INTERNAL, PUBLIC]))
        cut = self._chance.randint(0, len(name))
        return self._chance.choice(
            [f"'{name}'", f"S('{name}')", f"'{name[:cut]}' + '{name[cut:]}'", f"f'{{\"{name}\"}}'"]
        )

    def _statement(self) -> str:
        one, other, name = self._expression(), self._expression(2), self._name()
        forms = [
            f"probe({one})",
            f"probe({one})",
            f"probe({one}, {other})",
            f"x = {one}\nprobe(x)",
            f"try:\n    probe({one})\nexcept Exception as err:\n    probe(err.{name})",
            f"match {one}:\n    case object({name}=v): probe(v)",
            f"match {one}:\n    case {{'a': v, **w}}: probe(v, w)\n    case [v, *w]: probe(v, w)\n    case v: probe(v)",
            f"with {one} as v: probe(v)",
            f"for v in {one}:\n    probe(v); break",
            f"class X({one}):\n    y = {other}\nprobe(X)",
            f"class X(A):\n    {name} = {other}\nprobe(X, X().{self._name()})",
            f"class X(B, metaclass={one}): pass",
            f"class X:\n    def {name}(self, *a): probe(*a); return {other}\nprobe(X(), {one} == X(), copy.copy(X()))",
            f"class X(type({one})):\n    def f(self): return probe(self.{name}, super().{self._name()})\nX().f()",
            f"@{one}\ndef h(v={other}): return v\nprobe(h, h())",
            f"{one}.{name} = {other}\nprobe({one})",
            f"setattr({one}, {self._text()}, {other})\nprobe({one})",
            f"B().d = {one}",
            f"async def h():\n    async with {one} as v: probe(v)\n    probe(await {other})\nasyncio.run(h())",
            f"def h():\n    v = yield {one}\n    probe(v)\nx = h(); next(x); x.send({other})",
            f"del {one}.{name}",
        ]
        return self._chance.choice(forms)

    def _expression(self, depth: int = 3) -> str:
        if depth <= 0 or self._chance.random() < ATOMIC:
            return self._chance.choice(ATOMS)
        makers = [self._attribute, self._call, self._reading, self._reading, self._made]
        make: Callable[[int], str] = self._chance.choice(makers)
        return make(depth - 1)

    def _attribute(self, depth: int) -> str:
        return f"{self._expression(depth)}.{self._name()}"

    def _call(self, depth: int) -> str:
        one = self._expression(depth)
        arguments = [self._expression(depth - 1) for _ in range(self._chance.choice([0, 0, 1, 1, 2, 3]))]
        return f"{one}({', '.join(arguments)})"

    def _reading(self, depth: int) -> str:
        one, text = self._expression(depth), self._text()
        forms = [
            f"getattr({one}, {text})",
            f"getattr({one}, {text}, None)",
            f"operator.attrgetter({text})({one})",
            f"operator.methodcaller({text})({one})",
            f"functools.reduce(getattr, [{text}, {self._text()}], {one})",
            f"list(map(getattr, [{one}], [{text}]))",
            f"vars({one})",
            f"dir({one})",
            f"type({one})",
            f"object.__getattribute__({one}, {text})",
            f"super(type({one}), {one})",
            f"inspect_getdoc({one})",
            f"copy.copy({one})",
            f"typing.get_args({one})",
            f"typing.get_origin({one})",
        ]
        return self._chance.choice(forms)

    def _made(self, depth: int) -> str:
        one, name = self._expression(depth), self._name()
        forms = [
            f"'{{0.{name}}}'.format({one})",
            f"str.format('{{0[{name}]}}', {one})",
            f"S('{{0.{name}.{self._name()}}}').format({one})",
            f"getattr('{{0.{name}}}', 'format')",
            f"f'{{{one}!r:{{{self._expression(0)}}}}}'",
            f"functools.partial({one})",
            f"functools.wraps({one})(lambda: 1)",
            f"functools.singledispatch({one})",
            f"functools.cached_property({one}).__get__(B(), B)",
            f"property({one})",
            f"type({one})('X', (), {{}})",
            f"types.MappingProxyType({one}) == B()",
            f"types.SimpleNamespace(**{{'{name}': {one}}}).{name}",
            f"enum.Enum('E', {{'{name}': {one}}})",
            f"collections.namedtuple('N', ['{name}'])({one})",
            f"dataclasses.replace({one})",
            f"dataclasses.fields({one})",
            f"json.dumps({one}, default=lambda v: probe(v))",
            f"sorted([{one}, B()], key=probe)",
            f"weakref.ref({one})()",
            f"contextlib.ExitStack().enter_context({one})",
            f"warnings.catch_warnings({one})",
            f"logging.Formatter('{{msg.{name}}}', style='{{').format(logging.LogRecord('n', 1, 'p', 1, {one}, (), None))",
            f"traceback.TracebackException(type(e), e, t).{name}",
            f"[v for v in [{one}] if probe(v)]",
            f"(v := {one})",
            f"[*{one}]",
            f"{one}[{self._expression(0)}]",
        ]
        return self._chance.choice(forms)


def fuzz(seed: int, *, seconds: float | None = None, programs: int | None = None) -> tuple[Counter[str], list[str]]:
    """
    Run programs until the time is over or there were enough.

    Returns:
        How many ended in which way, and the programs that reached something, with what it was.
    """
    grammar = Grammar(random.Random(seed))
    ends: Counter[str] = Counter()
    found: list[str] = []
    end_s = None if seconds is None else time.monotonic() + seconds
    layer = _fresh()
    while (end_s is None or time.monotonic() < end_s) and (programs is None or ends.total() < programs):
        if ends.total() % 500 == 499:
            layer = _fresh()
        source = grammar.program()
        try:
            ends[layer.run(source)] += 1
        except FoundError as error:
            ends["found"] += 1
            found.append(f"# reached {error}\n{source}")
        except TooLongError:
            ends["too long"] += 1
    return ends, found


def _fresh() -> Layer:
    layer = Layer()
    end = layer.run(PRELUDE)
    if end != "ok":
        raise SystemExit(f"the beginning of every program does not run: {end}")
    return layer


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long to look")
    parser.add_argument("--programs", type=int, help="how many programs to try")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins")
    parser.add_argument("--depth", type=int, default=3, help="attributes to follow from what a program is given")
    chosen = parser.parse_args()
    found = [f"# reached {what}\n{path}" for path, what in crawl(Layer(), chosen.depth)]
    ends, reached = fuzz(chosen.seed, seconds=chosen.seconds, programs=chosen.programs)
    found += reached
    print(f"{ends.total()} programs: {', '.join(f'{count} {end}' for end, count in ends.most_common())}")
    print("\n\n".join(found) if found else "nothing reached")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
