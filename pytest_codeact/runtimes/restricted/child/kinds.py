"""
The exceptions a program meets at the sandbox's rules, and what stands in for the classes that make classes.
"""

from __future__ import annotations

import builtins
import functools
import typing
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class DeniedError(Exception):
    """Base of what a program meets that runs into a rule of the sandbox. Each is an ordinary exception to it."""


class DeniedAttributeError(DeniedError, AttributeError):
    """An attribute that is not available."""


class DeniedImportError(DeniedError, ModuleNotFoundError):
    """A module that is not available."""


class DeniedNameError(DeniedError, ImportError):
    """A name of a module that is not available."""


class DeniedCallError(DeniedError, NameError):
    """A builtin that is not available."""


class DeniedKeyError(DeniedError, KeyError):
    """A variable of the environment."""


class UnknownFunction:
    """
    Stands for a tool that does not exist until it is called, which the host answers. To every other use it is missing.

    Args:
        call: Makes the call.
    """

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *positional: Any, **keywords: Any) -> Any:
        """Let the host say that there is no such tool."""
        return self._call(*positional, **keywords)


class ToolError(Exception):
    """A tool call failed. Its text is the host's."""


def tool_error(text: str) -> ToolError:
    """
    Give the error of a tool call.

    A tool that failed by an exception of Python's says so in its text, "KeyError: ..."; then the error is one of that
    class too, for a program that expects what a plain function would have raised. Its name and text are those of every
    tool's error, as where the tools are called without a sandbox.
    """
    name, colon, _ = text.partition(": ")
    kind = getattr(builtins, name, None)
    if not colon or not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, _OF_GENERATORS):
        return ToolError(text)
    return _raised_by_tool(kind)(text)  # type: ignore[arg-type]  # mypy takes the class's methods for those of the object


_OF_GENERATORS: Final = (StopIteration, StopAsyncIteration, ExceptionGroup)
"""Exceptions that mean something else where they are raised, and one that cannot be made of a text."""


@functools.cache
def _raised_by_tool(kind: type[Exception]) -> type[ToolError]:
    # KeyError would quote the text.
    made = type(kind.__name__, (ToolError, kind), {"__str__": lambda self: self.args[0]})
    present_as(made, "builtins", "ToolError")
    return made


class RaisedGroup(ExceptionGroup[Exception]):
    """
    What a TaskGroup raises, for a program to catch and look into.

    It cannot make one: a group is made for `except*`, which is refused because CPython trusts, in 3.11 and in early
    releases of 3.12 and 3.13, what a group's `split` returns.
    """

    def __new__(cls, *_arguments: object) -> Self:
        """Refuse."""
        raise DeniedCallError("ExceptionGroup() is not available in the sandbox: collect errors in a list")

    @classmethod
    def of(cls, message: str, errors: Sequence[Exception]) -> RaisedGroup:
        """Make one."""
        return ExceptionGroup.__new__(cls, message, errors)

    def derive(self, errors: Sequence[Any]) -> Any:
        """Give a part of it."""
        return self.of(self.message, errors)


def present_as(kind: type, module: str, name: str) -> None:
    """Make tracebacks and `type(e).__name__` show what a model knows and can catch."""
    kind.__module__, kind.__name__, kind.__qualname__ = module, name, name


present_as(DeniedAttributeError, "builtins", "AttributeError")
present_as(DeniedImportError, "builtins", "ModuleNotFoundError")
present_as(DeniedNameError, "builtins", "ImportError")
present_as(DeniedCallError, "builtins", "NameError")
present_as(DeniedKeyError, "builtins", "KeyError")
present_as(ToolError, "builtins", "ToolError")
present_as(RaisedGroup, "builtins", "ExceptionGroup")


class _TypeMeta(type):
    """Makes `Type` answer for every class without being one that can make classes."""

    def __call__(cls, *arguments: Any) -> Any:
        if len(arguments) != 1:
            raise DeniedCallError(
                "type() with three arguments is not available in the sandbox; write a class statement"
            )
        kind = type(arguments[0])
        return Type if issubclass(kind, type) else kind

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, type) or subclass is Type

    def __getitem__(cls, item: object) -> Any:
        # Not `type[item]`: calling that calls `type`.
        return typing.Type[item]  # noqa: UP006  # see above

    def __repr__(cls) -> str:
        return "<class 'type'>"


class Type(metaclass=_TypeMeta):
    """Stands in for `type`, and for every metaclass: a real one makes classes with any special method."""


class AbstractMeta(metaclass=_TypeMeta):
    """Stands in for `abc.ABCMeta`: names a metaclass and cannot be called."""


Type.__name__ = Type.__qualname__ = "type"
