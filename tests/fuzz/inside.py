"""
The language layer without the walls around it, and an oracle that knows what no program may ever hold.

Runs in a process of its own, as the sandbox does: the child's modules change classes of the standard library.
"""

# ruff: noqa: E501, SIM905  # tables of names and fragments
from __future__ import annotations

import builtins
import contextlib
import io
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes.restricted.child import facade, guards, kinds, loggers, names, policy, tasks
from pytest_codeact.runtimes.restricted.child.facades import build_modules
from pytest_codeact.runtimes.restricted.child.streams import open_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 0.5
"""Longest run of one program."""

SECRET_KINDS = (guards.Guards, tasks.Loop, loggers.Hierarchy, types.FrameType, types.CodeType, types.CellType)
"""Classes of which no instance may be reached."""

SECRET_FUNCTIONS = frozenset(
    id(each)
    for each in (
        builtins.eval, builtins.exec, builtins.compile, builtins.open, builtins.input, builtins.getattr, builtins.setattr,
        builtins.delattr, builtins.vars, builtins.globals, builtins.locals, builtins.__import__, builtins.breakpoint,
        builtins.__build_class__, builtins.memoryview, io.open, sys._getframe, sys.settrace, sys.setprofile,
        object.__getattribute__, object.__setattr__, object.__delattr__,
        object.__reduce_ex__, type.__getattribute__, type.__setattr__, type.__subclasses__, str.format, str.format_map,
    )
)  # fmt: skip
"""Functions that may not be reached as they are."""

PLAIN = (type(None), bool, int, float, complex, str, bytes)
"""Classes whose instances lead to nothing but their like."""

METHODS = (types.MethodType, types.MethodWrapperType, types.BuiltinMethodType, types.WrapperDescriptorType)

SECRET_METHODS = frozenset(
    "__subclasses__ __getattribute__ __reduce__ __reduce_ex__ __getstate__ __sizeof__ format format_map".split()
)
"""Names of built-in methods that may not be reached bound to anything."""


class TooLongError(BaseException):
    """A program took longer than it may."""


class FoundError(BaseException):
    """A program holds what it must not."""


def secret(value: Any) -> str | None:  # noqa: PLR0911  # one answer to a kind
    """Say what an object is, if no program may hold it."""
    kind = type(value)
    if isinstance(value, types.ModuleType) and not issubclass(kind, facade.Facade):
        return f"the module {value.__name__}"
    if issubclass(kind, SECRET_KINDS):
        return f"a {kind.__name__}"
    if id(value) in SECRET_FUNCTIONS:
        return f"the function {value!r}"
    bound = kind in {types.BuiltinMethodType, types.MethodWrapperType} and not isinstance(
        value.__self__, types.ModuleType
    )
    if bound and value.__name__ in SECRET_METHODS:
        return f"the method {value!r:.80}"
    if isinstance(value, type) and issubclass(value, type):
        return f"the metaclass {value.__name__}"
    if kind is dict and id(value) in {id(vars(each)) for each in list(sys.modules.values())}:
        return "the namespace of a module"
    if kind is types.MappingProxyType and "__dict__" in value and "__module__" in value:
        return "the namespace of a class"
    return None


class Layer:
    """
    One interpreter: what a program is given, and what becomes of it.

    Args:
        frozen_clock: Seconds since the epoch at which its clock stands still. None for the machine's clock.
    """

    def __init__(self, *, frozen_clock: float | None = None) -> None:
        main = types.ModuleType("__main__")
        self.namespace = vars(main)
        modules: dict[str, types.ModuleType] = {}
        self._loop = tasks.Loop()
        self.guards = guards.Guards(self.namespace, modules, self._loop.awaitable)
        modules.update(build_modules(self._loop, self.guards, frozen_clock=frozen_clock))
        tools = facade.Facade("tools", {"get_order": _stub()}, (), unknown=lambda _name: kinds.UnknownFunction(_stub()))
        modules["tools"] = tools
        self.modules = modules
        self.builtins = self.guards.builtins()
        self.namespace.update(__builtins__=self.builtins, tools=tools, get_order=vars(tools)["get_order"], probe=_probe)
        self.main = main

    def run(self, source: str) -> str:
        """
        Run a program.

        Returns:
            "refused", "denied", the name of what it raised, or "ok".

        Raises:
            FoundError: It reached what it must not.
        """
        sys.modules["__main__"], before = self.main, sys.modules["__main__"]
        streams = sys.stdout, sys.stderr
        open_streams(lambda _text: 0)
        try:
            with _deadline():
                made = eval(policy.compile_program(source, "main.py@1", lambda _module: ()), self.namespace)  # noqa: S307  # what the layer is for
                if made is not None:
                    self._loop.run(made)
        except (TooLongError, FoundError, KeyboardInterrupt):
            raise
        except policy.RefusedError:
            return "refused"
        except kinds.DeniedError:
            return "denied"
        except BaseException as error:  # noqa: BLE001  # a program may raise anything
            return type(error).__name__
        finally:
            sys.stdout, sys.stderr = streams
            sys.modules["__main__"] = before
        return "ok"


