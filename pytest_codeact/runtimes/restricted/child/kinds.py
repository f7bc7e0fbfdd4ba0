"""
The exceptions a program meets at the sandbox's rules, and what stands in for the classes that make classes.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class DeniedError(Exception):
    """Base of what a program meets that runs into a rule of the sandbox. Each is an ordinary exception to it."""


class DeniedAttributeError(DeniedError, AttributeError):
    """An attribute that is not available."""


class DeniedImportError(DeniedError, ModuleNotFoundError):
    """A module that is not available."""


class DeniedCallError(DeniedError, NameError):
    """A builtin that is not available."""


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


def present_as(kind: type[BaseException], module: str, name: str) -> None:
    """Make tracebacks and `type(e).__name__` show what a model knows and can catch."""
    kind.__module__, kind.__name__, kind.__qualname__ = module, name, name


present_as(DeniedAttributeError, "builtins", "AttributeError")
present_as(DeniedImportError, "builtins", "ModuleNotFoundError")
present_as(DeniedCallError, "builtins", "NameError")
present_as(ToolError, "builtins", "ToolError")


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
