"""What leaves a worker: only what its channel can carry."""

from __future__ import annotations

from collections import namedtuple
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import execnet
import pytest

from pytest_codeact.notices import lost_record
from pytest_codeact.shipping import sendable, sendable_warning
from pytest_codeact.trial import Case

Point = namedtuple("Point", "x y")  # noqa: PYI024 - the untyped kind is the one under test


class Colour(IntEnum):
    RED = 1


class Word(str):
    __slots__ = ()


class Mood(Word, Enum):
    GLAD = "glad"


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def nested(depth: int) -> list[Any]:
    """Make lists inside lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 2**80, 1.5, float("inf"), "text", "äöü", b"bytes", [1, "a"], (1, (2,)), {"a": {1: None}}, [], {}],
)
def test_what_can_be_sent_is_left_as_it_is(value: object) -> None:
    """Equal in value and type."""
    sent = sendable(value)

    assert (sent, type(sent)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\udc80b", "a\\udc80b"),
        (["\ud800"], ["\\ud800"]),
        ({"\ud800": ("x", "\udfff")}, {"\\ud800": ("x", "\\udfff")}),
        (Colour.RED, 1),
        (Word("w"), "w"),
        (Mood.GLAD, "glad"),
        (Point(1, Decimal(2)), (1, "Decimal('2')")),
        (Decimal("1.50"), "Decimal('1.50')"),
        ({1}, "{1}"),
        (1j, "1j"),
        (Mute(), "<Mute>"),
        ({Decimal(1): 2}, {"Decimal('1')": 2}),
    ],
)
def test_what_cannot_be_sent_is_made_text_or_plain(value: object, expected: object) -> None:
    """Surrogates are escaped, subclasses made plain, the rest is its repr."""
    assert sendable(value) == expected


@pytest.mark.parametrize(
    "value", ["a\udc80b", {"k": [Point(1, {Decimal(1)}), Mood.GLAD, Colour.RED]}, nested(500), 3 + 1j, Mute(), {1: {2}}]
)
def test_everything_that_is_made_can_be_sent(value: object) -> None:
    """The channel itself takes it."""
    assert execnet.loads(execnet.dumps(sendable(value))) == sendable(value)


def test_container_in_itself_ends() -> None:
    """It becomes text where it is too deep."""
    value: list[Any] = []
    value.append(value)

    assert execnet.dumps(sendable(value))


class Stubborn(UserWarning):
    def __str__(self) -> str:
        return "always \ud800"


@pytest.mark.parametrize(
    ("warning", "kind", "text"),
    [
        (DeprecationWarning("a\ud800"), DeprecationWarning, "a\\ud800"),
        (Stubborn("a"), UserWarning, "always \\ud800"),
    ],
)
def test_warning_can_be_sent(warning: Warning, kind: type[Warning], text: str) -> None:
    """A copy of it keeps its class unless its class keeps its text."""
    given = warning.args
    sent = sendable_warning(warning)

    assert (type(sent), str(sent)) == (kind, text)
    assert sent is not warning
    assert warning.args is given
    assert execnet.dumps((str(sent), sent.args))


def test_lost_record_is_an_error_of_which_nothing_was_measured() -> None:
    """It names the trial and what happened."""
    record = lost_record("t.py::test_a", Case(arm="code", model="a/b", trial=3), "gone")

    assert (record.scenario, record.arm, record.model, record.trial) == ("t.py::test_a", "code", "a/b", 3)
    assert (record.ended, record.error, record.success, record.turns, record.mode) == ("error", "gone", None, (), None)
