"""A frozen clock, in every runtime: it stands where it was set, and dates are otherwise what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits, instant_s
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.runtimes import Runtime

NOON = "2026-03-31T12:30:15Z"


def value_of(runtime: Runtime, program: str, *, frozen: bool = True) -> str | None:
    """Run a program in a session whose clock stands at noon; give its value."""
    bindings = Bindings(
        functions=(), call=lambda *_call: CallReply(), frozen_clock_s=instant_s(NOON) if frozen else None
    )
    session = runtime.start(bindings, Limits())
    execution = session.run(program)
    session.close()
    assert execution.error is None, execution.error
    return execution.value


PYTHON = {
    "now": ("from datetime import datetime, timezone as z\nstr(datetime.now(z.utc))", "'2026-03-31 12:30:15+00:00'"),
    "naive": ("import datetime\nstr(datetime.datetime.now())", "'2026-03-31 12:30:15'"),
    "today": ("from datetime import date\ndate.today()", "datetime.date(2026, 3, 31)"),
    "time": ("import time\nint(time.time())", "1774960215"),
    "parts": ("import time\ntime.gmtime()[:6]", "(2026, 3, 31, 12, 30, 15)"),
    "stands": ("from datetime import datetime\nsum(range(10**5))\nlen({datetime.now() for _ in range(9)})", "1"),
}  # fmt: skip
"""What programs ask the clock, with the answers."""

SLEEPS = "import time\nfrom datetime import datetime\ntime.sleep(90)\nstr(datetime.now())"


@pytest.fixture(scope="module", params=["restricted", "monty"])
def python(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """Give a runtime for Python."""
    runtime: Runtime = RestrictedRuntime()
    if request.param == "monty":
        pytest.importorskip("pydantic_monty", reason="needs the extra monty")
        from pytest_codeact.runtimes.monty import MontyRuntime

        runtime = MontyRuntime()
    yield runtime
    runtime.close()


@pytest.fixture(scope="module")
def deno() -> Iterator[Runtime]:
    """Give the runtime for TypeScript."""
    pytest.importorskip("deno", reason="needs the extra deno")
    from pytest_codeact.runtimes.deno import DenoRuntime

    runtime = DenoRuntime()
    yield runtime
    runtime.close()


@pytest.mark.parametrize("name", PYTHON)
def test_clock_of_python_stands(python: Runtime, name: str) -> None:
    """Every clock shows the instant that was set."""
    program, value = PYTHON[name]

    assert value == value_of(python, program)


def test_sleeping_moves_the_clock_on() -> None:
    """A program that waits for a time gets there, at once."""
    runtime = RestrictedRuntime()
    value = value_of(runtime, SLEEPS)
    runtime.close()

    assert value == "'2026-03-31 12:31:45'"


def test_clock_that_is_not_frozen_runs(python: Runtime) -> None:
    """Without the option it is the machine's."""
    year = value_of(python, "from datetime import datetime\ndatetime.now().isoformat()", frozen=False)

    assert (year or "") > "'2026-04"


TYPESCRIPT = {
    "now": ("new Date().toISOString()", '"2026-03-31T12:30:15.000Z"'),
    "milliseconds": ("Date.now()", "1774960215000"),
    "string": ("Date().slice(0, 24)", '"Tue Mar 31 2026 12:30:15"'),
    "given": ("const d = new Date(0); [d.getTime(), d instanceof Date, d.constructor === Date]", "[ 0, true, true ]"),
    "subclass": ("class Day extends Date {}; new Day().toISOString()", '"2026-03-31T12:30:15.000Z"'),
    "temporal": ("Temporal.Now.plainDateTimeISO().toString()", '"2026-03-31T12:30:15"'),
    "timer": (
        "await new Promise((r) => setTimeout(r, 90_000)); new Date().toISOString()",
        '"2026-03-31T12:31:45.000Z"',
    ),
}
"""What programs ask the clock, with the answers."""


@pytest.mark.parametrize("name", TYPESCRIPT)
def test_clock_of_typescript_stands(deno: Runtime, name: str) -> None:
    """Every clock shows the instant that was set, and timers move it on."""
    program, value = TYPESCRIPT[name]

    assert value == value_of(deno, program)


def test_typescript_draws_the_same_every_time(deno: Runtime) -> None:
    """`Math.random` is seeded, as Python's is."""
    drawn = {value_of(deno, "[Math.random(), Math.random()].join()") for _ in range(2)}

    assert len(drawn) == 1
