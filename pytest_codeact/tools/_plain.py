"""
Values on their way through JSON: exact copies, their text, and what is said when there is none.

A copy shares nothing with its original, so neither a program can change a world through a result nor a
tool the model's arguments.
"""

from __future__ import annotations

import json
import math
import reprlib
from dataclasses import fields, is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.records import Json

MAX_DEPTH: Final = 60
"""Containers inside containers. Below what the sandbox lets through, so that a result is one in every arm."""

MAX_INTEGER_BITS: Final = 4_096
"""Larger integers are refused; the sandbox lets no larger one through. 1,233 decimal digits."""

MAX_ERROR_CHARS: Final = 2_000
"""Error texts shown to a model are cut to this many characters."""

_CUT: Final = " ... [cut]"
_ALLOWED: Final = "allowed are None, bool, int, finite float, str, list, tuple, dict with str keys, dataclass and Enum"
_NUMBER: Final = "JSON has no such number; use None or raise ToolError"

_IMAGE: Final = "an image cannot be shown: models are given text only, alike in all arms; return what it shows, in text"
_IMAGE_STARTS: Final = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
"""How the files of PNG, JPEG, GIF, BMP and TIFF begin; WebP's begin with RIFF, their size and WEBP."""

# Keyed by class name, looked up along the class's ancestors, so that no module is imported for its advice.
_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date": "use its .isoformat()",
        "time": "use its .isoformat()",
        "timedelta": "use its .total_seconds()",
        "Decimal": "use float(value) or str(value)",
        "Fraction": "use float(value) or str(value)",
        "bytes": "use text, for example its .decode()",
        "bytearray": "use text, for example its .decode()",
        "set": "use sorted(value)",
        "frozenset": "use sorted(value)",
        "generator": "use list(value)",
        "coroutine": "write the function with def, not async def",
        "UUID": "use str(value)",
        # Of Pillow, matplotlib and the Python SDK of MCP.
        "Image": _IMAGE,
        "Figure": _IMAGE,
        "ImageContent": _IMAGE,
        "PurePath": "use str(value)",
    }
)


class NotJsonError(ValueError):
    """
    A value cannot be written as JSON.

    Attributes:
        fault: What is wrong and where, such as "result.items[3].price is nan".
        advice: What is allowed, and what to do instead.
    """

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}; {advice}")
        self.fault = fault
        self.advice = advice


def plain(value: object, root: str, *, max_bytes: int) -> Json:
    """
    Copy a value into plain JSON values.

    Dataclass instances become dicts with all their fields, tuples (named ones too) lists, Enum members their
    values, subclasses of str, int, float, list and dict the plain thing.

    Args:
        value: Anything.
        root: How paths in messages begin, such as "result".
        max_bytes: UTF-8 bytes of JSON text above which the copy is given up. What is counted on the way is a
            lower bound, so a copy may turn out longer; it is at most a small multiple, whatever it was made of.

    Raises:
        NotJsonError: It holds what JSON cannot, a cycle, more than `MAX_DEPTH` levels, or is too long.
    """
    return _Copy(root, max_bytes).of(value, root)


def copied(value: Json) -> Json:
    """Copy a value that is plain JSON already."""
    if type(value) is list:
        return [copied(item) for item in value]
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return value


def json_text(value: Json) -> str:
    """Write a plain value as one line of JSON, with a blank after commas and colons, non-ASCII as it is."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def shown(value: object) -> str:
    """Give a value's `repr`, cut to some 80 characters at every level, whatever it holds."""
    return _Shown().repr(value)


def error_text(text: str) -> str:
    """Make a text fit to be shown to a model: no lone surrogates, at most `MAX_ERROR_CHARS` characters."""
    if len(text) > MAX_ERROR_CHARS:
        text = text[: MAX_ERROR_CHARS - len(_CUT)] + _CUT
    return text.encode("utf-8", "replace").decode("utf-8")


def joined(path: str, key: str) -> str:
    """Give the path of a key below a path: `a.b`, or `a['b c']` where the key is no identifier."""
    if not key.isidentifier():
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


