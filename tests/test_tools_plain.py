"""Plain copies of any values, and what is said of those that have none."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pathlib
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_codeact.tools._plain import (
    MAX_DEPTH,
    MAX_ERROR_CHARS,
    MAX_INTEGER_BITS,
    NotJsonError,
    copied,
    error_text,
    joined,
    json_text,
    plain,
    shown,
)


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.Enum):
    ONE = 1


@dataclass
class Point:
    x: float
    names: tuple[str, ...] = ()


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another"


class Whole(int):
    pass


class Real(float):
    pass


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind counts, too


def numbered(rows: list[Any]) -> list[str]:
    """Name the rows of a table, because their values make poor names."""
    return [f"{type(row[0]).__name__}-{index}" for index, row in enumerate(rows)]


COPIES: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (3, 3),
    (2.5, 2.5),
    ("ü\n\x00", "ü\n\x00"),
    ([], []),
    ((1, (2,)), [1, [2]]),
    ({"a": [1]}, {"a": [1]}),
    (Pair(1, 2), [1, 2]),
    (Point(1.0, ("a",)), {"x": 1.0, "names": ["a"]}),
    ([Colour.RED, Number.ONE], ["red", 1]),
    ({Colour.RED: Number.ONE}, {"red": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (Text("own"), "own"),
    (Whole(3), 3),
    (Real(2.5), 2.5),
    ([0.1 + 0.2, 1e300], [0.30000000000000004, 1e300]),
    (2**MAX_INTEGER_BITS - 1, 2**MAX_INTEGER_BITS - 1),
]


@pytest.mark.parametrize(("value", "copy"), COPIES, ids=numbered(COPIES))
def test_value_is_copied(value: Any, copy: Any) -> None:
    """Each value becomes JSON values of the exact types, and survives JSON unchanged."""
    made = plain(value, "result", max_bytes=10_000)

    assert (made, type(made)) == (copy, type(copy))
    assert json.loads(json_text(made)) == copy


def test_copy_shares_nothing() -> None:
    """Changing the copy leaves the original alone, also where it holds one list twice."""
    row = [1]
    value: Any = {"rows": [row, row]}
    copy: Any = plain(value, "result", max_bytes=1_000)
    copy["rows"][0].append(2)

    assert value == {"rows": [[1], [1]]}
    assert copy == {"rows": [[1, 2], [1]]}


def test_plain_value_is_copied() -> None:
    """The copy of a plain value is deep."""
    value: Any = {"a": [{"b": 1}], "c": None}
    copy: Any = copied(value)
    copy["a"][0]["b"] = 2

    assert value == {"a": [{"b": 1}], "c": None}


ALLOWED = "allowed are None, bool, int, finite float, str, list, tuple, dict with str keys, dataclass and Enum"
NO_NUMBER = "JSON has no such number; use None or raise ToolError"
SURROGATE = "text must be valid Unicode; use .encode('utf-8', 'replace').decode()"
REFUSED: list[tuple[Any, str]] = [
    ({"items": [0, 1, 2, {"price": math.nan}]}, f"result.items[3].price is nan; {NO_NUMBER}"),
    (math.inf, f"result is inf; {NO_NUMBER}"),
    ([-math.inf], f"result[0] is -inf; {NO_NUMBER}"),
    (Point(math.nan), f"result.x is nan; {NO_NUMBER}"),
    ({"a b": b""}, f"result['a b'] is of type bytes; {ALLOWED}; use text, for example its .decode()"),
    (bytearray(), f"result is of type bytearray; {ALLOWED}; use text, for example its .decode()"),
    ({1}, f"result is of type set; {ALLOWED}; use sorted(value)"),
    (frozenset({1}), f"result is of type frozenset; {ALLOWED}; use sorted(value)"),
    ((each for each in "a"), f"result is of type generator; {ALLOWED}; use list(value)"),
    (dt.date(2025, 1, 1), f"result is of type date; {ALLOWED}; use its .isoformat()"),
    (
        dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
        f"result is of type datetime; {ALLOWED}; use its .isoformat()",
    ),
    (dt.time(1), f"result is of type time; {ALLOWED}; use its .isoformat()"),
    (dt.timedelta(1), f"result is of type timedelta; {ALLOWED}; use its .total_seconds()"),
    (decimal.Decimal(1), f"result is of type Decimal; {ALLOWED}; use float(value) or str(value)"),
    (fractions.Fraction(1), f"result is of type Fraction; {ALLOWED}; use float(value) or str(value)"),
    (uuid.UUID(int=1), f"result is of type UUID; {ALLOWED}; use str(value)"),
    (pathlib.PurePosixPath("a"), f"result is of type PurePosixPath; {ALLOWED}; use str(value)"),
    (object(), f"result is of type object; {ALLOWED}"),
    (Point, f"result is of type type; {ALLOWED}"),
    (1j, f"result is of type complex; {ALLOWED}"),
    ({"a": {1: 2}}, "result.a has the key 1 of type int; keys must be str"),
    ({None: 2}, "result has the key None of type NoneType; keys must be str"),
    ({(1, 2): 2}, "result has the key (1, 2) of type tuple; keys must be str"),
    ({Number.ONE: 2}, "result has the key <Number> of type Number; keys must be str"),
    ("ab\ud800", f"result holds a lone surrogate at index 2; {SURROGATE}"),
    ({"a\ud800": 1}, f"the key 'a\\ud800' of result holds a lone surrogate at index 1; {SURROGATE}"),
    (2**MAX_INTEGER_BITS, "result is an integer of 4,097 bits; allowed are at most 4,096; use str(value)"),
    (["a" * 994, "b"], "result is more than 1,000 bytes of JSON text; make it smaller: filter, page or summarise"),
    ([None] * 2_000, "result is more than 1,000 bytes of JSON text; make it smaller: filter, page or summarise"),
    ({"a" * 1_000: 1}, "result is more than 1,000 bytes of JSON text; make it smaller: filter, page or summarise"),
]


@pytest.mark.parametrize(("value", "text"), REFUSED, ids=numbered(REFUSED))
def test_what_is_no_json_is_refused(value: Any, text: str) -> None:
    """The message has the path, what is there, what is allowed and what to do."""
    with pytest.raises(NotJsonError) as caught:
        plain(value, "result", max_bytes=1_000)

    assert str(caught.value) == text
    assert f"{caught.value.fault}; {caught.value.advice}" == text


def test_cycle_is_refused() -> None:
    """A value that holds itself is named, at the place where it recurs."""
    value: dict[str, Any] = {"a": []}
    value["a"].append(value)
    with pytest.raises(NotJsonError) as caught:
        plain(value, "result", max_bytes=1_000)

    assert str(caught.value) == "result.a[0] is a cycle: it holds itself; make it a tree"


def nested(levels: int) -> list[Any]:
    """Make lists inside lists."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_depth_has_a_limit() -> None:
    """As many levels as allowed pass, one more does not, and neither do a hundred thousand."""
    assert plain(nested(MAX_DEPTH), "result", max_bytes=1_000) == nested(MAX_DEPTH)
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(NotJsonError) as caught:
            plain(nested(levels), "result", max_bytes=10_000)

        assert str(caught.value) == f"result{'[0]' * MAX_DEPTH} is nested deeper than 60 levels; make it flatter"


