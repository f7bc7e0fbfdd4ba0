"""
The modules a program may import: fresh module objects that hold the names listed here and nothing else.

A real module must never be handed out. Public names of many lead to `sys` and `os` (`json.codecs.builtins`,
`re.enum.sys`), and from there everywhere. Add a name only after reading what it reaches: a function that
evaluates strings, reads attributes by name in C or takes a namespace stays out.
"""

from __future__ import annotations

# Imported by C code at the first call of strptime, when no import is possible any more.
import _strptime  # type: ignore[import-not-found]  # noqa: F401  # loaded for its effect; typeshed leaves it out
import abc
import ast
import base64
import binascii
import bisect
import calendar
import cmath
import collections
import collections.abc
import contextlib
import copy
import csv
import dataclasses
import datetime  # noqa: ICN001  # a row of the table, like the others
import decimal
import difflib
import enum
import fractions
import functools
import graphlib
import hashlib
import heapq
import hmac
import html
import http
import io
import itertools
import json
import math
import numbers
import operator
import pathlib
import pprint
import random
import re
import statistics
import string
import struct
import textwrap
import threading
import time
import traceback
import types
import typing
import unicodedata
import urllib.parse
import uuid
import warnings
import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.runtimes.restricted.child.asyncio import Asyncio
from pytest_codeact.runtimes.restricted.child.clock import Clock
from pytest_codeact.runtimes.restricted.child.dispatch import singledispatch, singledispatchmethod
from pytest_codeact.runtimes.restricted.child.facade import Facade
from pytest_codeact.runtimes.restricted.child.futures import futures_names
from pytest_codeact.runtimes.restricted.child.kinds import AbstractMeta, DeniedCallError, Type
from pytest_codeact.runtimes.restricted.child.loggers import logging_names
from pytest_codeact.runtimes.restricted.child.system import system_modules
from pytest_codeact.runtimes.restricted.child.threads import threading_names
from pytest_codeact.runtimes.restricted.child.trace import traceback_names
from pytest_codeact.runtimes.restricted.child.warn import warnings_names
from pytest_codeact.runtimes.restricted.child.zones import zoneinfo_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_codeact.runtimes.restricted.child.guards import Guards
    from pytest_codeact.runtimes.restricted.child.tasks import Loop

