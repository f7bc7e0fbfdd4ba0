"""
Arguments of a tool call as JSON: exact types, and errors that say what to pass instead.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_codeact.runtimes._channel import BRACKETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` makes one for every call."""

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
    function: str,
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    argument_bytes: int,
    nesting: int,
    integer_bits: int,
) -> tuple[list[Any], dict[str, Any]]:
    """
    Give the arguments as plain JSON values: copies, which a later change in the program does not reach.

    Tuples become arrays, subclasses of a JSON type its values.

    Args:
        function: The function called, for the errors.
        positional: Its positional arguments.
        keywords: Its keyword arguments.
        argument_bytes: UTF-8 bytes allowed for the JSON text of all of them.
        nesting: Containers inside each other allowed in one.
        integer_bits: Bits allowed in an integer.

    Raises:
        TypeError: A value is of a class that JSON has not.
        ValueError: A value is too deep, too long, or a number that JSON has not.
    """

    def encode(label: str, value: Any) -> Any:
        return _Path(function, label, nesting=nesting, integer_bits=integer_bits).encode(value, 0)

    listed = [encode(f"argument {index}", each) for index, each in enumerate(positional, 1)]
    named = {name: encode(f"argument {name!r}", each) for name, each in keywords.items()}
    text = _ENCODER.encode([listed, named])
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > argument_bytes:
        raise ValueError(
            f"{function}(): the arguments are {size_bytes} bytes of JSON; allowed: {argument_bytes}; "
            "pass less at a time"
        )
    if text.count("[") + text.count("{") > BRACKETS:
        raise ValueError(f"{function}(): the arguments hold more than {BRACKETS} opening brackets; pass less at a time")
    return listed, named


class _Path:
    """Encodes one argument and knows, for its errors, where in it the walk is."""

    __slots__ = ("_function", "_integer_bits", "_nesting", "_steps")

    def __init__(self, function: str, label: str, *, nesting: int, integer_bits: int) -> None:
        self._function = function
        self._nesting = nesting
        self._integer_bits = integer_bits
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
            if depth >= self._nesting:
                self._fail(ValueError, f"is nested deeper than {self._nesting}", "pass a flatter value")
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
        if value.bit_length() > self._integer_bits:
            self._fail(ValueError, f"is an integer of more than {self._integer_bits} bits", "pass str(...) of it")
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
