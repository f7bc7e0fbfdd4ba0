"""
Two sides compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_codeact.measure._bootstrap import difference_bounds, median_difference_bounds
from pytest_codeact.measure._comparison import Comparison, Interval
from pytest_codeact.measure._figures import matched
from pytest_codeact.measure._judge import MIN_TRIALS, Judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure._comparison import Floor
    from pytest_codeact.measure._metrics import Metric
    from pytest_codeact.measure._pools import Sample


def compare(
    base: Sequence[Sample], now: Sequence[Sample], metric: Metric, *, paired: bool, floor: Floor | None = None
) -> Comparison:
    """
    Compare two sides in one metric.

    Scenarios are the clusters: with at least `MIN_SCENARIOS` of them the summary's intervals are over scenarios
    (`ratio_bounds`; of the median, `median_bounds`), with fewer over the trials within them (`function_bounds`);
    those of a scenario are over its trials (`difference_bounds`). The mean of a binary metric, such as success,
    is a rate: it has Newcombe's interval and exact tests, over trials always.

    A verdict is given where the interval excludes no change, and randomisation (Fisher-Pitman) or exact tests say
    p <= 0.05, and the change is beyond the floor. Over scenarios two tests must agree: exchanging the sides of whole
    scenarios, and exchanging those of trials within them, however few they are. The second stops what is the same in
    every scenario and yet no more than the order of the trials, as drift is. Of what never varied in its trials any
    change of a scenario, or of fewer than `MIN_SCENARIOS`, is a verdict.

    Of eight scenarios with ten trials, in 1,000 seeded runs of equal arms for each of lognormal noise (coefficient of
    variation 0.3), drift, heavy tails and failures, 1 to 3 % were given one, and 1 to 5 % one in any scenario. A change
    of 10 % is found in 96 % of runs at a coefficient of variation of 0.1, in 80 % at 0.15. Metrics are not
    corrected for each other: of twenty that did not change, one may be called.

    Args:
        base: The earlier side, at most one sample per scenario.
        now: The later side; scenarios are matched by their id.
        metric: What is compared.
        paired: Whether trials of the same number are pairs: they are in two arms of one run, not in two runs.
        floor: What `spread` gave of a control: a change that is not beyond it is no verdict. One that lacks a scenario,
            or was given a verdict itself, leaves nothing to hold a change against: then there is none. None for no
            control.

    Raises:
        ValueError: A scenario comes twice on one side.
    """
    figures = matched(base, now, metric.name, paired=paired)
    judge = Judge(metric=metric, floor=floor, paired=paired, figures=figures)
    return Comparison(metric=metric.name, deltas=judge.deltas(), summary=judge.summary(base, now))


def difference_interval(
    base: Sequence[float], now: Sequence[float], stat: Literal["mean", "median"], *, paired: bool
) -> Interval | None:
    """
    Give the 95 % interval, over trials, of how much a scenario's mean or median changed.

    Args:
        base: Figures of the earlier side, finite.
        now: Figures of the later side.
        stat: What is taken of each side.
        paired: Whether figures at the same position are pairs; then there are as many on both sides.

    Returns:
        The interval of stat(now) - stat(base). None if a side has fewer than `MIN_TRIALS` figures.
    """
    if min(len(base), len(now)) < MIN_TRIALS:
        return None
    if stat == "mean":
        low, high = difference_bounds([(base, now)], paired=paired)[0]
    else:
        low, high = median_difference_bounds(base, now, paired=paired)
    return Interval(low=low, high=high, over="trials")
