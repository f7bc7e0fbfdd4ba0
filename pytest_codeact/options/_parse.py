"""
How the values of options are read. Each function takes the option's name, for the message, and the raw value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from pytest_codeact.redaction import shown_address

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Level

MAX_COUNT: Final = 1_000_000_000
"""Largest count that an option takes: more is a slip of the finger."""

ORDERS: Final = ("abba", "shuffled")
"""How the arms of a scenario may follow each other."""

MODES: Final = ("auto", "reference", "replay", "record", "refresh", "live")
"""Where replies may come from; docs/live.md says what each mode does."""


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


def parse_mode(source: str, raw: str) -> str:
    """
    Read the name of a mode.

    Raises:
        pytest.UsageError: There is none of that name.
    """
    if raw not in MODES:
        raise pytest.UsageError(f"{source}: unknown mode {raw!r}; known modes: {', '.join(MODES)}")
    return raw


def parse_dollars(source: str, raw: str) -> float:
    """
    Read a sum in US dollars; infinite for "none", which sets no limit.

    Raises:
        pytest.UsageError: It is no number from 0, nor "none".
    """
    if str(raw).strip().lower() == "none":
        return math.inf
    dollars = _number(str(raw).strip().removeprefix("$"))
    if not 0 <= dollars < math.inf:
        raise pytest.UsageError(
            f"{source}: expected US dollars from 0, for example 2.00, or none for no limit; got {raw!r}"
        )
    return dollars


def parse_base_urls(source: str, raw: list[str]) -> dict[str, str]:
    """
    Read addresses of the form URL or PROVIDER=URL.

    Returns:
        Provider to URL, without a slash at its end; under "" the address given for all others.

    Raises:
        pytest.UsageError: One is no http(s) URL, or a provider has two.
    """
    found: dict[str, str] = {}
    for each in raw:
        given = each.strip()
        provider, sign, url = given.partition("=")
        if not sign or "://" in provider:
            provider, url = "", given
        if not _is_web_address(url.strip()):
            raise pytest.UsageError(
                f"{source}: expected URL or PROVIDER=URL, for example openai=http://127.0.0.1:8000/v1; "
                f"got {shown_address(each)!r}"
            )
        if provider.strip() in found:
            name = f"provider {provider.strip()}" if provider.strip() else "every provider"
            raise pytest.UsageError(f"{source}: {name} is given two addresses; give one")
        found[provider.strip()] = url.strip().rstrip("/")
    return found


def parse_level(source: str, raw: str) -> Level:
    """
    Read a level of the sandbox; small letters do.

    Raises:
        pytest.UsageError: It is none.
    """
    from pytest_codeact.runtimes import LEVELS

    for level in LEVELS:
        if raw.strip().upper() == level:
            return level
    raise pytest.UsageError(f"{source}: unknown level {raw!r}; known levels, best first: {', '.join(LEVELS)}")


def parse_instant(source: str, raw: str) -> float:
    """
    Read a date and time; gives seconds since the epoch.

    Raises:
        pytest.UsageError: As for `runtimes.instant_s`.
    """
    from pytest_codeact.runtimes import instant_s

    try:
        return instant_s(raw)
    except ValueError as error:
        raise pytest.UsageError(f"{source}: {error}") from error


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


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Read, a port that is none raises.
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _number(raw: str | float) -> float:
    try:
        return float(raw)
    except ValueError:
        return math.nan
