"""
What chance alone does: randomisation tests and bootstrap intervals, by NumPy. The same input gives the same figures.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]
    Strata: TypeAlias = Sequence[tuple[Sequence[float], Sequence[float]]]
    Bounds: TypeAlias = tuple[float, float]

_SEED: Final = 20_260_101
_RESAMPLES: Final = 3_999
"""Of the bootstrap: (n + 1) * 0.025 is whole, so that its bounds are order statistics."""

_RELABELLINGS: Final = 9_999
"""Drawn by a randomisation test that has more than `_MOST_EXACT` of them; the smallest p-value is then 1e-4."""

_MOST_EXACT: Final = 20_000
_DEGENERATE: Final = 0.01
"""Share of resamples without variance from which on the bootstrap's tails are not trusted."""

_ROUNDING: Final = 1e-11
"""Relative size below which a difference of sums is rounding."""


def randomisation_p(strata: Strata, *, paired: bool) -> list[float]:
    """
    Test in each stratum whether the means of both sides differ, two-sided.

    Fisher-Pitman: how often a relabelling of the sides gives a difference of means at least as large as the observed
    one. Of pairs any may be swapped; else any trials may change sides. All relabellings are enumerated up to 20,000,
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

    Labels are exchanged within strata only. With several strata 9,999 joint relabellings are drawn.
    """
    import numpy as np

    if len(strata) == 1:
        return randomisation_p(strata, paired=paired)[0]
    rng = np.random.default_rng(_SEED)
    total = np.zeros(_RELABELLINGS + 1)
    for means in _relabelled_means(strata, paired=paired):
        total += means[np.concatenate([[0], rng.integers(len(means), size=_RELABELLINGS)])]
    largest = [max(map(abs, (*base, *now))) for base, now in strata]
    return float(np.mean(np.abs(total) >= abs(total[0]) - _ROUNDING * math.fsum(largest)))


def _threshold(means: Array, stratum: tuple[Sequence[float], Sequence[float]]) -> float:
    return float(abs(means[0])) - _ROUNDING * max(map(abs, (*stratum[0], *stratum[1])))


def _relabelled_means(strata: Strata, *, paired: bool) -> list[Array]:
    """Give each stratum's difference of means under every relabelling; the first is the observed one."""
    import numpy as np

    found: list[Any] = [None] * len(strata)
    for (base_count, now_count), places in _by_size(strata).items():
        weights = _relabellings(base_count, now_count, paired)
        if paired:
            columns = np.array([np.subtract(strata[place][1], strata[place][0]) for place in places]).T
        else:
            columns = np.array([[*strata[place][1], *strata[place][0]] for place in places]).T
        for place, means in zip(places, (weights @ columns).T, strict=True):
            found[place] = means
    return found


def _by_size(strata: Strata) -> dict[tuple[int, int], list[int]]:
    places: dict[tuple[int, int], list[int]] = {}
    for place, (base, now) in enumerate(strata):
        places.setdefault((len(base), len(now)), []).append(place)
    return places


@functools.lru_cache(maxsize=16)
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
            signs = rng.choice((1.0, -1.0), size=(_RELABELLINGS + 1, now_count))
            signs[0] = 1.0
        return signs / now_count
    trials = base_count + now_count
    if math.comb(trials, now_count) <= _MOST_EXACT:
        later = np.zeros((math.comb(trials, now_count), trials), dtype=bool)
        np.put_along_axis(later, np.array(list(itertools.combinations(range(trials), now_count))), values=True, axis=1)
    else:
        later = np.argsort(rng.random((_RELABELLINGS + 1, trials)), axis=1) < now_count
        later[0] = np.arange(trials) < now_count
    return np.where(later, 1 / now_count, -1 / base_count)


