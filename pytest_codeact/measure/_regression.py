"""
Is a rise more than noise? p-values for the gate, which looks at many scenarios and needs small ones to be right.
"""

from __future__ import annotations

import functools
import math
import statistics
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.measure._randomise import constant_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure._bootstrap import Array
    from pytest_codeact.measure._figures import Strata

_RANK_GUARD: Final = 0.01
"""
What the ranks must say of a rise of a mean. Without it one outlier among five new trials, compared with fifty old ones,
failed 28 % of runs in which nothing had changed; with it 4 %, and the power to find a rise of 20 % is the same.
"""

_MOST_SUMS: Final = 5_000
"""
Sums of ranks up to which their distribution is enumerated: 50 trials a side of one scenario, 10 of 25. Beyond it the
normal distribution is taken, whose tails are heavier than the sum's.
"""

_NO_VARIANCE: Final = 1e-9
"""Relative standard deviation that is taken for the rounding of figures that are all the same."""

_TINY_T: Final = 1e-6
"""Below it, x is 1 to a machine's precision."""

_CLOSE: Final = 1e-12
"""Relative size of a last step of the continued fraction."""


def rise_p(strata: Strata, *, ranked: bool) -> float:
    """
    Give the p-value, two-sided, of a rise from the earlier trials to the later; 1 if there is none.

    Of a median: the rank-sum test (Wilcoxon 1945, Biometrics 1:80), exact given the figures, ties included; over
    several strata that of the sum of their rank sums. It is twice the upper tail: 0.008 at least for five trials a
    side.

    Of a mean: Student's t-test of the mean of the strata's differences, with each stratum's pooled variance, since
    "nothing changed" says that both sides have the same, and Satterthwaite's degrees of freedom. A rise of a mean must
    show in the ranks too (p <= 0.01).

    Of figures that are constant on both sides the t-test would be certain; then it is the most that chance could do in
    one stratum, 0.002 for five trials a side.

    Args:
        strata: Per scenario the figures of both sides, two or more each, in no order.
        ranked: Whether the median is judged.
    """
    by_rank = rank_sum_p(strata)
    if ranked or by_rank > _RANK_GUARD:
        return by_rank if ranked else 1.0
    return max(_student_p(strata), min(constant_p(base, now) for base, now in strata) if _is_constant(strata) else 0.0)


def rank_sum_p(strata: Strata) -> float:
    """
    Give the p-value of the stratified rank-sum test of a rise: twice the upper tail, at most 1.

    Args:
        strata: As for `rise_p`; one figure a side will do.
    """
    parts = [_doubled_ranks(base, now) for base, now in strata]
    if sum(2 * len(base) * len(now) for base, now in strata) > _MOST_SUMS:
        return _normal_rank_sum_p(parts)
    import numpy as np

    chances: Any = np.ones(1)
    observed = 0
    for ranks, count in parts:
        each, lowest = _rank_sum_chances(tuple(sorted(ranks)), count)
        chances = np.convolve(chances, each)
        observed += sum(ranks[-count:]) - lowest
    return min(1.0, 2 * float(chances[observed:].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """
    Correct p-values for their number, in their order (Holm 1979, Scandinavian Journal of Statistics 6:65).

    Calling those below 0.05 gives at most 5 % of families with a false call, however the figures hang together.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[place]))
        corrected[place] = highest
    return corrected


def _student_p(strata: Strata) -> float:
    rise, variance, weights = 0.0, 0.0, 0.0
    for base, now in strata:
        freedom = len(base) + len(now) - 2
        difference = statistics.fmean(now) - statistics.fmean(base)
        part = (_squares(base) + _squares(now)) / freedom * (1 / len(base) + 1 / len(now))
        rise += difference
        variance += part
        weights += part**2 / freedom
    scale = max(abs(figure) for base, now in strata for figure in (*base, *now))
    if rise <= _NO_VARIANCE * scale:
        return 1.0
    if variance <= (_NO_VARIANCE * scale) ** 2:
        return 0.0
    return student_tail(rise / math.sqrt(variance), variance**2 / weights)


def _squares(figures: Sequence[float]) -> float:
    mean = statistics.fmean(figures)
    return math.fsum((figure - mean) ** 2 for figure in figures)


def _is_constant(strata: Strata) -> bool:
    return all(len(set(side)) == 1 for each in strata for side in each)


def _doubled_ranks(base: Sequence[float], now: Sequence[float]) -> tuple[list[int], int]:
    """Give twice the ranks of both sides' figures among all of them, and how many are the later side's, the last."""
    ordered = sorted((*base, *now))
    first: dict[float, int] = {}
    count: dict[float, int] = {}
    for place, figure in enumerate(ordered):
        first.setdefault(figure, place)
        count[figure] = count.get(figure, 0) + 1
    # Figures that are alike share the mean of their ranks, which may be a half.
    return [2 * first[figure] + count[figure] + 1 for figure in (*base, *now)], len(now)


@functools.lru_cache(maxsize=64)
def _rank_sum_chances(ranks: tuple[int, ...], count: int) -> tuple[Array, int]:
    """
    Give the chance of every sum of `count` of the ranks, each choice being as likely, and the lowest sum.

    Returns:
        One chance per sum, from the lowest up.
    """
    import numpy as np

    if 2 * count > len(ranks):
        # What is chosen and what is left add up to the same: choose the fewer.
        chances, lowest = _rank_sum_chances(ranks, len(ranks) - count)
        return chances[::-1], sum(ranks) - lowest - len(chances) + 1
    least = ranks[0]
    ways = np.zeros((count + 1, sum(ranks[-count:]) - count * least + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank - least :] += ways[:-1, : ways.shape[1] - (rank - least)]
    lowest = sum(ranks[:count])
    return ways[count, lowest - count * least :] / math.comb(len(ranks), count), lowest


def _normal_rank_sum_p(parts: Sequence[tuple[Sequence[int], int]]) -> float:
    """Give the p-value by the normal distribution, with the variance that ties leave and a continuity correction."""
    rise, variance = -1.0, 0.0
    for ranks, count in parts:
        mean = statistics.fmean(ranks)
        rise += sum(ranks[-count:]) - count * mean
        share = count * (len(ranks) - count) / (len(ranks) * (len(ranks) - 1))
        variance += share * math.fsum((rank - mean) ** 2 for rank in ranks)
    return math.erfc(rise / math.sqrt(2 * variance)) if rise > 0 and variance > 0 else 1.0


def student_tail(t: float, freedom: float) -> float:
    """
    Give the chance that Student's t is further from 0 than `t`, on either side.

    It is the incomplete beta function I_x(f/2, 1/2) at x = f/(f+t²), by its continued fraction (DLMF 8.17.22).
    """
    if t < _TINY_T:
        return 1.0
    x = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    factor = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return factor * _beta_fraction(a, b, x) / a
    return 1.0 - factor * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value
