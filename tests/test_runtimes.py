"""The seam itself: limits that can be taken, instants, and what holds a runtime's programs."""

from __future__ import annotations

import pytest
from fakes import ScriptedRuntime

from pytest_codeact.runtimes import Bindings, Confinement, Limits, Sandbox, confinement_of, instant_s, limit_problem


class SilentRuntime:
    """A runtime of an earlier seam: it cannot say how it holds programs."""

    language = "python"


def test_runtime_that_cannot_say_is_of_the_least_level() -> None:
    """Unknown is no better than nothing."""
    silent = confinement_of(SilentRuntime())  # type: ignore[arg-type]  # it lacks a method, which is the point

    assert silent == Confinement(level="D", missing=("it does not say how it holds programs",))
    assert confinement_of(ScriptedRuntime({})).level == "A"


def test_sandbox_knows_its_level_once_it_was_used() -> None:
    """Without a session nothing was held."""
    sandbox = Sandbox(lambda _language: ScriptedRuntime({}), Limits())
    before = sandbox.level
    sandbox.start(Bindings(functions=(), call=lambda *_call: pytest.fail("not called")), "python")
    sandbox.close()

    assert (before, sandbox.level) == (None, "A")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("wall_s", 1e300, "the limit 'wall_s' must be at most 1000000"),
        ("cpu_s", 10**400, "the limit 'cpu_s' must be at most 1000000"),
        ("memory_bytes", 2**60, "the limit 'memory_bytes' must be at most 1125899906842624"),
        ("nesting", 201, "the limit 'nesting' must be at most 200"),
        ("integer_bits", 14_001, "the limit 'integer_bits' must be at most 14000"),
        ("frames", 0.5, "the limit 'frames' must be a whole number"),
        ("result_bytes", 0, "the limit 'result_bytes' must be a number above 0"),
        ("wall_s", 1_000_000, ""),
    ],
)
def test_limit_beyond_what_can_be_kept_is_refused(name: str, value: float, problem: str) -> None:
    """What host or kernel cannot take is told before a trial meets it."""
    assert limit_problem(name, value) == problem


def test_instant_is_utc_unless_it_says_otherwise() -> None:
    """ISO 8601, from 1970 on."""
    assert [instant_s(text) for text in ("1970-01-02", "1970-01-02T01:00+01:00")] == [86_400.0] * 2
    with pytest.raises(ValueError, match=r"^expected a date and time from 1970 to 2999, for example .*; got 'soon'$"):
        instant_s("soon")