def difference_bounds(strata: Strata, *, paired: bool) -> list[Bounds]:
    """
    Give 95 % bounds of the later mean less the earlier one, in each stratum, over its trials.

    The studentized bootstrap (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 12.5; Davison
    and Hinkley 1997, section 5.2.1), with Welch's standard error where the figures are no pairs. If more than 1 % of
    the resamples have no variance, as with figures that are nearly all the same, Student's interval is given. Without
    any variance in the data the interval has no width.

    Args:
        strata: Figures of the earlier and the later side, at least two a side.
        paired: Whether figures at the same position are pairs.
    """
    import numpy as np

    found: list[Bounds] = [(0.0, 0.0)] * len(strata)
    for places in _by_size(strata).values():
        base, now = (np.array([strata[place][side] for place in places]).T for side in (0, 1))
        sides = [now - base] if paired else [now, -base]
        largest = np.maximum(np.abs(base).max(axis=0), np.abs(now).max(axis=0))
        estimate = np.sum([side.mean(axis=0) for side in sides], axis=0)
        parts, shifts, spreads = [], [], []
        for stream, side in enumerate(sides):
            part, shift, spread = _resampled(side - side.mean(axis=0), stream)
            parts.append(part)
            shifts.append(shift)
            spreads.append(spread)
        freedom = _freedom(parts, [len(side) for side in sides])
        bounds = _bounds(
            estimate,
            np.sum(parts, axis=0),
            np.sum(shifts, axis=0),
            np.sum(spreads, axis=0),
            freedom,
            _ROUNDING * largest,
        )
        for place, low, high in zip(places, *bounds, strict=True):
            found[place] = (float(low), float(high))
    return found


def _resampled(centred: Array, stream: int) -> tuple[Array, Array, Array]:
    """
    Resample columns that have mean 0.

    Returns:
        Per column the variance of its mean; per resample and column its mean, and the variance of it.
    """
    count = len(centred)
    weights = _resamples(count, stream)
    means = weights @ centred
    squares = centred**2
    return squares.sum(axis=0) / (count * (count - 1)), means, (weights @ squares - means**2) / (count - 1)


@functools.lru_cache(maxsize=64)
def _resamples(count: int, stream: int) -> Array:
    """Give bootstrap resamples, one a row, as the share of the resample that each of `count` members has."""
    import numpy as np

    rng = np.random.default_rng([_SEED, count, stream])
    return rng.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES) / count


def _freedom(variances: Sequence[Any], counts: Sequence[int]) -> Any:
    """Give Welch and Satterthwaite's degrees of freedom of a sum of independent means."""
    import numpy as np

    total = sum(variances)
    parts = sum(variance**2 / (count - 1) for variance, count in zip(variances, counts, strict=True))
    return np.divide(total**2, parts, out=np.full(np.shape(total), 1.0), where=np.asarray(parts) > 0)


def _bounds(
    estimate: Array, variance: Array, shifts: Array, variances: Array, freedom: Array, rounding: Array
) -> tuple[Array, Array]:
    """
    Give studentized bounds, one per column.

    Args:
        estimate: Of the data.
        variance: Of the estimate.
        shifts: Estimate of each resample less that of the data, one a row; not finite where it is undefined.
        variances: Of the resamples' estimates.
        freedom: Degrees of freedom, for where Student's interval is given.
        rounding: Standard error below which there is none.
    """
    import numpy as np

    error = np.sqrt(variance)
    flat = ~(variances > rounding**2) | ~np.isfinite(shifts)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = shifts / np.sqrt(variances)
    # A resample without variance but with a shift is infinitely far off; one without either says nothing.
    ratios[flat] = np.where(np.abs(shifts[flat]) > 0, np.copysign(np.inf, shifts[flat]), 0.0)
    ratios.sort(axis=0)
    tail = (_RESAMPLES + 1) // 40
    student = _student(freedom)
    doubtful = flat.mean(axis=0) > _DEGENERATE
    above = np.where(doubtful, student, -ratios[tail - 1])
    below = np.where(doubtful, student, ratios[-tail])
    width = np.where(error > rounding, error, 0.0)
    with np.errstate(invalid="ignore"):
        return (
            np.where(width > 0, estimate - below * width, estimate),
            np.where(width > 0, estimate + above * width, estimate),
        )


def _student(freedom: Array) -> Array:
    """Give the 97.5 % point of Student's t (Abramowitz and Stegun 26.7.5); right to 0.001 from 4 degrees of freedom."""
    z = 1.959963984540054
    return (
        z
        + (z**3 + z) / 4 / freedom
        + (5 * z**5 + 16 * z**3 + 3 * z) / 96 / freedom**2
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / freedom**3
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160 / freedom**4
    )