class _Copy:
    """One copy in the making: what room is left, and the containers it is inside of."""

    def __init__(self, root: str, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._left_bytes = max_bytes
        self._inside: set[int] = set()

    def of(self, value: object, path: str) -> Json:
        if isinstance(value, Enum):
            return self.of(value.value, path)
        if isinstance(value, str):
            return self._text(value, path)
        if value is None or isinstance(value, (bool, int, float)):
            return self._scalar(value, path)
        if isinstance(value, (list, tuple, dict)) or (is_dataclass(value) and not isinstance(value, type)):
            return self._container(value, path)
        raise NotJsonError(f"{path} is of type {type(value).__qualname__}", _advice(value))

    def _spend(self, spent_bytes: int) -> None:
        self._left_bytes -= spent_bytes
        if self._left_bytes < 0:
            raise NotJsonError(
                f"{self._root} is more than {self._max_bytes:,} bytes of JSON text",
                "make it smaller: filter, page or summarise",
            )

    def _text(self, value: str, path: str) -> str:
        self._spend(len(value) + 2)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise NotJsonError(
                    f"{path} holds a lone surrogate at index {error.start}",
                    "text must be valid Unicode; use .encode('utf-8', 'replace').decode()",
                ) from None
        return str.__str__(value)

    def _scalar(self, value: float | None, path: str) -> Json:
        self._spend(1)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if value.bit_length() > MAX_INTEGER_BITS:
                raise NotJsonError(
                    f"{path} is an integer of {value.bit_length():,} bits",
                    f"allowed are at most {MAX_INTEGER_BITS:,}; use str(value)",
                )
            return int(value)
        if not math.isfinite(value):
            raise NotJsonError(f"{path} is {float(value)!r}", _NUMBER)
        return float(value)

    def _container(self, value: Any, path: str) -> Json:
        if id(value) in self._inside:
            raise NotJsonError(f"{path} is a cycle: it holds itself", "make it a tree")
        if len(self._inside) >= MAX_DEPTH:
            raise NotJsonError(f"{path} is nested deeper than {MAX_DEPTH} levels", "make it flatter")
        self._inside.add(id(value))
        self._spend(2)
        copy: Json
        if isinstance(value, (list, tuple)):
            copy = [self.of(item, f"{path}[{index}]") for index, item in enumerate(value)]
        elif isinstance(value, dict):
            copy = {name: self.of(item, joined(path, name)) for name, item in self._items(value, path)}
        else:
            names = (field.name for field in fields(value))
            copy = {name: self.of(getattr(value, name), joined(path, name)) for name in names}
        self._inside.remove(id(value))
        return copy

    def _items(self, value: dict[object, object], path: str) -> Any:
        for key, item in value.items():
            name = key.value if isinstance(key, Enum) else key
            if not isinstance(name, str):
                raise NotJsonError(
                    f"{path} has the key {shown(key)} of type {type(key).__qualname__}", "keys must be str"
                )
            yield self._text(name, f"the key {shown(name)} of {path}"), item


def _advice(value: object) -> str:
    if isinstance(value, bytes | bytearray) and _is_image(bytes(value[:12])):
        return f"{_ALLOWED}; {_IMAGE}"
    hints = (_ADVICE[each.__name__] for each in type(value).__mro__ if each.__name__ in _ADVICE)
    hint = next(hints, "")
    return f"{_ALLOWED}; {hint}" if hint else _ALLOWED


def _is_image(start: bytes) -> bool:
    return start.startswith(_IMAGE_STARTS) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP")


class _Shown(reprlib.Repr):
    """A `repr` of bounded length for JSON values; of anything else it tells the type only."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = 80
        self.maxlevel = 3

    def repr_int(self, value: int, level: int) -> str:
        if value.bit_length() > MAX_INTEGER_BITS:
            return f"<integer of {value.bit_length():,} bits>"
        return super().repr_int(value, level)

    def repr_instance(self, value: object, level: int) -> str:  # noqa: ARG002 - the signature of reprlib
        if value is None or isinstance(value, (bool, float)):
            return repr(value)
        # An object's own repr may hold an address, which would make two runs differ, or never end.
        return f"<{type(value).__qualname__}>"
