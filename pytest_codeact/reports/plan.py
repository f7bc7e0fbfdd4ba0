"""
The plan of a live run: what it will ask, and what that may cost, before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.reports import wrapped
from pytest_codeact.reports._cells import UNKNOWN, table, usd_decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HEADING: Final = ("model", "arm", "trials", "requests", "tok in", "tok out", "USD")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """
    What one arm with one model is going to ask, over all its trials. None for a figure that nobody knows.

    Attributes:
        model: PROVIDER/MODEL.
        arm: Name of the arm.
        trials: Number of its trials.
        requests: Model requests, without attempts that fail.
        input_tokens: Tokens that they send.
        output_tokens: Tokens of the replies.
        cost_usd: US dollars, each request priced by itself.
    """

    model: str
    arm: str
    trials: int
    requests: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


def total_of(rows: Sequence[PlanRow]) -> PlanRow:
    """Sum rows up. What one of them does not know, the sum does not know."""
    return PlanRow(
        model="total",
        arm="",
        trials=sum(row.trials for row in rows),
        requests=_sum(row.requests for row in rows),
        input_tokens=_sum(row.input_tokens for row in rows),
        output_tokens=_sum(row.output_tokens for row in rows),
        cost_usd=_sum(row.cost_usd for row in rows),
    )


def render_plan(rows: Sequence[PlanRow], notes: Sequence[str], width: int) -> list[str]:
    """
    Give the plan as lines.

    Args:
        rows: One per model and arm, in the order in which they are shown.
        notes: Sentences that are said below.
        width: Columns of the terminal.
    """
    shown = [*rows, *([total_of(rows)] if len(rows) > 1 else [])]
    costs = [row.cost_usd for row in shown if row.cost_usd is not None]
    decimals = usd_decimals(max(costs, default=0.0))
    cells = [
        [
            row.model,
            row.arm,
            str(row.trials),
            _count(row.requests),
            _count(row.input_tokens),
            _count(row.output_tokens),
            _cell(row.cost_usd, lambda cost: f"{cost:,.{decimals}f}"),
        ]
        for row in shown
    ]
    lines = table([_HEADING, *cells], width=width, text_columns=2)
    return ["codeact plan:", *lines, *(line for note in notes for line in wrapped(note, width))]


def _sum(figures: Iterable[float | None]) -> Any:
    listed = list(figures)
    return None if None in listed else sum(filter(None, listed))


def _count(count: int | None) -> str:
    return _cell(count, lambda known: f"{known:,}")


def _cell(figure: Any, text: Callable[[Any], str]) -> str:
    return UNKNOWN if figure is None else text(figure)