_NAMES: Final[Mapping[ModuleType, str]] = {
    abc: "ABC abstractmethod",
    ast: "literal_eval",
    base64: """b64encode b64decode urlsafe_b64encode urlsafe_b64decode standard_b64encode standard_b64decode b32encode
        b32decode b16encode b16decode b85encode b85decode""",
    binascii: "hexlify unhexlify crc32 b2a_hex a2b_hex b2a_base64 a2b_base64 Error",
    bisect: "bisect bisect_left bisect_right insort insort_left insort_right",
    calendar: """isleap leapdays monthrange monthcalendar weekday timegm day_name day_abbr month_name month_abbr MONDAY
        TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY Calendar TextCalendar month calendar""",
    collections: "Counter OrderedDict defaultdict deque namedtuple ChainMap UserDict UserList UserString",
    collections.abc: """Awaitable AsyncGenerator AsyncIterable AsyncIterator Callable Collection Container Coroutine
        Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping MutableSequence
        MutableSet Reversible Sequence Set Sized ValuesView""",
    contextlib: """AbstractContextManager AsyncExitStack ExitStack ContextDecorator asynccontextmanager closing
        contextmanager nullcontext redirect_stderr redirect_stdout suppress""",
    copy: "copy deepcopy",
    csv: """reader writer DictReader DictWriter QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC excel excel_tab
        unix_dialect Dialect Error""",
    dataclasses: "field fields asdict astuple replace is_dataclass Field FrozenInstanceError InitVar KW_ONLY MISSING",
    datetime: "date datetime time timedelta timezone tzinfo UTC MINYEAR MAXYEAR",
    decimal: """Decimal Context getcontext setcontext localcontext BasicContext DefaultContext
        ExtendedContext ROUND_05UP ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN
        ROUND_HALF_UP ROUND_UP DecimalException Clamped DivisionByZero FloatOperation Inexact InvalidOperation
        Overflow Rounded Subnormal Underflow""",
    difflib: "SequenceMatcher Differ get_close_matches ndiff unified_diff context_diff",
    enum: "Enum IntEnum StrEnum Flag IntFlag auto unique verify member nonmember UNIQUE CONTINUOUS",
    fractions: "Fraction",
    functools: """cache cached_property cmp_to_key lru_cache partial partialmethod reduce total_ordering""",
    graphlib: "TopologicalSorter CycleError",
    hashlib: "blake2b blake2s md5 new sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512",
    heapq: "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    hmac: "new digest compare_digest",
    html: "escape unescape",
    http: "HTTPStatus HTTPMethod",
    io: "StringIO BytesIO",
    json: "dumps loads dump load JSONDecodeError JSONEncoder JSONDecoder",
    numbers: "Number Complex Real Rational Integral",
    pathlib: "PurePath PurePosixPath PureWindowsPath",
    pprint: "pformat pp pprint PrettyPrinter isreadable isrecursive saferepr",
    random: """Random betavariate choice choices expovariate gammavariate gauss getrandbits getstate lognormvariate
        normalvariate paretovariate randbytes randint random randrange sample seed setstate shuffle triangular uniform
        vonmisesvariate weibullvariate""",
    re: """compile match fullmatch search sub subn split findall finditer escape error Pattern Match RegexFlag A ASCII I
        IGNORECASE M MULTILINE S DOTALL X VERBOSE U UNICODE NOFLAG""",
    statistics: """NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean
        linear_regression mean median median_grouped median_high median_low mode multimode pstdev pvariance quantiles
        stdev variance""",
    string: """ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation
        whitespace Template""",
    struct: "calcsize error iter_unpack pack unpack unpack_from Struct",
    time: """asctime ctime gmtime localtime mktime monotonic monotonic_ns perf_counter perf_counter_ns
        process_time strftime strptime struct_time time time_ns timezone""",
    textwrap: "TextWrapper dedent fill indent shorten wrap",
    types: "GeneratorType MappingProxyType NoneType SimpleNamespace",
    typing: """Annotated Any AnyStr Awaitable AsyncGenerator AsyncIterable AsyncIterator Callable ChainMap ClassVar
        Collection Container ContextManager Coroutine Counter DefaultDict Deque Dict Final FrozenSet Generator Generic
        Hashable ItemsView Iterable Iterator KeysView List Literal LiteralString Mapping MutableMapping
        MutableSequence MutableSet NamedTuple Never NewType NoReturn NotRequired Optional OrderedDict ParamSpec Protocol
        ReadOnly Required Reversible Self Sequence Set Sized SupportsFloat SupportsInt TYPE_CHECKING Text Tuple Type
        TypeAlias TypeGuard TypeVar TypedDict Union Unpack ValuesView assert_never cast final get_args is_typeddict
        overload override runtime_checkable""",
    urllib.parse: """parse_qs parse_qsl quote quote_plus unquote unquote_plus urldefrag urlencode urljoin urlparse
        urlsplit urlunparse urlunsplit""",
    uuid: "UUID uuid3 uuid5 NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500",
    weakref: "ref WeakKeyDictionary WeakSet WeakValueDictionary",
}
"""The names given as they are, by module. A name that this version of Python lacks is left out."""

_WHOLE: Final = (cmath, itertools, math, operator, unicodedata)
"""Modules written in C, or nearly: every public name is a function, a number or a class without secrets."""


def build_modules(loop: Loop, guards: Guards, *, frozen_clock: float | None = None) -> dict[str, ModuleType]:
    """
    Build every module of an interpreter but `tools`.

    Args:
        loop: The program's loop and clock.
        guards: How its attributes are read and written.
        frozen_clock: Seconds since the epoch at which its clock stands still. None for the machine's clock.

    Returns:
        The modules by dotted name, packages included.
    """
    clock = Clock(loop, frozen_clock)
    if frozen_clock is not None:
        loop.stand_still()
    changed = _changed(clock, guards)
    modules: dict[str, ModuleType] = {}
    for real in (*_NAMES, *_WHOLE):
        listed = dir(real) if real in _WHOLE else _NAMES[real].split()
        held = {name: getattr(real, name) for name in listed if not name.startswith("_") and hasattr(real, name)}
        modules[real.__name__] = Facade(real.__name__, {**held, **changed.get(real, {})}, dir(real))
    modules.update({name: Facade(name, held, withheld) for name, (held, withheld) in _made(loop, clock).items()})
    modules.update(system_modules(guards))
    modules["concurrent"] = Facade("concurrent", {"futures": modules["concurrent.futures"]}, ())
    modules["urllib"] = Facade("urllib", {"parse": modules["urllib.parse"]}, ("request", "error", "response"))
    modules["typing_extensions"] = Facade("typing_extensions", _public(modules["typing"]), ())
    vars(modules["collections"])["abc"] = modules["collections.abc"]
    return modules