def _stub() -> Any:
    def get_order(*_arguments: Any, **_keywords: Any) -> Any:
        return {"id": 1}

    return get_order


def _probe(*values: Any) -> Any:
    for value in values:
        found = secret(value)
        if found is None and type(value) in {list, tuple, set, frozenset}:
            found = next((each for each in map(secret, list(value)[:50]) if each), None)
        if found is None and type(value) is dict:
            found = next((each for each in map(secret, list(value.values())[:50]) if each), None)
        if found is not None:
            raise FoundError(found)
    return values[0] if values else None


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    def end(*_signal: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def crawl(layer: Layer, depth: int = 4) -> Iterator[tuple[str, str]]:
    """
    Follow every public attribute, as a program's native reads do, from everything that a program is given.

    Returns:
        The way to each thing that must not be reached, and what it is.
    """
    level: list[tuple[str, Any]] = [(name, each) for name, each in layer.modules.items()]
    level += [(name, each) for name, each in layer.builtins.items() if name.isidentifier() and "__" not in name]
    level += list(_samples(layer))
    seen: set[object] = set()
    for _ in range(depth):
        following: list[tuple[str, Any]] = []
        for path, value in level:
            if found := secret(value):
                yield path, found
                continue
            if (key := _key(value)) not in seen and type(value) not in PLAIN:
                seen.add(key)
                following += _read_all(layer, path, value)
        level = following


def _key(value: Any) -> object:
    # A bound method is made anew by every read, and instances of a class have the same attributes.
    if isinstance(value, (type, types.ModuleType, types.FunctionType)):
        return id(value)
    if type(value) in METHODS:
        return type(value), type(getattr(value, "__self__", None)), value.__name__
    return type(value)


def _read_all(layer: Layer, path: str, value: Any) -> Iterator[tuple[str, Any]]:
    known = set(dir(value)) | {"__class__", "__dict__", "__self__", "__globals__", "__wrapped__", "__func__", "__mro__"}
    for name in sorted(known):
        # What a native read would give is read by the guard where the policy says so.
        with contextlib.suppress(Exception):
            if names.needs_guard(name):
                yield f"{path}.{name}", layer.guards.read(value, name)
            else:
                yield f"{path}.{name}", getattr(value, name)


def _samples(layer: Layer) -> Iterator[tuple[str, Any]]:
    source = """
import asyncio, collections, contextlib, csv, dataclasses, datetime, decimal, enum, fractions, functools, io, json, logging
import pathlib, pprint, random, re, statistics, string, struct, textwrap, threading, traceback, uuid, weakref, zoneinfo
class A:
    def f(self): yield 1
@contextlib.contextmanager
def manager(): yield 1
async def coroutine(): yield 1
async def plain(): return 1
class E(enum.Enum):
    A = 1
@dataclasses.dataclass
class D:
    x: int = 1
try:
    1 / 0
except ZeroDivisionError as error:
    caught = error
    summary = traceback.extract_tb(error.__traceback__)
waiting = plain()
samples = [
    A(), A.f, A().f, A().f(), manager, manager(), coroutine(), waiting, E, E.A, D(), dataclasses.fields(D), caught, summary,
    asyncio.Event(), asyncio.Queue(), asyncio.Semaphore(), asyncio.sleep(1), asyncio.get_event_loop(), asyncio.timeout(1),
    logging.getLogger("x"), logging.Formatter(), logging.StreamHandler(), threading.Lock(), threading.RLock(),
    threading.Thread(), threading.Event(), pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), zoneinfo.ZoneInfo("UTC"),
    re.compile("a"), re.match("a", "a"), random.Random(1), string.Template("$a"), json.JSONEncoder(), json.JSONDecoder(),
    io.StringIO(), io.BytesIO(), csv.reader([]), csv.DictReader([]), decimal.getcontext(), decimal.localcontext(),
    datetime.datetime.now(), datetime.timezone.utc, functools.partial(print), functools.lru_cache(A), collections.UserDict(),
    collections.ChainMap(), collections.namedtuple("N", "a b")(1, 2), textwrap.TextWrapper(), pprint.PrettyPrinter(),
    uuid.uuid4(), weakref.ref(A), weakref.WeakSet(), functools.singledispatch(print), functools.singledispatchmethod(print),
    statistics.NormalDist(), struct.Struct("i"), contextlib.ExitStack(), contextlib.suppress(), contextlib.nullcontext(),
    contextlib.redirect_stdout(io.StringIO()), iter([]), map(str, []), zip(), (x for x in []), property(print), super(A, A()),
]
waiting.close()
"""
    assert layer.run(source) == "ok"
    for number, value in enumerate(layer.namespace["samples"]):
        yield f"sample {number} ({type(value).__name__})", value
