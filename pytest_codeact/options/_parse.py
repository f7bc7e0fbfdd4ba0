"""
How the values of options are read. Each function takes the option's name, for the message, and the raw value.
"""

from __future__ import annotations

import math
from typing import Final

import pytest

MAX_COUNT: Final = 1_000_000_000
"""Largest count that an option takes: more is a slip of the finger."""

ORDERS: Final = ("abba", "shuffled")
"""How the arms of a scenario may follow each other."""


def parse_names(source: str, raw: str | list[str]) -> tuple[str, ...]:
    """
    Read a list of names, separated by commas.

    Args:
        source: The option, for the message.
        raw: Its value, or its values where it may be repeated.

    Raises:
        pytest.UsageError: A name is empty or comes twice.
    """
    # An ini file's list is split at blanks before it comes here: "a, b" arrives as "a," and "b".
    parts = [raw] if isinstance(raw, str) else [part.removesuffix(",") for part in raw]
    names = [name.strip() for part in parts for name in part.split(",")]
    if not names or not all(names):
        raise pytest.UsageError(
            f"{source}: empty name in {','.join(parts)!r}; expected names separated by commas, for example a,b"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise pytest.UsageError(f"{source}: {twice[0]!r} comes twice in {','.join(parts)!r}; name each once")
    return tuple(names)


def parse_count(source: str, raw: str | int) -> int:
    """
    Read a whole number from 1 to `MAX_COUNT`.

    Raises:
        pytest.UsageError: It is not one.
    """
    try:
        count = int(raw)
    except ValueError:
        count = 0
    if not 1 <= count <= MAX_COUNT:
        raise pytest.UsageError(f"{source}: expected a whole number from 1 to {MAX_COUNT:,}; got {raw!r}")
    return count


def parse_seed(source: str, raw: str | int) -> int:
    """
    Read a whole number from 0.

    Raises:
        pytest.UsageError: It is not one.
    """
    if not str(raw).isdecimal():
        raise pytest.UsageError(f"{source}: expected a whole number from 0; got {raw!r}")
    return int(raw)


def parse_limits(source: str, raw: list[str]) -> dict[str, float]:
    """
    Read limits of the form NAME=VALUE.

    Args:
        source: The option, for the message.
        raw: Its values.

    Raises:
        pytest.UsageError: One has another form, an unknown name or a value that is no positive number.
    """
    return dict(parse_limit(source, each) for each in raw)


def parse_limit(source: str, raw: str) -> tuple[str, float]:
    """
    Read one limit of the form NAME=VALUE.

    Raises:
        pytest.UsageError: It has another form, an unknown name or a value that is no positive number.
    """
    name, sign, text = raw.partition("=")
    try:
        value = float(text) if sign else 0.0
    except ValueError:
        value = 0.0
    from pytest_codeact.runtimes import limit_problem

    problem = limit_problem(name.strip(), value)
    if problem:
        raise pytest.UsageError(f"{source}: {problem}; got {raw!r}, expected NAME=VALUE, for example wall_s=2")
    return name.strip(), value


def parse_share(source: str, raw: str | float) -> float:
    """
    Read a share from 0 to 1.

    Raises:
        pytest.UsageError: It is not one.
    """
    share = _number(raw)
    if not 0 <= share <= 1:
        raise pytest.UsageError(f"{source}: expected a number from 0 to 1, for example 0.8; got {raw!r}")
    return share


def parse_seconds(source: str, raw: str | float) -> float:
    """
    Read a time in seconds.

    Raises:
        pytest.UsageError: It is no positive number.
    """
    seconds = _number(raw)
    if not 0 < seconds < math.inf:
        raise pytest.UsageError(f"{source}: expected a number of seconds above 0; got {raw!r}")
    return seconds


def parse_order(source: str, raw: str) -> str:
    """
    Read the name of an order.

    Raises:
        pytest.UsageError: There is none of that name.
    """
    if raw not in ORDERS:
        raise pytest.UsageError(f"{source}: unknown order {raw!r}; known orders: {', '.join(ORDERS)}")
    return raw


def parse_rules(source: str, raw: list[str]) -> tuple[str, ...]:
    """
    Read rules of the gate: only that none is blank; what they say is read where metrics are known.

    Raises:
        pytest.UsageError: One is blank.
    """
    return tuple(parse_text(source, each) for each in raw)


def parse_text(source: str, raw: str) -> str:
    """
    Read a name or a path.

    Raises:
        pytest.UsageError: It is blank.
    """
    if not raw.strip():
        raise pytest.UsageError(f"{source}: expected a value; got {raw!r}; give one as --help says, or leave it out")
    return raw


def _number(raw: str | float) -> float:
    try:
        return float(raw)
    except ValueError:
        return math.nan
