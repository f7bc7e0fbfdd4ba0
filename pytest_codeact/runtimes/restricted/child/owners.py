"""
Whose an object is: the program's own, the standard library's, or the sandbox's.

Classes are read by the descriptors of `type`, past whatever an object or its class says of itself.
"""

from __future__ import annotations

import csv
from collections import UserDict, UserList, UserString
from textwrap import TextWrapper
from types import FunctionType, ModuleType
from typing import Any, Final

from pytest_codeact.runtimes.restricted.child.kinds import DeniedAttributeError

_SETTABLE: Final = frozenset({csv.DictReader, UserDict, UserList, UserString, TextWrapper})


def is_settable(kind: type) -> bool:
    """Say whether the public attributes of a class's instances are there to be set: `logger.propagate = False`."""
    return kind in _SETTABLE or type.__dict__["__module__"].__get__(kind) in {"logging", "threading"}


def is_own_class(kind: type) -> bool:
    """Say whether a class came from the program."""
    # Set by the class statement from the program's `__name__`; no program can assign it.
    return bool(type.__dict__["__module__"].__get__(kind) == "__main__")


def is_ours(kind: type) -> bool:
    """Say whether a class is the sandbox's, and not called what it is in the standard library."""
    # What an instance of such a class holds is not the program's, and an own class would have no secrets from it.
    # Those that are called what they are in the standard library hold nothing.
    return bool(type.__dict__["__module__"].__get__(kind).startswith("pytest_codeact."))


def held(owner: Any) -> Any:
    """Give the attributes that an object itself holds."""
    # Not by `getattr`, which would ask the `__getattr__` of the program.
    try:
        return object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}


def is_exception(owner: Any) -> bool:
    """Say whether an object is an exception."""
    return issubclass(type(owner), BaseException)


def described(owner: Any) -> str:
    """Name an object for an error message."""
    if type(owner) is FunctionType or isinstance(owner, (type, ModuleType)):
        kind = "module" if isinstance(owner, ModuleType) else "class" if isinstance(owner, type) else "function"
        return f"{kind} {owner.__name__!r}"
    return f"{type(owner).__name__!r} object"


def denied(owner: Any, name: str) -> DeniedAttributeError:
    """Make the error of an attribute that a program may not have."""
    return DeniedAttributeError(f"attribute {name!r} of {described(owner)} is not available in the sandbox")
