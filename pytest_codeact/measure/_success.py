"""
Successes: exact tests, intervals of a difference of rates, pass^k. A rate is the mean of what is 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_codeact.measure._figures import Bounds, Strata

Alternative: TypeAlias = Literal["two-sided", "less", "greater"]
"""What a test looks for: that the later side's rate is another one, is lower, is higher."""

_TIE: Final = 1 + 1e-7
"""How far above the observed table's probability another one still counts as equally likely, for rounding's sake."""

_Z: Final = 1.959963984540054
"""97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    Successes of two sides in one scenario.

    Attributes:
        base_successes: Successes of the earlier side.
        base_trials: Its completed trials.
        now_successes: Successes of the later side.
        now_trials: Its completed trials.
    """

    base_successes: int
    base_trials: int
    now_successes: int
    now_trials: int


def stratified_p(tables: Iterable[Table], alternative: Alternative = "two-sided") -> float:
    """
    Give the p-value of the exact conditional test that no scenario's rate changed, over all of them together.

    Given each scenario's margins, its successes on the later side are hypergeometric; their sum over the scenarios is
    distributed as the convolution (Gart 1970, "Point and interval estimation of the common odds ratio", Biometrika
    57:471; the exact form of the Cochran-Mantel-Haenszel test). For one scenario it is Fisher's test: two-sided, the
    probability of all outcomes that are no likelier than the observed one.

    Args:
        tables: One per scenario. None at all gives 1.
        alternative: What is looked for.
    """
    import numpy as np

    chances: Any = np.ones(1)
    lowest = observed = 0
    for table in tables:
        successes = table.base_successes + table.now_successes
        low = max(0, successes - table.base_trials)
        high = min(successes, table.now_trials)
        ways = math.comb(table.base_trials + table.now_trials, successes)
        chances = np.convolve(
            chances,
            [
                math.comb(table.now_trials, k) * math.comb(table.base_trials, successes - k) / ways
                for k in range(low, high + 1)
            ],
        )
        lowest += low
        observed += table.now_successes
    return _tail([float(chance) for chance in chances], observed - lowest, alternative)


def mcnemar_p(lost: int, gained: int, alternative: Alternative = "two-sided") -> float:
    """
    Give the p-value of McNemar's exact test: the sign test on the pairs that disagree.

    Args:
        lost: Pairs of which only the earlier trial succeeded.
        gained: Pairs of which only the later one did.
        alternative: What is looked for.
    """
    pairs = lost + gained
    chances, ways = [], 1
    for k in range(pairs + 1):
        chances.append(ways / 2**pairs)
        ways = ways * (pairs - k) // (k + 1)
    return _tail(chances, gained, alternative)


def _tail(chances: Sequence[float], observed: int, alternative: Alternative) -> float:
    if alternative == "less":
        tail = chances[: observed + 1]
    elif alternative == "greater":
        tail = chances[observed:]
    else:
        tail = [chance for chance in chances if chance <= chances[observed] * _TIE]
    return min(1.0, math.fsum(tail))


def rate_p(
    scenarios: Strata,
    *,
    paired: bool,
    alternative: Alternative = "two-sided",
) -> float:
    """
    Test whether rates differ: McNemar's test on the pairs of all scenarios, or the stratified test.

    Both are exact for these scenarios, and say nothing of others.

    Args:
        scenarios: Per scenario the figures of both sides, each 0 or 1; entries of one position are pairs if `paired`.
        paired: Whether they are.
        alternative: What is looked for.
    """
    if paired:
        pairs = [pair for base, now in scenarios for pair in zip(base, now, strict=True)]
        return mcnemar_p(sum(b > n for b, n in pairs), sum(n > b for b, n in pairs), alternative)
    return stratified_p(
        [
            Table(
                base_successes=round(sum(base)),
                base_trials=len(base),
                now_successes=round(sum(now)),
                now_trials=len(now),
            )
            for base, now in scenarios
        ],
        alternative,
    )


def rate_bounds(scenarios: Strata, *, paired: bool) -> Bounds:
    """
    Give 95 % bounds of the later rate less the earlier one; rates are means of the scenarios' rates.

    Newcombe's hybrid of Wilson's score intervals (1998, Statistics in Medicine 17:873 for independent trials, method
    10 there; 17:2635 for pairs, method 10 there), which keeps its width when all trials succeed. Of K scenarios with
    n_k trials each side counts as K² / Σ 1/n_k trials of one rate: never narrower than the strata allow.

    Args:
        scenarios: Per scenario the figures of both sides, each 0 or 1, at least one a side.
        paired: Whether entries of one position are pairs.
    """
    base, base_low, base_high = _wilson([side for side, _ in scenarios])
    now, now_low, now_high = _wilson([side for _, side in scenarios])
    phi = _phi([pair for one, other in scenarios for pair in zip(one, other, strict=True)]) if paired else 0.0
    below = _hypotenuse(now - now_low, base_high - base, phi)
    above = _hypotenuse(now_high - now, base - base_low, phi)
    return now - base - below, now - base + above


def _hypotenuse(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def _wilson(sides: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Give the mean rate of one side, and Wilson's 95 % bounds of it."""
    rate = math.fsum(math.fsum(side) / len(side) for side in sides) / len(sides)
    n = len(sides) ** 2 / math.fsum(1 / len(side) for side in sides)
    centre = rate + _Z**2 / (2 * n)
    half = _Z * math.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n * n))
    return rate, max(0.0, (centre - half) / (1 + _Z**2 / n)), min(1.0, (centre + half) / (1 + _Z**2 / n))


def _phi(pairs: Sequence[tuple[float, float]]) -> float:
    """Give the correlation of pairs of 0 and 1, with Newcombe's correction for small counts."""
    both = sum(b > 0 and n > 0 for b, n in pairs)
    lost, gained = sum(b > n for b, n in pairs), sum(n > b for b, n in pairs)
    neither = len(pairs) - both - lost - gained
    margins = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    if margins == 0:
        return 0.0
    excess = both * neither - lost * gained
    return (max(excess - len(pairs) / 2, 0.0) if excess > 0 else excess) / math.sqrt(margins)


def pass_hat(successes: int, trials: int, k: int) -> float | None:
    """
    Estimate pass^k: the chance that k trials of a scenario all succeed.

    C(successes, k) / C(trials, k), the unbiased estimate of tau-bench (Yao et al. 2024, arXiv:2406.12045, section 5).

    Args:
        successes: Trials that succeeded.
        trials: Completed trials.
        k: How many trials must all succeed, from 1.

    Returns:
        The estimate. None if k exceeds `trials`: so many were not tried.
    """
    return math.comb(successes, k) / math.comb(trials, k) if k <= trials else None
