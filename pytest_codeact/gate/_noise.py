"""
The noise of the trials: which scenarios tell it, how likely it makes a difference, and between which ends that lies.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_codeact.gate._rule import EXTREMES
from pytest_codeact.measure import MIN_TRIALS, Interval, difference_interval, rate_bounds, rate_p, rise_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.gate._rule import Rule

_ENOUGH: Final = 200
"""Relabellings of the sides from which on the largest rise possible has p <= 0.01 by its ranks."""

Strata: TypeAlias = "Sequence[tuple[Sequence[float], Sequence[float]]]"
"""Per scenario the baseline's figures and this run's."""


def telling(rule: Rule, strata: Strata) -> Strata:
    """
    Give the scenarios over which noise can be told. Empty if it cannot.

    The exact test of successes takes any. Others take two figures a side, to see that they vary, and so many in all
    that a test could tell: five a side of one scenario, or 4 and 6, 3 and 10.
    """
    if is_rate(rule, strata):
        return strata
    chosen = [(base, now) for base, now in strata if min(len(base), len(now)) > 1]
    relabellings = math.prod(math.comb(len(base) + len(now), len(base)) for base, now in chosen)
    return chosen if relabellings >= _ENOUGH and rule.stat not in EXTREMES else ()


def never_varies(strata: Strata) -> bool:
    """
    Tell whether no figure varies from trial to trial in either run, of five trials or more a side in each scenario.

    Then any rise is one. Chance makes one scenario's figures constant and different in 1 of 500 runs at most, and all
    others must be constant with it.
    """
    return all(len(side) >= MIN_TRIALS and len(set(side)) == 1 for each in strata for side in each)


def p_value(rule: Rule, strata: Strata) -> float:
    """Give the chance of such a regression, or a greater one, in trials in which nothing changed."""
    if is_rate(rule, strata):
        return rate_p(strata, paired=False, alternative="less" if rule.metric.better == "higher" else "greater")
    sign = 1 if rule.metric.better == "lower" else -1
    signed = [([sign * figure for figure in base], [sign * figure for figure in now]) for base, now in strata]
    return rise_p(signed, ranked=rule.stat == "median")


def is_rate(rule: Rule, strata: Strata) -> bool:
    """Tell whether a rule is about the mean of figures that are 0 or 1 in every trial."""
    if rule.stat not in ("mean", "rate") or not rule.metric.binary:
        return False
    return all(figure in (0, 1) for each in strata for side in each for figure in side)


def interval(rule: Rule, strata: Strata) -> Interval | None:
    """
    Give the interval of the mean over scenarios of their differences. None if a scenario has too few trials.

    Those of the scenarios are put together by the method of variance estimates recovery (Zou and Donner 2008,
    Statistics in Medicine 27:1693), which keeps their asymmetry. That of a rate stays within -1 and 1.
    """
    if rule.stat in EXTREMES:
        return None
    if is_rate(rule, strata):
        low, high = rate_bounds(strata, paired=False)
        return Interval(low=low, high=high, over="trials")
    below = above = middle = 0.0
    for base, now in strata:
        each = difference_interval(base, now, "median" if rule.stat == "median" else "mean", paired=False)
        if each is None:
            return None
        difference = rule.figure(now) - rule.figure(base)
        middle += difference
        below += (difference - each.low) ** 2
        above += (each.high - difference) ** 2
    count = len(strata)
    return Interval(low=(middle - math.sqrt(below)) / count, high=(middle + math.sqrt(above)) / count, over="trials")