def _made(loop: Loop, clock: Clock) -> dict[str, tuple[dict[str, Any], Iterable[str]]]:
    """Give, by name, the modules of which nothing is real, and what of the real ones is withheld."""
    # What awaits nothing and what a garbage collection meets is told by the real module, to nobody.
    warnings.simplefilter("ignore")
    return {
        "asyncio": (Asyncio(loop).names(), ("subprocess", "open_connection", "start_server")),
        "concurrent.futures": (futures_names(), ("ProcessPoolExecutor",)),
        "logging": (logging_names(clock.time_s), ("FileHandler", "handlers", "config", "Manager")),
        "threading": (threading_names(), dir(threading)),
        "traceback": (traceback_names(), dir(traceback)),
        "warnings": (warnings_names(), dir(warnings)),
        "zoneinfo": (zoneinfo_names(), ("TZPATH", "reset_tzpath")),
    }


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: each for name, each in vars(module).items() if not name.startswith("_")}


def _changed(clock: Clock, guards: Guards) -> dict[ModuleType, dict[str, Any]]:
    """Give, by module, what stands in for a name that must not be given as it is."""
    return {
        abc: {"ABCMeta": AbstractMeta},
        dataclasses: {"dataclass": _dataclass},
        datetime: clock.datetime_names(),
        enum: _enum_names(),
        functools: {
            **_wrapping_names(guards),
            "singledispatch": singledispatch,
            "singledispatchmethod": singledispatchmethod,
        },
        operator: _operator_names(guards),
        time: clock.time_names(),
        typing: {"get_origin": _get_origin},
        uuid: {"uuid4": lambda: uuid.UUID(int=random.getrandbits(128), version=4)},
    }


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    def decorate(decorated: Any) -> Any:
        # Its fields would be read by position in a pattern, raw `str.format` among them.
        if issubclass(decorated, str):
            raise DeniedCallError(f"dataclass {decorated.__name__!r} cannot be a str in the sandbox")
        return dataclasses.dataclass(**options)(decorated)

    return decorate if cls is None else decorate(cls)


def _enum_names() -> dict[str, Any]:
    # Enum("Name", members) would take any special method for a member. What a program cannot reach is replaced in
    # place: the classes must stay the ones that programs inherit from.
    create = enum.EnumType._create_  # type: ignore[attr-defined]  # the one door of the call form

    def checked(cls: type, class_name: str, names: Any, **options: Any) -> Any:
        if isinstance(names, str):
            names = names.replace(",", " ").split()
        members = list(names.items() if isinstance(names, collections.abc.Mapping) else names)
        for member in members:
            name = member if isinstance(member, str) else member[0]
            if not isinstance(name, str) or name.startswith("_"):
                raise DeniedCallError(f"enum member {name!r} is not available in the sandbox; write a class statement")
        return create(cls, class_name, members, **options)

    enum.EnumType._create_ = checked  # type: ignore[attr-defined]  # see above
    return {}


def _wrapping_names(guards: Guards) -> dict[str, Any]:
    # The real ones copy any attribute they are told to.
    def update_wrapper(wrapper: Any, wrapped: Any) -> Any:
        for name in ("__name__", "__qualname__", "__doc__"):
            if guards.hasattr(wrapped, name):
                guards.setattr(wrapper, name, guards.read(wrapped, name))
        return wrapper

    def wraps(wrapped: Any) -> Callable[[Any], Any]:
        return lambda wrapper: update_wrapper(wrapper, wrapped)

    return {"update_wrapper": update_wrapper, "wraps": wraps}


def _operator_names(guards: Guards) -> dict[str, Any]:
    # The real ones read attributes in C.
    def follow(owner: Any, dotted: str) -> Any:
        for name in dotted.split("."):
            owner = guards.read(owner, name)
        return owner

    def attrgetter(*names: str) -> Callable[[Any], Any]:
        if len(names) == 1:
            return lambda owner: follow(owner, names[0])
        return lambda owner: tuple(follow(owner, name) for name in names)

    def methodcaller(name: str, /, *arguments: Any, **keywords: Any) -> Callable[[Any], Any]:
        return lambda owner: guards.read(owner, name)(*arguments, **keywords)

    return {"attrgetter": attrgetter, "methodcaller": methodcaller}


def _get_origin(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    return Type if isinstance(origin, type) and issubclass(origin, type) else origin
