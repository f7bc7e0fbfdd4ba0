"""
Arguments of a tool call as JSON: exact types, and errors that say what to pass instead.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.runtimes.restricted._channel import VALUE_DEPTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_INTEGER_BITS: Final = 4096
"""Longest integer sent: the standard library's parser refuses integers of some 14,000 bits."""

_ADVICE: Final[Mapping[str, str]] = {
    "date": "pass its .isoformat()",
    "datetime": "pass its .isoformat()",
    "time": "pass its .isoformat()",
    "timedelta": "pass its .total_seconds()",
    "Decimal": "pass float(...) or str(...) of it",
    "Fraction": "pass float(...) or str(...) of it",
    "UUID": "pass str(...) of it",
    "bytes": "pass its .decode()",
    "bytearray": "pass its .decode()",
    "set": "pass sorted(...) of it",
    "frozenset": "pass sorted(...) of it",
    "generator": "pass list(...) of it",
    "map": "pass list(...) of it",
    "filter": "pass list(...) of it",
    "zip": "pass list(...) of it",
    "range": "pass list(...) of it",
    "dict_keys": "pass list(...) of it",
    "dict_values": "pass list(...) of it",
    "dict_items": "pass dict(...) of it",
    "coroutine": "await it first",
    "function": "call it first",
}
"""What to do with values of common classes, by the name of the class."""


def encode_arguments(
    function: str, positional: Sequence[Any], keywords: Mapping[str, Any], limit_bytes: int
) -> tuple[list[Any], dict[str, Any]]:
    """
    Give the arguments as plain JSON values: copies, which a later change in the program does not reach.

    Tuples become arrays, subclasses of a JSON type its values.

    Args:
        function: The function called, for the errors.
        positional: Its positional arguments.
        keywords: Its keyword arguments.
        limit_bytes: UTF-8 bytes allowed for the JSON text of all of them.

    Raises:
        TypeError: A value is of a class that JSON has not.
        ValueError: A value is too deep, too long, or a number that JSON has not.
    """
    listed = [_Path(function, f"argument {index}").encode(each, 0) for index, each in enumerate(positional, 1)]
    named = {name: _Path(function, f"argument {name!r}").encode(each, 0) for name, each in keywords.items()}
    text = json.dumps([listed, named], ensure_ascii=False, separators=(",", ":"))
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > limit_bytes:
        raise ValueError(
            f"{function}(): the arguments are {size_bytes} bytes of JSON; allowed: {limit_bytes}; pass less at a time"
        )
    return listed, named


class _Path:
    """Encodes one argument and knows, for its errors, where in it the walk is."""

    __slots__ = ("_function", "_steps")

    def __init__(self, function: str, label: str) -> None:
        self._function = function
        self._steps = [label]

    def encode(self, value: Any, depth: int) -> Any:
        """Give a value as exact JSON types. `depth` is its nesting in the argument, from 0."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int):
            return self._integer(int.__add__(value, 0))
        if isinstance(value, float):
            return self._float(float.__add__(value, 0.0))
        if isinstance(value, (list, tuple, dict)):
            if depth >= VALUE_DEPTH - 1:
                self._fail(ValueError, f"is nested deeper than {VALUE_DEPTH}", "pass a flatter value")
            return self._container(value, depth + 1)
        kind = type(value)
        return self._fail(TypeError, f"is of type {kind.__name__}, which is not JSON", _advice(kind))

    def _container(self, value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            cells = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
            return [self._step(index, each, depth) for index, each in enumerate(cells)]
        encoded = {}
        for key, each in dict.items(value):
            if not isinstance(key, str):
                problem = f"has a key of type {type(key).__name__}; the keys of a JSON object are strings"
                self._fail(TypeError, problem, "pass str(...) of it")
            encoded[str.__str__(key)] = self._step(key, each, depth)
        return encoded

    def _step(self, step: Any, value: Any, depth: int) -> Any:
        self._steps.append(f"[{step!r}]")
        encoded = self.encode(value, depth)
        self._steps.pop()
        return encoded

    def _integer(self, value: int) -> int:
        if value.bit_length() > _INTEGER_BITS:
            self._fail(ValueError, f"is an integer of more than {_INTEGER_BITS} bits", "pass str(...) of it")
        return value

    def _float(self, value: float) -> float:
        if not math.isfinite(value):
            self._fail(ValueError, f"is {value}, which is not JSON", "pass None or a finite number")
        return value

    def _fail(self, kind: type[Exception], problem: str, advice: str) -> NoReturn:
        raise kind(f"{self._function}(): {''.join(self._steps)} {problem}; {advice}")


def _advice(kind: type) -> str:
    if dataclasses.is_dataclass(kind):
        return "pass dataclasses.asdict(...) of it"
    if issubclass(kind, enum.Enum):
        return "pass its .value"
    return _ADVICE.get(kind.__name__, "pass JSON values: None, bool, int, float, str, list or dict")
