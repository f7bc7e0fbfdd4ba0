"""
What a comparison says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

Verdict: TypeAlias = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """
    A 95 % interval.

    Attributes:
        low: Its lower end, in the unit of the figure it belongs to.
        high: Its upper end. Equal to `low` where what was resampled does not vary.
        over: What was resampled. "scenarios": it speaks of scenarios like these. "trials": it speaks of further trials
            of these scenarios only.
    """

    low: float
    high: float
    over: Literal["scenarios", "trials"]

    def excludes(self, value: float) -> bool:
        """Say whether a value lies outside."""
        return not self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """
    A figure and how sure it is.

    Attributes:
        value: The figure. None if it is undefined.
        interval: Of the figure. None if it is undefined, or there is too little to resample.
    """

    value: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """
    One scenario's change.

    Attributes:
        scenario: Id of the scenario.
        base: Mean of the earlier side's figures. None if it has none.
        now: Mean of the later side's. None if it has none.
        delta: now - base. None if one of them is.
        interval: Of delta, over trials; of a sum that is never negative it ends at -base. None if a side has fewer than
            `MIN_TRIALS` figures.
        base_trials: Figures of the earlier side that count: known and finite and, of pairs, with a partner that is.
        now_trials: The same of the later side.
        pairs: How many pairs they are. None if trials are no pairs.
        p: Of the test that nothing changed, corrected (Holm) so that all of a comparison's scenarios hold together.
            None if there is no interval.
        verdict: "cannot tell" unless the interval excludes 0, `p` is at most 0.05, and the change is beyond the floor.
    """

    scenario: str
    base: float | None
    now: float | None
    delta: float | None
    interval: Interval | None
    base_trials: int
    now_trials: int
    pairs: int | None
    p: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """
    The change over all scenarios that both sides know.

    Attributes:
        scenarios: How many both sides know.
        of: How many either side ran.
        base: Sum of the scenarios' means on the earlier side; mean of them if the metric is not summed. None if
            `scenarios` is 0.
        now: The same of the later side.
        delta: now - base. Over scenarios, which differ more in size than in ratio, its interval covers 90 to 98 % and
            is wide; where `total` is defined that is what is judged.
        total: now / base, the ratio of sums. Undefined if a sum is not positive, a scenario's mean is negative, or the
            metric is not summed.
        median: Median of the scenarios' ratios now / base, over those whose base is positive. Undefined if there is
            none, or the metric is not summed.
        leave_one_out: Lowest and highest `total` with one scenario left out. None below two scenarios, or where
            `total` is.
        per_correct: Ratio of what one success costs: the sum of the scenarios' means over ALL completed trials whose
            figure is known, failed ones included, by the sum of their success rates. Undefined if a side has no
            success, or the metric is not summed.
        p: Of the test that nothing changed; the largest where two were asked. None if there was nothing to ask.
        verdict: "cannot tell" unless the interval of `total` (of `delta`, where that is undefined) excludes no change,
            `p` is at most 0.05, and the change is beyond the floor.
        note: What must be said with the figures, in one line. "" for nothing.
    """

    scenarios: int
    of: int
    base: float | None
    now: float | None
    delta: Estimate
    total: Estimate
    median: Estimate
    leave_one_out: tuple[float, float] | None
    per_correct: Estimate
    p: float | None
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    One metric on two sides: two arms of a run, or one arm in two runs.

    Attributes:
        metric: Name of the metric.
        deltas: One per scenario that either side ran: in the earlier side's order, then what only the later one ran.
        summary: Over all of them.
    """

    metric: str
    deltas: tuple[Delta, ...]
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """
    What a control shows: how much an arm differs from itself, in one metric.

    Attributes:
        kind: What `value` is. "share": of the earlier side, |total - 1|. "difference": in the metric's own unit; it is
            that where total is undefined.
        value: A change that is not beyond it is no verdict. None if there was nothing to compare.
        scenarios: Ids of those that both sides knew.
        verdict: What the control was called beside what it repeats. Not "cannot tell" means that equals are told apart.
    """

    kind: Literal["share", "difference"]
    value: float | None
    scenarios: frozenset[str]
    verdict: Verdict

    def exceeded(self, base: float, now: float) -> bool:
        """Say whether a change is beyond the floor. From 0, any change is beyond any share."""
        if self.value is None:
            return False
        change = abs(now - base)
        return change > self.value * abs(base) if self.kind == "share" else change > self.value

    def objection(self, scenarios: Collection[str]) -> str:
        """
        Say why it cannot be the floor of a comparison of these scenarios.

        Args:
            scenarios: Ids of those that the comparison's sides know.

        Returns:
            The reason, in a clause. "" for none.
        """
        if self.value is None:
            return "no verdict, as no trial of the control can be compared"
        if missing := sum(scenario not in self.scenarios for scenario in scenarios):
            return f"no verdict, as the control lacks {missing} of these {len(scenarios)} scenarios"
        if self.verdict != "cannot tell":
            return f"no verdict, as the control differs from itself: it is {self.verdict} than the arm that it repeats"
        return ""


def spread(comparison: Comparison) -> Floor:
    """
    Give the difference that a comparison of equals shows: the floor of other comparisons of the metric.

    Args:
        comparison: Of an A/A pair.
    """
    summary = comparison.summary
    total, delta = summary.total.value, summary.delta.value
    known = (each.scenario for each in comparison.deltas if each.delta is not None)
    return Floor(
        kind="difference" if total is None else "share",
        value=abs(total - 1) if total is not None else None if delta is None else abs(delta),
        scenarios=frozenset(known),
        verdict=summary.verdict,
    )