class Endless(list[int]):
    """A list whose items never end."""

    def __iter__(self) -> Any:
        while True:
            yield 1


def doubled(times: int) -> list[Any]:
    """Make a small value that is written as an enormous one."""
    value: list[Any] = ["ten bytes "]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "value", [Endless(), doubled(50), "x" * 100_000_000, [0] * 10_000_000], ids=["endless", "doubled", "text", "list"]
)
def test_enormous_value_is_given_up_early(value: Any) -> None:
    """However much there would be to write, the copy ends soon after the limit."""
    started = time.perf_counter()
    with pytest.raises(NotJsonError, match=r"^result is more than 1,000,000 bytes of JSON text"):
        plain(value, "result", max_bytes=1_000_000)

    assert time.perf_counter() - started < 10


def test_json_text_is_one_readable_line() -> None:
    """Non-ASCII stands as it is, and line breaks are escaped."""
    assert json_text({"a": ["ü", 1.0, None], "b": "1\n2"}) == '{"a": ["ü", 1.0, null], "b": "1\\n2"}'


SHOWN: list[tuple[Any, str]] = [
    ("a", "'a'"),
    (None, "None"),
    (True, "True"),
    (0.1, "0.1"),
    ([1, [2, [3, [4]]]], "[1, [2, [3, [...]]]]"),
    (list(range(10)), "[0, 1, 2, 3, 4, 5, ...]"),
    (10**5_000, "<integer of 16,610 bits>"),
    ([10**5_000], "[<integer of 16,610 bits>]"),
    ("\ud800", "'\\ud800'"),
    (object(), "<object>"),
    ({"a": object()}, "{'a': <object>}"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=numbered(SHOWN))
def test_value_is_shown_in_short(value: Any, text: str) -> None:
    """Any value has a short text without addresses."""
    assert shown(value) == text


def test_shown_text_is_bounded() -> None:
    """A long string keeps its ends."""
    assert len(shown("x" * 10**6)) <= 80


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("a", "a"),
        ("a\ud800b", "a?b"),
        ("x" * MAX_ERROR_CHARS, "x" * MAX_ERROR_CHARS),
        ("x" * (MAX_ERROR_CHARS + 1), "x" * (MAX_ERROR_CHARS - 10) + " ... [cut]"),
    ],
    ids=["short", "surrogate", "full", "too long"],
)
def test_error_text_is_made_fit(text: str, fit: str) -> None:
    """Error texts are valid Unicode of at most two thousand characters."""
    assert error_text(text) == fit


@pytest.mark.parametrize(
    ("path", "key", "text"), [("", "a", "a"), ("a", "b", "a.b"), ("a", "b c", "a['b c']"), ("", "b c", "['b c']")]
)
def test_paths_are_joined(path: str, key: str, text: str) -> None:
    """Keys that are no identifiers stand in brackets."""
    assert joined(path, key) == text


IMAGE_ADVICE = "an image cannot be shown: models are given text only, alike in all arms; return what it shows, in text"


class Image:
    """As Pillow calls its own."""


class PngImageFile(Image):
    """As Pillow calls what it opens."""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "bytes"),
        (bytearray(b"\xff\xd8\xff\xe0"), "bytearray"),
        (b"GIF89a", "bytes"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "bytes"),
        (PngImageFile(), "PngImageFile"),
    ],
    ids=["png", "jpeg", "gif", "webp", "pillow"],
)
def test_image_is_refused_with_the_reason(value: object, kind: str) -> None:
    """An image, as bytes or as an object, is told apart from other bytes: no advice on decoding would help."""
    with pytest.raises(NotJsonError) as caught:
        plain({"chart": value}, "result", max_bytes=1_000)

    assert str(caught.value) == f"result.chart is of type {kind}; {ALLOWED}; {IMAGE_ADVICE}"


@pytest.mark.parametrize("value", [b"", b"RIFF\x00\x00\x00\x00WAVE", b"plain text"], ids=["empty", "sound", "text"])
def test_other_bytes_are_no_image(value: bytes) -> None:
    """Bytes of another kind have their own advice."""
    with pytest.raises(NotJsonError, match=r"use text, for example its \.decode\(\)$"):
        plain(value, "result", max_bytes=1_000)
