"""Option values, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_codeact.options import _parse as options
from pytest_codeact.runtimes import Limits

if TYPE_CHECKING:
    from collections.abc import Callable


def test_names_are_split_at_commas_and_trimmed() -> None:
    """One value or several, each with commas."""
    assert options.parse_names("--x", "a, b") == ("a", "b")
    assert options.parse_names("--x", ["a,b", "c"]) == ("a", "b", "c")


def test_limits_are_read_by_name() -> None:
    """The last of two values for a limit wins."""
    assert options.parse_limits("--x", ["wall_s=2", "tool_calls=7", "wall_s = 0.5"]) == {
        "wall_s": 0.5,
        "tool_calls": 7.0,
    }


def test_level_may_be_written_small() -> None:
    """Letters are not case-sensitive."""
    assert (options.parse_level("--x", " b "), options.parse_level("--x", "A")) == ("B", "A")


def test_dollars_may_have_their_sign_and_no_end() -> None:
    """Nothing at all may be spent as well; "none" is any sum."""
    read = [options.parse_dollars("--x", raw) for raw in ("2.00", " $0.5 ", "0", "none", "None")]

    assert read == [2.0, 0.5, 0.0, float("inf"), float("inf")]


def test_addresses_are_by_provider_and_keep_their_query() -> None:
    """One without a provider is that of all others."""
    raw = ["openai=https://a.test/v1/", "http://127.0.0.1:8000/x?api-version=1"]

    assert options.parse_base_urls("--x", raw) == {
        "openai": "https://a.test/v1",
        "": "http://127.0.0.1:8000/x?api-version=1",
    }


def test_instant_is_utc_unless_it_says_otherwise() -> None:
    """ISO 8601, in seconds since the epoch."""
    read = [options.parse_instant("--x", raw) for raw in ("1970-01-02", "1970-01-02T00:00Z", "1970-01-02T01:00+01:00")]

    assert read == [86400.0] * 3


@pytest.mark.parametrize(
    ("parse", "raw", "message"),
    [
        (options.parse_level, "best", "--x: unknown level 'best'; known levels, best first: A, B, C, D"),
        (
            options.parse_instant,
            "noon",
            "--x: expected a date and time from 1970 to 2999, for example 2026-03-31T09:00:00Z; got 'noon'",
        ),
        (
            options.parse_instant,
            "1969-12-31",
            "--x: expected a date and time from 1970 to 2999, for example 2026-03-31T09:00:00Z; got '1969-12-31'",
        ),
        (options.parse_names, "a,,b", "--x: empty name in 'a,,b'; expected names separated by commas, for example a,b"),
        (options.parse_names, "", "--x: empty name in ''; expected names separated by commas, for example a,b"),
        (options.parse_names, ["a", "a"], "--x: 'a' comes twice in 'a,a'; name each once"),
        (options.parse_count, "0", "--x: expected a whole number from 1 to 1,000,000,000; got '0'"),
        (options.parse_count, "1.5", "--x: expected a whole number from 1 to 1,000,000,000; got '1.5'"),
        (options.parse_count, "9" * 20, f"--x: expected a whole number from 1 to 1,000,000,000; got '{'9' * 20}'"),
        (options.parse_count, "many", "--x: expected a whole number from 1 to 1,000,000,000; got 'many'"),
        *(
            (
                options.parse_dollars,
                raw,
                f"--x: expected US dollars from 0, for example 2.00, or none for no limit; got {raw!r}",
            )
            for raw in ("-1", "abc", "", "nan", "inf", "2,50", "$", "1e999")
        ),
        *(
            (options.parse_seconds, raw, f"--x: expected a number of seconds above 0; got {raw!r}")
            for raw in ("0", "-3", "soon", "inf", "nan")
        ),
        *(
            (
                options.parse_base_urls,
                [raw],
                f"--x: expected URL or PROVIDER=URL, for example openai=http://127.0.0.1:8000/v1; got {raw!r}",
            )
            for raw in ("", "localhost:8000", "ftp://127.0.0.1", "openai=", "http://", "http://127.0.0.1:80,")
        ),
        (
            options.parse_base_urls,
            ["http://127.0.0.1:1", "http://127.0.0.1:2"],
            "--x: every provider is given two addresses; give one",
        ),
        (options.parse_text, " ", "--x: expected a value; got ' '; give one as --help says, or leave it out"),
        (options.parse_seed, "-1", "--x: expected a whole number from 0; got '-1'"),
        (
            options.parse_limits,
            ["wall=2"],
            f"--x: unknown limit 'wall'; known limits: {', '.join(Limits.__dataclass_fields__)}; "
            "got 'wall=2', expected NAME=VALUE, for example wall_s=2",
        ),
        (
            options.parse_limits,
            ["wall_s"],
            "--x: the limit 'wall_s' must be a number above 0; got 'wall_s', expected NAME=VALUE, for example wall_s=2",
        ),
        (
            options.parse_limits,
            ["wall_s=fast"],
            "--x: the limit 'wall_s' must be a number above 0; "
            "got 'wall_s=fast', expected NAME=VALUE, for example wall_s=2",
        ),
        (
            options.parse_limits,
            ["tool_calls=1.5"],
            "--x: the limit 'tool_calls' must be a whole number; "
            "got 'tool_calls=1.5', expected NAME=VALUE, for example wall_s=2",
        ),
    ],
)
def test_bad_value_is_refused(parse: Callable[[str, object], object], raw: object, message: str) -> None:
    """A value that cannot be read says which option, what was given and what is allowed."""
    with pytest.raises(pytest.UsageError) as caught:
        parse("--x", raw)

    assert str(caught.value) == message


def test_limits_take_overrides_in_order() -> None:
    """The later override wins, whole numbers stay whole, the rest has its default."""
    limits = Limits.of({"wall_s": 2.0, "tool_calls": 7.0}, {"wall_s": 1.0})

    assert limits == Limits(wall_s=1.0, tool_calls=7)
    assert type(limits.tool_calls) is int
