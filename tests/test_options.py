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


@pytest.mark.parametrize(
    ("parse", "raw", "message"),
    [
        (options.parse_names, "a,,b", "--x: empty name in 'a,,b'; expected names separated by commas, for example a,b"),
        (options.parse_names, "", "--x: empty name in ''; expected names separated by commas, for example a,b"),
        (options.parse_names, ["a", "a"], "--x: 'a' comes twice in 'a,a'; name each once"),
        (options.parse_count, "0", "--x: expected a whole number from 1 to 1,000,000,000; got '0'"),
        (options.parse_count, "1.5", "--x: expected a whole number from 1 to 1,000,000,000; got '1.5'"),
        (options.parse_count, "9" * 20, f"--x: expected a whole number from 1 to 1,000,000,000; got '{'9' * 20}'"),
        (options.parse_count, "many", "--x: expected a whole number from 1 to 1,000,000,000; got 'many'"),
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
