"""A clock that stands still: every way to ask for the time gives the same instant, and what it gives is what it is."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

NOON_S = 1_772_366_400.25
"""2026-03-01, 12:00:00.25 UTC."""

SCRIPT = f"""
import json, sys
sys.path[:0] = [{str(FOLDER.parent)!r}, {str(FOLDER)!r}]
from fuzz.inside import Layer
shown = []
for source in json.load(sys.stdin):
    layer = Layer(frozen_clock={NOON_S})
    end = layer.run("import time, datetime, asyncio, logging, uuid\\nfrom datetime import date, timedelta, timezone\\nfrom zoneinfo import ZoneInfo\\nfound = (" + source + ")\\n")
    shown.append(repr(layer.namespace["found"]) if end == "ok" else end)
json.dump(shown, sys.stdout)
"""

CASES = {
    "time.time(), time.time_ns()": f"({NOON_S}, 1772366400250000000)",
    "datetime.datetime.now()": "datetime.datetime(2026, 3, 1, 12, 0, 0, 250000)",
    "datetime.datetime.utcnow()": "datetime.datetime(2026, 3, 1, 12, 0, 0, 250000)",
    "datetime.datetime.today(), date.today()": "(datetime.datetime(2026, 3, 1, 12, 0, 0, 250000), datetime.date(2026, 3, 1))",
    "datetime.datetime.now(timezone.utc).isoformat()": "'2026-03-01T12:00:00.250000+00:00'",
    "str(datetime.datetime.now(ZoneInfo('Europe/Berlin')))": "'2026-03-01 13:00:00.250000+01:00'",
    "time.strftime('%Y-%m-%d %H:%M:%S'), time.ctime(), time.asctime()": "('2026-03-01 12:00:00', 'Sun Mar  1 12:00:00 2026', 'Sun Mar  1 12:00:00 2026')",
    "tuple(time.gmtime())[:6], tuple(time.localtime())[:6], time.gmtime(0).tm_year": "((2026, 3, 1, 12, 0, 0), (2026, 3, 1, 12, 0, 0), 1970)",
    "[time.sleep(60), time.time(), str(datetime.datetime.now())]": f"[None, {NOON_S + 60}, '2026-03-01 12:01:00.250000']",
    "[asyncio.run(asyncio.sleep(3600)), time.strftime('%H')]": "[None, '13']",
    "time.perf_counter() < time.perf_counter(), time.monotonic() < 1": "(True, True)",
    "date.today() + timedelta(days=31), date(2026, 4, 1) - date.today()": "(datetime.date(2026, 4, 1), datetime.timedelta(days=31))",
    "isinstance(datetime.datetime.now(), date), issubclass(datetime.datetime, date), isinstance(date(2026, 1, 1), datetime.datetime)": "(True, True, False)",
    "type(datetime.datetime.now()).__name__, type(datetime.datetime.now().date()) is date": "('datetime', True)",
    "isinstance((datetime.datetime.now() - timedelta(1)), datetime.datetime), datetime.datetime(2026, 1, 1) < datetime.datetime.now()": "(True, True)",
    "datetime.datetime.strptime('2026-01-02', '%Y-%m-%d'), date.fromisoformat('2026-01-02').replace(day=3)": "(datetime.datetime(2026, 1, 2, 0, 0), datetime.date(2026, 1, 3))",
    "isinstance(datetime.datetime.fromtimestamp(0, timezone.utc).date(), date), {date(2026, 1, 1): 1}[datetime.datetime(2026, 1, 1).date()]": "(True, 1)",
    "datetime.datetime, date": "(<class 'datetime.datetime'>, <class 'datetime.date'>)",
}
"""Expressions and what they give."""


@pytest.fixture(scope="module")
def given() -> dict[str, str]:
    """Evaluate every case, each by a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        input=json.dumps(list(CASES)),
        env={"TZ": "UTC"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("expression", CASES)
def test_clock_stands_still(expression: str, given: dict[str, str]) -> None:
    """The time is the frozen one plus what was slept, and its classes are those that a program knows."""
    assert given[expression] == CASES[expression]
