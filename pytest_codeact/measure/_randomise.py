"""
What relabelling the sides alone does: exact and drawn randomisation tests, by NumPy. The same input gives the same p.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.measure._figures import by_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.measure._bootstrap import Array
    from pytest_codeact.measure._figures import Strata, Stratum

_SEED: Final = 20_260_101
_DRAWN: Final = 9_999
"""Relabellings drawn where there are more than `_MOST_EXACT`; the smallest p-value is then 1e-4."""

_DRAWN_JOINTLY: Final = 1_999
"""Of one test over all scenarios, which no correction asks to be smaller; its smallest p-value is 5e-4."""

_MOST_EXACT: Final = 10_000
_ROUNDING: Final = 1e-11
"""Relative size below which a difference of sums is rounding."""


def randomisation_p(strata: Strata, *, paired: bool) -> list[float]:
    """
    Test in each stratum whether the means of both sides differ, two-sided.

    Fisher-Pitman: how often a relabelling of the sides gives a difference of means at least as large as the observed
    one. Of pairs any may be swapped; else any trials may change sides. All relabellings are enumerated up to 10,000,
    beyond that 9,999 are drawn and the observed one is counted with them (Phipson and Smyth 2010, "Permutation
    p-values should never be zero", SAGMB 9:39), which keeps the test's size.

    Args:
        strata: Figures of the earlier and the later side, at least one a side.
        paired: Whether figures at the same position are pairs.

    Returns:
        One p-value per stratum.
    """
    import numpy as np

    return [
        float(np.mean(np.abs(means) >= _threshold(means, stratum)))
        for means, stratum in zip(_relabelled_means(strata, paired=paired), strata, strict=True)
    ]


def joint_randomisation_p(strata: Strata, *, paired: bool) -> float:
    """
    Test whether the sum of the strata's differences of means is other than 0: `randomisation_p` over all of them.

    Labels are exchanged within strata only. With several strata 1,999 joint relabellings are drawn.
    """
    import numpy as np

    if len(strata) == 1:
        return randomisation_p(strata, paired=paired)[0]
    rng = np.random.default_rng(_SEED)
    total = np.zeros(_DRAWN_JOINTLY + 1)
    for means in _relabelled_means(strata, paired=paired):
        total += means[np.concatenate([[0], rng.integers(len(means), size=_DRAWN_JOINTLY)])]
    largest = [max(map(abs, (*base, *now))) for base, now in strata]
    return float(np.mean(np.abs(total) >= abs(total[0]) - _ROUNDING * math.fsum(largest)))


def constant_p(base: Sequence[float], now: Sequence[float]) -> float:
    """
    Give the most that chance could do to make equal sides constant and different; 1 if they are not.

    With a figure of two values, the first of which comes with chance q, it is 2 q^a (1 - q)^b at its largest.
    """
    if len(set(base)) > 1 or len(set(now)) > 1 or base[0] == now[0]:
        return 1.0
    share = len(base) / (len(base) + len(now))
    return float(min(1.0, 2 * share ** len(base) * (1 - share) ** len(now)))


def _threshold(means: Array, stratum: Stratum) -> float:
    return float(abs(means[0])) - _ROUNDING * max(map(abs, (*stratum[0], *stratum[1])))


def _relabelled_means(strata: Strata, *, paired: bool) -> list[Array]:
    """Give each stratum's difference of means under every relabelling; the first is the observed one."""
    import numpy as np

    found: list[Any] = [None] * len(strata)
    for (base_count, now_count), places in by_size(strata).items():
        weights = _relabellings(base_count, now_count, paired)
        if paired:
            columns = np.array([np.subtract(strata[place][1], strata[place][0]) for place in places]).T
        else:
            columns = np.array([[*strata[place][1], *strata[place][0]] for place in places]).T
        for place, means in zip(places, (weights @ columns).T, strict=True):
            found[place] = means
    return found


@functools.lru_cache(maxsize=32)
def _relabellings(base_count: int, now_count: int, paired: bool) -> Array:  # noqa: FBT001 - the key of a cache
    """
    Give the weights that make relabelled differences of means of figures.

    Returns:
        One row per relabelling, the observed one first. One column per pair, to be applied to later less earlier; or
        one per trial, the later side's first.
    """
    import numpy as np

    rng = np.random.default_rng([_SEED, base_count, now_count])
    if paired:
        if 2**now_count <= _MOST_EXACT:
            signs = np.array(list(itertools.product((1.0, -1.0), repeat=now_count)))
        else:
            signs = rng.choice((1.0, -1.0), size=(_DRAWN + 1, now_count))
            signs[0] = 1.0
        return signs / now_count
    trials = base_count + now_count
    if math.comb(trials, now_count) <= _MOST_EXACT:
        later = np.zeros((math.comb(trials, now_count), trials), dtype=bool)
        np.put_along_axis(later, np.array(list(itertools.combinations(range(trials), now_count))), values=True, axis=1)
    else:
        later = np.argsort(rng.random((_DRAWN + 1, trials)), axis=1) < now_count
        later[0] = np.arange(trials) < now_count
    return np.where(later, 1 / now_count, -1 / base_count)
