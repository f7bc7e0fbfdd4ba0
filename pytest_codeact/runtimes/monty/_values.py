"""
Values that cross between the test process and Monty: what came is walked within bounds before anything else is done.

A value of a few hundred bytes may hold itself many times over and be endless to write down.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Limits

_SHOWN_NODES: Final = 100_000
"""Parts of a final value that are written down here; of a larger one the worker writes the text."""

_SHOWN_DEPTH: Final = 200
"""Nesting likewise."""


_SCALARS: Final = frozenset({str, bool, type(None)})

_BRACKETS: Final[dict[type, Sequence[str]]] = {list: "[]", tuple: "()", set: "{}", frozenset: ("frozenset({", "})")}
_EMPTY: Final = frozenset({list, tuple})
"""Those that are written with their brackets alone when they are empty."""


class TooLargeError(Exception):
    """A value has more parts, or is nested deeper, than is walked here."""


class NotArgumentsError(Exception):
    """What came is no list of arguments within the limits. The text says why, without the value."""


def checked_arguments(arguments: tuple[Any, ...], limits: Limits) -> tuple[list[Json], dict[str, Json]]:
    """
    Give the arguments of a call, if they are what a program's side sends.

    Args:
        arguments: Positional arguments and keyword arguments, of which nothing is known.
        limits: As given to the program's side.

    Raises:
        NotArgumentsError: They are something else.
    """
    match arguments:
        case (list() as listed, dict() as named):
            # A part takes at least one byte of the JSON text, so this many suffice.
            nodes = _Walk(limits, limits.argument_bytes + 1)
            for each in (*listed, *named.values()):
                nodes.walk(each, 0)
            text = json.dumps([listed, named], ensure_ascii=False, separators=(",", ":"))
            if len(text.encode()) > limits.argument_bytes:
                raise NotArgumentsError("arguments that are longer than allowed")
            return listed, named
    raise NotArgumentsError("arguments that are no list and dict")


class _Walk:
    """Looks at every part of an argument once for every place in which it stands."""

    def __init__(self, limits: Limits, nodes: int) -> None:
        self._limits = limits
        self._nodes = nodes

    def walk(self, value: Any, depth: int) -> None:
        self._nodes -= 1
        if self._nodes < 0:
            raise NotArgumentsError("arguments that are longer than allowed")
        kind = type(value)
        if kind is list or kind is dict:
            self._walk_container(value, depth + 1)
        elif kind is int:
            if value.bit_length() > self._limits.integer_bits:
                raise NotArgumentsError("an integer that is longer than allowed")
        elif kind is float:
            if not math.isfinite(value):
                raise NotArgumentsError("a number that is not JSON")
        elif kind not in _SCALARS:
            raise NotArgumentsError(f"an argument of type {kind.__name__}")

    def _walk_container(self, value: Any, depth: int) -> None:
        if depth > self._limits.nesting:
            raise NotArgumentsError("arguments that are nested deeper than allowed")
        if type(value) is list:
            for each in value:
                self.walk(each, depth)
            return
        for key, each in value.items():
            if type(key) is not str:
                raise NotArgumentsError("a key that is no string")
            self.walk(each, depth)


def unfit(value: Json) -> str | None:
    """Say why the result of a call cannot be handed to a program. None if it can."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "the result holds a lone surrogate, which no text in the sandbox can hold; ask for something else"
    return None


def value_text(value: object) -> str:
    """
    Give the `repr` of a final value.

    Of instances of a program's own classes only the fields are known here: a dataclass is shown by them, any other by
    its name.

    Raises:
        TooLargeError: Let the worker write it.
        ValueError: An integer is too long to be written down, as under plain Python.
    """
    return _Text().of(value, 0)


class _Text:
    def __init__(self) -> None:
        self._nodes = _SHOWN_NODES

    def of(self, value: Any, depth: int) -> str:
        self._nodes -= 1
        if self._nodes < 0 or depth > _SHOWN_DEPTH:
            raise TooLargeError
        kind = type(value)
        if kind is dict:
            entries = (f"{self.of(key, depth + 1)}: {self.of(each, depth + 1)}" for key, each in value.items())
            return f"{{{', '.join(entries)}}}"
        if kind in _BRACKETS and (value or kind in _EMPTY):
            opening, closing = _BRACKETS[kind]
            parts = ", ".join(self.of(each, depth + 1) for each in value)
            return f"{opening}{parts}{',' if kind is tuple and len(value) == 1 else ''}{closing}"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._record(kind.__name__, dict(zip(value._fields, value, strict=True)), depth)
        return self._foreign(value, depth)

    def _foreign(self, value: Any, depth: int) -> str:
        from pydantic_monty import MontyClassProxy, MontyStdTypeProxy

        if isinstance(value, MontyStdTypeProxy):
            return f"<built-in function {value.name}>" if value.kind == "function" else f"<class '{value.name}'>"
        if not isinstance(value, MontyClassProxy):
            return repr(value)
        if value.is_dataclass:
            return self._record(value.name, value.attributes, depth)
        # A function of the host is an instance too.
        name = value.attributes.get("__name__")
        return f"<function {name}>" if value.name == "function" and name else f"<__main__.{value.name} object>"

    def _record(self, name: str, fields: dict[str, Any], depth: int) -> str:
        return f"{name}({', '.join(f'{field}={self.of(each, depth + 1)}' for field, each in fields.items())})"
