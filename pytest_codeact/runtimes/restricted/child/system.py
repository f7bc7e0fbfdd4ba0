"""
What a program finds as `sys`, `os`, `platform`, `locale` and the like: what can be said of a process that has no
files, no environment and no others beside it.
"""

from __future__ import annotations

import base64
import gc
import hmac
import inspect
import locale
import os.path
import platform
import random
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from pytest_codeact.runtimes.restricted.child.facade import Facade
from pytest_codeact.runtimes.restricted.child.kinds import DeniedKeyError

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_codeact.runtimes.restricted.child.guards import Guards

_MOST_FRAMES: Final = 5000
"""Highest limit of recursion that a program may set: what C code nests within it must fit the stack."""

_SYS: Final = """byteorder exc_info exception exit float_info getdefaultencoding getfilesystemencoding getrecursionlimit
    getrefcount getsizeof hexversion int_info intern maxsize maxunicode platform version version_info"""

_OS: Final = "altsep curdir devnull extsep linesep name pardir pathsep sep"

_OS_PATH: Final = """altsep basename commonpath commonprefix curdir dirname extsep isabs join normcase normpath pardir
    pathsep sep split splitext"""

_LOCALE: Final = """LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_MONETARY LC_NUMERIC LC_TIME Error atof atoi currency
    delocalize format_string localeconv localize str strcoll strxfrm"""

_INSPECT: Final = """cleandoc isabstract isasyncgen isasyncgenfunction isawaitable isbuiltin isclass iscoroutine
    iscoroutinefunction isfunction isgenerator isgeneratorfunction ismethod ismodule isroutine"""


_PLATFORM: Final = {name: getattr(platform, name)() for name in ("system", "machine", "python_implementation")}
"""Asked when the module is imported: later there is no system to ask."""


class System(Facade):
    """
    The module `sys`. Its streams are the real ones, which a program may replace.

    Attributes:
        REPLACEABLE: Names of those.
    """

    REPLACEABLE: ClassVar = frozenset({"stdout", "stderr"})

    @property
    def stdout(self) -> Any:
        """Standard output, or what the program put in its place."""
        return sys.stdout

    @stdout.setter
    def stdout(self, stream: Any) -> None:
        sys.stdout = stream

    @property
    def stderr(self) -> Any:
        """Standard error, or what the program put in its place."""
        return sys.stderr

    @stderr.setter
    def stderr(self, stream: Any) -> None:
        sys.stderr = stream


class Environment:
    """The environment: there is none, so a variable is what a program takes one for that is not set."""

    __slots__ = ()

    def get(self, _name: str, default: Any = None) -> Any:
        """Give the default."""
        return default

    def __contains__(self, name: object) -> bool:
        return False

    def __getitem__(self, name: str) -> NoReturn:
        raise DeniedKeyError(f"{name}: there is no environment in the sandbox; write the value into the program")


def system_modules(guards: Guards) -> dict[str, ModuleType]:
    """
    Build them.

    Args:
        guards: How attributes are read.

    Returns:
        The modules by dotted name.
    """
    none = dict.fromkeys(("exists", "isfile", "isdir"), _nothing)
    path = Facade("os.path", {**_held(os.path, _OS_PATH), **none}, dir(os.path))
    own: dict[str, Any] = {"path": path, "environ": Environment(), "getenv": Environment().get}
    return {
        "sys": _system(),
        "os": Facade("os", {**_held(os, _OS), **own}, dir(os)),
        "os.path": path,
        "gc": Facade("gc", {"collect": gc.collect}, dir(gc)),
        "platform": Facade("platform", _platform_names(), dir(platform)),
        "locale": Facade("locale", {**_held(locale, _LOCALE), **_locale_names()}, dir(locale)),
        "inspect": Facade("inspect", {**_held(inspect, _INSPECT), **_inspect_names(guards)}, dir(inspect)),
        "secrets": Facade("secrets", _secrets_names(), ("SystemRandom",)),
    }


def _held(module: ModuleType, names: str) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names.split() if hasattr(module, name)}


def _nothing(_path: object) -> bool:
    return False


def _system() -> System:
    def setrecursionlimit(limit: int, /) -> None:
        sys.setrecursionlimit(min(limit, _MOST_FRAMES))

    own = {"argv": ["main.py"], "path": [""], "executable": "", "setrecursionlimit": setrecursionlimit}
    held = {**_held(sys, _SYS), **own}
    # Not held, but known: what stands for them are properties of the class.
    return System("sys", held, [name for name in dir(sys) if name not in System.REPLACEABLE])


def _platform_names() -> dict[str, Any]:
    names = ("python_version", "python_version_tuple")
    return {
        **{name: getattr(platform, name) for name in names},
        **{name: _constant(value) for name, value in _PLATFORM.items()},
    }


def _constant(value: Any) -> Any:
    return lambda: value


def _locale_names() -> dict[str, Any]:
    # The real ones look for files.
    def setlocale(_category: int, wanted: Any = None) -> str:
        if wanted in {None, "C", "POSIX"}:
            return "C"
        if wanted in {"", "C.UTF-8", "C.utf8"}:
            return "C.UTF-8"
        raise locale.Error("unsupported locale setting")

    def getlocale(_category: int = locale.LC_CTYPE) -> tuple[str, str]:
        return ("en_US", "UTF-8")

    return {"setlocale": setlocale, "getlocale": getlocale, "getpreferredencoding": lambda _do_setlocale=True: "utf-8"}


def _inspect_names(guards: Guards) -> dict[str, Any]:
    # The real one reads whatever it likes.
    def getdoc(owner: Any) -> str | None:
        text = guards.read(owner, "__doc__")
        return inspect.cleandoc(text) if isinstance(text, str) else None

    return {"getdoc": getdoc}


def _secrets_names() -> dict[str, Any]:
    # Secrets are drawn like all chance here: the same in every run.
    def token_bytes(nbytes: int | None = None) -> bytes:
        return random.randbytes(32 if nbytes is None else nbytes)  # noqa: S311  # see above

    def token_urlsafe(nbytes: int | None = None) -> str:
        return base64.urlsafe_b64encode(token_bytes(nbytes)).rstrip(b"=").decode("ascii")

    return {
        "token_bytes": token_bytes,
        "token_hex": lambda nbytes=None: token_bytes(nbytes).hex(),
        "token_urlsafe": token_urlsafe,
        "choice": random.choice,
        "randbelow": random.randrange,
        "randbits": random.getrandbits,
        "compare_digest": hmac.compare_digest,
    }
