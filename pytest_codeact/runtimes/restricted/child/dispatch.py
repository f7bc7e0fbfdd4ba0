"""
`functools.singledispatch`, which evaluates annotations that are text: here such a text can only name a class.
"""

from __future__ import annotations

import builtins
import functools
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes.restricted.child.kinds import DeniedCallError, present_as

if TYPE_CHECKING:
    from collections.abc import Callable


def singledispatch(function: Callable[..., Any]) -> Any:
    """As functools.singledispatch."""
    real = functools.singledispatch(function)

    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        if not arguments:
            raise TypeError(f"{wrapper.__name__} requires at least 1 positional argument")
        return real.dispatch(type(arguments[0]))(*arguments, **keywords)

    def register(kind: Any, implementation: Any = None) -> Any:
        return _register(real, kind, implementation)

    wrapper.__name__ = wrapper.__qualname__ = function.__name__
    wrapper.__doc__ = function.__doc__
    vars(wrapper).update(register=register, dispatch=real.dispatch, registry=real.registry)
    return wrapper


def _register(real: Any, kind: Any, implementation: Any) -> Any:
    if implementation is not None:
        return real.register(kind, implementation)
    if not callable(kind) or isinstance(kind, type):
        # A class, or a union of classes; a `__wrapped__` or the like of a program's object is never looked at.
        return lambda function: real.register(kind, function)
    return real.register(_annotated(kind), kind)


def _annotated(function: Any) -> Any:
    annotations = getattr(function, "__annotations__", {})
    parameters = [name for name in annotations if name != "return"]
    if not parameters:
        raise TypeError(
            f"Invalid first argument to `register()`: {function!r}. Use either `@register(some_class)` or plain "
            "`@register` on an annotated function."
        )
    annotation = annotations[parameters[0]]
    if not isinstance(annotation, str):
        return annotation
    known = {**vars(builtins), **getattr(function, "__globals__", {})}
    found = known.get(annotation) if annotation.isidentifier() else None
    if not isinstance(found, type):
        raise DeniedCallError(
            f"the annotation {annotation!r} is not available in the sandbox; use @register(some_class)"
        )
    return found


class singledispatchmethod:  # noqa: N801  # the library's own name
    """As functools.singledispatchmethod."""

    __slots__ = ("_dispatcher",)

    def __init__(self, function: Any) -> None:
        self._dispatcher = singledispatch(function)

    def register(self, kind: Any, method: Any = None) -> Any:
        """Add an implementation for a class."""
        return self._dispatcher.register(kind, method)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        def method(*arguments: Any, **keywords: Any) -> Any:
            implementation = self._dispatcher.dispatch(type(arguments[0]))
            return implementation.__get__(instance, owner)(*arguments, **keywords)

        return method


present_as(singledispatchmethod, "functools", "singledispatchmethod")
