"""
The arms of a run beside its base arm: how much less each metric is, how sure that is, and the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.measure import METRICS, compare, pass_hat, sample, spread
from pytest_codeact.reports._cells import UNKNOWN, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure import Estimate, Floor, Metric, Pool, Summary

_FINE_BELOW: Final = 10
"""Ends of an interval below so many percent are shown with a decimal."""

_VERDICT: Final = (
    'A verdict needs a 95 % interval without "no change" and an exact test with p <= 0.05. Each of {asked} has its '
    "own: of twenty that did not change, one may be called."
)

_GAIN: Final = "A gain is how much more there is of what is better when higher."

_CONTROL: Final = (
    "A/A is what {base} differs from itself, run a second time; a change that is not beyond it is no verdict."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmBlock:
    """
    One arm beside the base arm.

    Attributes:
        rows: Cells: the heading, then one row per metric.
        notes: What must be said with them, a line each.
    """

    rows: list[list[str]]
    notes: list[str]


def compare_arms(
    title: str, base: Sequence[Pool], arm: Sequence[Pool], control: Sequence[Pool], metrics: Sequence[Metric]
) -> ArmBlock:
    """
    Compare an arm with the base arm of the same run and model.

    A saving is 1 - ratio of the sums: 25 % is a quarter less than the base arm, a negative one is more. What is no
    sum, such as the success rate, is compared in points; of a sum that is better when higher the gain is shown, ratio
    - 1. The other columns are the median of the scenarios' savings,
    the range of the saving when each scenario in turn is left out, and the saving per correct answer, for which failed
    trials pay too.

    Args:
        title: Heading of the first column.
        base: The base arm's pools, at most one per scenario.
        arm: The arm's.
        control: The pools of the base arm's second run. Empty without a control.
        metrics: The rows.
    """
    # What a correct answer costs takes the successes, shown or not.
    figures = [*metrics, *(metric for metric in METRICS if metric.name == "success")]
    sides = [[sample(pool, figures) for pool in side] for side in (base, arm, control)]
    heading = [title, "saving", "95 % range", "median", "drop one", "per ok", *(["A/A"] if control else []), "verdict"]
    rows: list[list[str]] = [heading]
    said: dict[str, list[str]] = {}
    for metric in metrics:
        floor = spread(compare(sides[0], sides[2], metric, paired=True)) if control else None
        comparison = compare(sides[0], sides[1], metric, paired=True, floor=floor)
        summary = comparison.summary
        between = [_floor(metric, floor)] if floor else []
        rows.append([f"  {_title(metric)}", *_figures(metric, summary), *between, summary.verdict])
        if 0 < summary.scenarios < summary.of:
            partial = f"compared over {summary.scenarios} of {summary.of} scenarios: those that both arms know"
            said.setdefault(partial, []).append(metric.title)
        if summary.note:
            said.setdefault(summary.note, []).append(metric.title)
    notes = [
        _VERDICT.format(asked=_counted(len(metrics), "metric")),
        *([_CONTROL.format(base=base[0].arm)] if control else []),
        *([_GAIN] if any(_is_gain(metric) for metric in metrics) else []),
    ]
    return ArmBlock(rows=rows, notes=notes + [f"{', '.join(titles)}: {note}" for note, titles in said.items()])


def pass_hats(arms: Sequence[tuple[str, Sequence[Pool]]]) -> list[list[str]]:
    """
    Give the table of pass^k: the chance that k trials of a scenario in a row are all right, averaged over scenarios.

    Args:
        arms: Label and pools of each arm.

    Returns:
        Cells, the heading first; powers of two up to the trials that every scenario has. Empty below two trials.
    """
    fewest = min((len(pool.trials) for _, group in arms for pool in group), default=0)
    ks = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= fewest]
    if fewest < 2:  # noqa: PLR2004 - one trial has no pass^k but its success
        return []
    rows = [["pass^k", *(f"k={k}" for k in ks)]]
    for label, group in arms:
        hats = [[pass_hat(pool.success_count, len(pool.trials), k) or 0.0 for pool in group] for k in ks]
        rows.append([f"  {label}", *(f"{sum(each) / len(each):.2f}" for each in hats)])
    return rows


def _figures(metric: Metric, summary: Summary) -> list[str]:
    if not metric.summed:
        points = summary.delta.interval
        return [_points(summary.delta), _range(points.low, points.high, " pt") if points else UNKNOWN, "", "", ""]
    sign = 1 if _is_gain(metric) else -1
    ratios = (_total(summary), summary.median.value, summary.per_correct.value)
    total, median, per_correct = (UNKNOWN if each is None else f"{sign * (each - 1):z.1%}" for each in ratios)
    interval, left_out = summary.total.interval, summary.leave_one_out
    ends = _ends((interval.low, interval.high) if interval else None, sign)
    return [total, ends, median, _ends(left_out, sign), per_correct]


def _is_gain(metric: Metric) -> bool:
    return metric.summed and metric.better == "higher"


def _title(metric: Metric) -> str:
    return f"{metric.title} gain" if _is_gain(metric) else metric.title


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _floor(metric: Metric, floor: Floor) -> str:
    if floor.value is None or (floor.kind == "difference" and metric.summed):
        return figure(metric, floor.value)
    return f"{floor.value:.1%}" if floor.kind == "share" else f"{100 * floor.value:.1f} pt"


def _total(summary: Summary) -> float | None:
    """Give the ratio of the sums, also where it is 0 and has no interval."""
    return summary.now / summary.base if summary.base and summary.now == 0 else summary.total.value


def _points(delta: Estimate) -> str:
    return UNKNOWN if delta.value is None else f"{100 * delta.value:+.1f} pt"


def _ends(ratios: tuple[float, float] | None, sign: int) -> str:
    """Give a range of ratios as one of gains, or of savings if the sign is negative."""
    if ratios is None:
        return UNKNOWN
    low, high = sorted(sign * (ratio - 1) for ratio in ratios)
    return _range(low, high, "%")


def _range(low: float, high: float, unit: str) -> str:
    ends = (100 * low, 100 * high)
    digits = 1 if max(map(abs, ends)) < _FINE_BELOW else 0
    return "..".join(f"{end:.{digits}f}" for end in ends) + unit