def function_bounds(blocks: Sequence[Array], signs: Sequence[float], *, log: bool) -> Bounds:
    """
    Give 95 % bounds of a contrast of sums, or of the logarithms of sums, by the studentized bootstrap.

    A sum is that of the blocks' column means. The standard error, of the data and of every resample alike, is that of
    the linearised contrast (the delta method); with one block it is clustered at that block's rows.

    Args:
        blocks: Each a row per member and a column per sum; resampled by rows, independently of the others. At least
            two rows.
        signs: Weight of each sum in the contrast. They add up to 0.
        log: Whether the contrast is one of logarithms; then all sums are positive.

    Returns:
        The bounds, on the scale of the contrast.
    """
    import numpy as np

    contrast = np.asarray(signs, dtype=float)
    sums = sum(block.mean(axis=0) for block in blocks)
    resampled: Any = np.zeros((_RESAMPLES, len(contrast)))
    moments = []
    for stream, block in enumerate(blocks):
        means, covariances = _resampled_moments(block - block.mean(axis=0), stream)
        resampled = resampled + means
        moments.append(covariances)
    resampled = resampled + sums
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = contrast / resampled if log else np.broadcast_to(contrast, resampled.shape)
        variances = sum(np.einsum("rj,rjl,rl->r", slopes, covariances, slopes) for covariances in moments)
        shifts = (np.log(resampled / sums) if log else resampled - sums) @ contrast
    slope = contrast / sums if log else contrast
    parts = [np.array([np.var(block @ slope, ddof=1) / len(block)]) for block in blocks]
    estimate = np.array([(np.log(sums) if log else sums) @ contrast])
    rounding = np.array([_ROUNDING * (1.0 if log else max(float(np.abs(block).max()) for block in blocks))])
    freedom = _freedom(parts, [len(block) for block in blocks])
    low, high = _bounds(estimate, np.sum(parts, axis=0), shifts[:, None], variances[:, None], freedom, rounding)
    return float(low[0]), float(high[0])


def _resampled_moments(centred: Array, stream: int) -> tuple[Array, Array]:
    """Give, per resample of rows with mean 0, the columns' means, and the covariances of those means."""
    count, width = centred.shape
    weights = _resamples(count, stream)
    means = weights @ centred
    products = (centred[:, :, None] * centred[:, None, :]).reshape(count, width * width)
    second = (weights @ products).reshape(-1, width, width)
    return means, (second - means[:, :, None] * means[:, None, :]) / (count - 1)


def median_bounds(values: Sequence[float]) -> Bounds:
    """
    Give 95 % bounds of a median from order statistics, whatever the distribution.

    Two neighbouring order-statistic intervals, of which one covers more and one less, are interpolated (Hettmansperger
    and Sheather 1986, Statistics & Probability Letters 4:75). No bootstrap does better: that of a median is discrete.

    Args:
        values: At least six; of fewer not even the whole range covers 95 %.
    """
    ordered = sorted(values)
    count = len(ordered)
    depth, covered = 1, 1 - 2 / 2**count
    while True:
        inner = covered - 2 * math.comb(count, depth) / 2**count
        if inner < 0.95:  # noqa: PLR2004 - the level of every interval here
            break
        depth, covered = depth + 1, inner
    share = (covered - 0.95) / (covered - inner)
    step = (count - depth) * share / (depth + (count - 2 * depth) * share)
    low = (1 - step) * ordered[depth - 1] + step * ordered[depth]
    high = (1 - step) * ordered[-depth] + step * ordered[-depth - 1]
    return low, high


def median_difference_bounds(base: Sequence[float], now: Sequence[float], *, paired: bool) -> Bounds:
    """
    Give 95 % bounds of the later median less the earlier one, over trials, by the percentile bootstrap.

    Pairs are resampled together, else each side by itself.
    """
    import numpy as np

    rng = np.random.default_rng(_SEED)
    first = rng.integers(len(base), size=(_RESAMPLES, len(base)))
    second = first if paired else rng.integers(len(now), size=(_RESAMPLES, len(now)))
    shifts = np.sort(np.median(np.asarray(now)[second], axis=1) - np.median(np.asarray(base)[first], axis=1))
    tail = (_RESAMPLES + 1) // 40
    return float(shifts[tail - 1]), float(shifts[-tail])
