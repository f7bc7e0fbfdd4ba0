"""
What the reports share: names, figures and tables as text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure import Interval, Metric

UNKNOWN: Final = "n/a"

_GAP: Final = "  "
_SMALL_USD: Final = 0.01
_WHOLE_FROM: Final = 1000

_NAME_WIDTH: Final = len("all 99 scenarios")
"""Columns that the first column of a table keeps when the table is too wide."""


def short_names(scenarios: Sequence[str]) -> dict[str, str]:
    """Drop directory and module from the ids where what is left still tells them apart."""
    unique = list(dict.fromkeys(scenarios))
    short = [_test_name(each).removeprefix("test_") for each in unique]
    return dict(zip(unique, short if len(set(short)) == len(unique) else unique, strict=True))


def _test_name(scenario: str) -> str:
    path, bracket, parameters = scenario.partition("[")
    return path.rpartition("::")[2] + bracket + parameters


def figure(metric: Metric, value: float | None, *, signed: bool = False) -> str:
    """Give a figure with its unit where it has a short one; a difference with its sign."""
    if value is None:
        return UNKNOWN
    sign = "+" if signed else ""
    if metric.unit == "s":
        return f"{value * 1e3:{sign},.1f} ms" if abs(value) < 1 else f"{value:{sign},.2f} s"
    if metric.unit == "USD":
        return f"{'-' if value < 0 else sign}${abs(value):,.{usd_decimals(value)}f}"
    if not metric.summed:
        return f"{value:{sign}.2f}"
    return f"{value:{sign},.0f}" if value == int(value) or abs(value) >= _WHOLE_FROM else f"{value:{sign},.1f}"


def usd_decimals(largest: float) -> int:
    """Give how many decimals show dollars: a trial costs cents, or hundredths of them."""
    return 4 if abs(largest) >= _SMALL_USD else 6


def difference(metric: Metric, delta: float | None, base: float | None, *, relative: bool) -> str:
    """
    Give a difference, either way.

    Args:
        metric: Whose.
        delta: In the metric's unit.
        base: What it is a share of.
        relative: Whether to give it in per cent of `base`, if that is not 0.
    """
    if relative and base and delta is not None:
        return f"{delta / abs(base):+.1%}"
    return figure(metric, delta, signed=True)


def bounds(metric: Metric, interval: Interval | None, base: float | None, *, relative: bool) -> str:
    """Give the ends of a difference's interval as `difference` does. None gives ""."""
    if interval is None:
        return ""
    return span(*(difference(metric, end, base, relative=relative) for end in (interval.low, interval.high)))


def span(low: str, high: str) -> str:
    """Give a range of two figures; a unit that both have stands once."""
    return f"{low.removesuffix(high.lstrip('+-$0123456789,.'))}..{high}"


def table(rows: Sequence[Sequence[str]], *, text_columns: int, width: int | None = None) -> list[str]:
    """
    Set rows in columns: text flush left, figures flush right.

    Args:
        rows: All of one length, the heading first; one without cells is a blank line.
        text_columns: How many columns at the left are text.
        width: Columns of the terminal; where a line would be longer, first the gaps are narrowed and then the first
            column is cut. None for any.
    """
    full = [row for row in rows if row]
    widths = [max(len(row[column]) for row in full) for column in range(len(full[0]))]
    gap = _GAP
    if width is not None:
        gaps = len(widths) - 1
        gap = _GAP if sum(widths) + len(_GAP) * gaps <= width else " "
        widths[0] = min(widths[0], max(width - sum(widths[1:]) - len(gap) * gaps, _NAME_WIDTH))
    return [_line(row, widths, gap, text_columns) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], gap: str, text_columns: int) -> str:
    cells = []
    for column, (cell, size) in enumerate(zip(row, widths, strict=False)):
        shown = cell if len(cell) <= size else cell[: size - 1] + "…"
        cells.append(shown.ljust(size) if column < text_columns else shown.rjust(size))
    return gap.join(cells).rstrip()


def markdown_table(rows: Sequence[Sequence[str]], *, text_columns: int) -> list[str]:
    """Set rows as a Markdown table; as for `table`, the heading first."""
    marks = [":--" if column < text_columns else "--:" for column in range(len(rows[0]))]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (escaped[0], marks, *escaped[1:])]


def as_json(content: object) -> str:
    """Give content as JSON to read."""
    return json.dumps(content, indent=2)
