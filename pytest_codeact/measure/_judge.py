"""
One metric of two sides: deltas by scenario, summaries over scenarios, verdicts.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.measure._bootstrap import (
    difference_bounds,
    function_bounds,
    median_bounds,
)
from pytest_codeact.measure._clustered import ratio_bounds
from pytest_codeact.measure._comparison import Delta, Estimate, Interval, Summary
from pytest_codeact.measure._figures import known
from pytest_codeact.measure._randomise import constant_p, joint_randomisation_p, randomisation_p
from pytest_codeact.measure._regression import holm
from pytest_codeact.measure._success import rate_bounds, rate_p

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_codeact.measure._comparison import Floor, Verdict
    from pytest_codeact.measure._figures import Bounds, Figures, Strata, Stratum
    from pytest_codeact.measure._metrics import Metric
    from pytest_codeact.measure._pools import Sample

MIN_TRIALS: Final = 5
"""
Figures a side below which a scenario has no interval: of four pairs, no test can say less than p = 1/8.

More are needed for a scenario's verdict on pairs that vary: 6 of one scenario, 9 of eight, 13 of a hundred.
"""

MIN_SCENARIOS: Final = 6
"""Scenarios below which nothing is said of others like these: of five, no test can say less than p = 1/16."""

_LEAST_TRIALS: Final = 3
"""
Figures a side that a scenario may have in an interval over trials to which another has `MIN_TRIALS`.

With ten trials of one scenario and two of another the interval covers 90 % of pairs, with three it covers 94 %.
"""

_LEVEL: Final = 0.05
_ROUNDING: Final = 1e-9
"""Relative size below which a difference of means, or of ratios of some size, is rounding."""

_LARGEST_LOG: Final = 700.0


class Judge:
    """One metric of two sides."""

    def __init__(self, *, metric: Metric, floor: Floor | None, paired: bool, figures: Sequence[Figures]) -> None:
        self._metric = metric
        self._floor = floor
        self._paired = paired
        self._figures = figures
        self._both = [each for each in figures if each.base and each.now and not each.alone]
        self._strata = [(each.base, each.now) for each in self._both]
        self._objection = floor.objection([each.scenario for each in self._both]) if floor else ""
        # Whether every trial of a scenario gave the same figure, on either side.
        self._constant = all(len(set(side)) == 1 for pair in self._strata for side in pair)
        self._signed = any(min(*base, *now) < 0 for base, now in self._strata)
        self._means = [(statistics.fmean(base), statistics.fmean(now)) for base, now in self._strata]
        # A metric may not keep what it says of itself; the exact tests count what is 0 or 1.
        self._rate = metric.binary and all(x in (0.0, 1.0) for pair in self._strata for side in pair for x in side)

    def deltas(self) -> tuple[Delta, ...]:
        testable = [each for each in self._both if min(len(each.base), len(each.now)) >= MIN_TRIALS]
        strata = [(each.base, each.now) for each in testable]
        p_values = dict(zip((each.scenario for each in testable), holm(self._p_values(strata)), strict=True))
        bounds = dict(zip((each.scenario for each in testable), self._bounds(strata), strict=True))
        return tuple(
            self._delta(each, p_values.get(each.scenario), bounds.get(each.scenario)) for each in self._figures
        )

    def _p_values(self, strata: Strata) -> list[float]:
        if self._rate:
            return [rate_p([stratum], paired=self._paired) for stratum in strata]
        found = randomisation_p(strata, paired=self._paired)
        return [min(p, constant_p(*stratum)) for p, stratum in zip(found, strata, strict=True)]

    def _bounds(self, strata: Strata) -> list[Bounds]:
        if self._rate:
            return [rate_bounds([stratum], paired=self._paired) for stratum in strata]
        return difference_bounds(strata, paired=self._paired)

    def _delta(self, figures: Figures, p: float | None, bounds: Bounds | None) -> Delta:
        base = statistics.fmean(figures.base) if figures.base else None
        now = statistics.fmean(figures.now) if figures.now else None
        delta = None if base is None or now is None else now - base
        interval = None
        if bounds is not None and base is not None:
            interval = Interval(low=self._possible(bounds[0], base), high=bounds[1], over="trials")
        verdict: Verdict = "cannot tell"
        if base is not None and now is not None and p is not None and interval and interval.excludes(0):
            verdict = self._verdict(base, now, p)
        return Delta(
            scenario=figures.scenario,
            base=base,
            now=now,
            delta=delta,
            interval=interval,
            base_trials=len(figures.base),
            now_trials=len(figures.now),
            pairs=len(figures.base) if self._paired else None,
            p=p,
            verdict=verdict,
        )

    def _verdict(self, base: float, now: float, p: float) -> Verdict:
        if p > _LEVEL or now == base or self._objection or (self._floor and not self._floor.exceeded(base, now)):
            return "cannot tell"
        return "better" if (now < base) == (self._metric.better == "lower") else "worse"

    def _possible(self, low: float, base: float) -> float:
        """Give the lower end of a difference: what is never negative cannot fall by more than all of it."""
        return low if self._signed or not self._metric.summed else max(low, -base)

    def summary(self, base: Sequence[Sample], now: Sequence[Sample]) -> Summary:
        known_scenarios = len(self._both)
        combine: Callable[[list[float]], float] = math.fsum if self._metric.summed else statistics.fmean
        sums = tuple(combine([means[side] for means in self._means]) if self._means else None for side in (0, 1))
        delta, total = self._delta_estimate(*sums), self._total_estimate(*sums)
        p = self._summary_p()
        return Summary(
            scenarios=known_scenarios,
            of=len(self._figures),
            base=sums[0],
            now=sums[1],
            delta=delta,
            total=total,
            median=self._median_estimate(),
            leave_one_out=self._leave_one_out() if total.value is not None else None,
            per_correct=self._per_correct(base, now),
            p=p,
            verdict=self._summary_verdict(sums, delta, total, p),
            note="; ".join(filter(None, (self._note(), self._objection if self._both else ""))),
        )

    @property
    def _over(self) -> Literal["scenarios", "trials"] | None:
        """What the summary's intervals are over; None if there is too little of both."""
        if len(self._both) >= MIN_SCENARIOS and not self._rate and not self._alike:
            return "scenarios"
        return "trials" if self._enough_trials else None

    @property
    def _alike(self) -> bool:
        """Whether all scenarios changed by the same though their trials did not: of that noise they show nothing."""
        if self._constant or self._rate or not self._changed_alike(self._means):
            return False
        return not self._paired or not self._changed_alike(
            [pair for base, now in self._strata for pair in zip(base, now, strict=True)]
        )

    def _changed_alike(self, pairs: Sequence[tuple[float, float]]) -> bool:
        """Say whether all of (base, now) have the same ratio; the same difference, where there is none."""
        if self._metric.summed and all(base > 0 and now >= 0 for base, now in pairs):
            changes = [now / base for base, now in pairs]
            largest = max(changes)
        else:
            changes = [now - base for base, now in pairs]
            largest = max(max(map(abs, pair)) for pair in pairs)
        return max(changes) - min(changes) <= _ROUNDING * largest

    @property
    def _enough_trials(self) -> bool:
        if self._rate:
            return bool(self._strata) and all(sum(len(x[side]) for x in self._strata) >= MIN_TRIALS for side in (0, 1))
        fewest = [min(map(len, stratum)) for stratum in self._strata]
        return bool(fewest) and max(fewest) >= MIN_TRIALS and min(fewest) >= _LEAST_TRIALS

    @property
    def _certain(self) -> bool:
        return self._enough_trials and not self._rate and self._constant

    @property
    def _negative(self) -> bool:
        """Whether some scenario's mean is: shares of a sum are then no shares."""
        return any(min(means) < 0 for means in self._means)

    def _summary_p(self) -> float | None:
        if not self._strata or self._over is None:
            return None
        if self._rate:
            return rate_p(self._strata, paired=self._paired)
        found = []
        if self._certain:
            found.append(min(1.0, len(self._strata) * min(constant_p(*stratum) for stratum in self._strata)))
        elif self._over == "trials" or any(len(side) > 1 for pair in self._strata for side in pair):
            found.append(joint_randomisation_p(self._strata, paired=self._paired))
        if self._over == "scenarios":
            found += randomisation_p([self._sides()], paired=True)
        return max(found)

    def _summary_verdict(
        self, sums: tuple[float | None, ...], delta: Estimate, total: Estimate, p: float | None
    ) -> Verdict:
        base, now = sums
        if base is None or now is None or p is None:
            return "cannot tell"
        shown, unchanged = (delta, 0.0) if total.value is None else (total, 1.0)
        if shown.interval is None or not shown.interval.excludes(unchanged):
            return "cannot tell"
        return self._verdict(base, now, p)

    def _sides(self) -> Stratum:
        """Give the scenarios' means, by side."""
        base, now = zip(*self._means, strict=True)
        return base, now

    def _blocks(self) -> list[Any]:
        """Give the trials to resample: rows of (base, now)."""
        import numpy as np

        if self._paired:
            return [np.array(stratum).T for stratum in self._strata]
        return [block for base, now in self._strata for block in (_column(base, (0,), 2), _column(now, (1,), 2))]

    def _delta_estimate(self, base: float | None, now: float | None) -> Estimate:
        if base is None or now is None:
            return Estimate()
        if self._over is None:
            return Estimate(value=now - base)
        if self._rate:
            return _estimate(now - base, rate_bounds(self._strata, paired=self._paired), "trials")
        count = len(self._both)
        if self._over == "scenarios":
            bounds = difference_bounds([self._sides()], paired=True, widened=False)[0]
            factor = float(count) if self._metric.summed else 1.0
        else:
            bounds = function_bounds(self._blocks(), (-1, 1), log=False)
            factor = 1 if self._metric.summed else 1 / count
        return _estimate(now - base, (self._possible(bounds[0] * factor, base), bounds[1] * factor), self._over)

    def _total_estimate(self, base: float | None, now: float | None) -> Estimate:
        if not self._metric.summed or base is None or now is None or base <= 0 or now <= 0 or self._negative:
            return Estimate()
        if self._over is None:
            return Estimate(value=now / base)
        if self._over == "scenarios":
            return _scaled(*ratio_bounds(self._means), "scenarios")
        return _scaled(now / base, function_bounds(self._blocks(), (-1, 1), log=True), "trials")

    def _median_estimate(self) -> Estimate:
        ratios = [now / base for base, now in self._means if base > 0] if self._metric.summed else []
        if not ratios:
            return Estimate()
        value = statistics.median(ratios)
        if len(ratios) < MIN_SCENARIOS:
            return Estimate(value=value)
        return _estimate(value, median_bounds(ratios), "scenarios")

    def _leave_one_out(self) -> tuple[float, float] | None:
        sums = [math.fsum(means[side] for means in self._means) for side in (0, 1)]
        ratios = [(sums[1] - now) / (sums[0] - base) for base, now in self._means if sums[0] - base > 0]
        return (min(ratios), max(ratios)) if len(self._means) > 1 and ratios else None

    def _costs(self, samples: Sequence[Sample]) -> list[Any]:
        """Give per compared scenario a row per completed trial whose figure is known: (figure, success)."""
        import numpy as np

        found = []
        by_scenario = {sample.scenario: sample for sample in samples}
        for each in self._both:
            sample = by_scenario[each.scenario]
            figures, successes = known(sample, self._metric.name), known(sample, "success")
            found.append(np.array([(figures[t], successes[t]) for t in sorted(figures.keys() & successes.keys())]))
        return found

    def _per_correct(self, base: Sequence[Sample], now: Sequence[Sample]) -> Estimate:
        if not self._metric.summed or not self._both:
            return Estimate()
        sides = [self._costs(samples) for samples in (base, now)]
        if any(len(block) == 0 for side in sides for block in side):
            return Estimate()
        # Per scenario (base, now), of the figure and of success.
        figures, successes = (
            [(float(b[:, part].mean()), float(n[:, part].mean())) for b, n in zip(*sides, strict=True)]
            for part in (0, 1)
        )
        sums = [math.fsum(column) for part in (figures, successes) for column in zip(*part, strict=True)]
        if min(sums) <= 0 or self._negative:
            return Estimate()
        value = (sums[1] / sums[3]) / (sums[0] / sums[2])
        if self._over is None:
            return Estimate(value=value)
        if self._over == "scenarios":
            return _scaled(*ratio_bounds(figures, successes), "scenarios")
        blocks = [_column(block, (side, side + 2), 4) for side in (0, 1) for block in sides[side]]
        return _scaled(value, function_bounds(blocks, (-1, 1, 1, -1), log=True), "trials")

    def _note(self) -> str:
        count = len(self._both)
        if not count:
            return "no scenario is known on both sides"
        if self._over is None:
            return self._no_interval()
        if self._certain:
            of = "of these scenarios only" if self._over == "trials" else "the verdict is about scenarios like these"
            return f"every trial of a scenario gave the same figure: its change is certain; {of}"
        if self._over == "trials":
            these = "this one scenario" if count == 1 else f"these {count} scenarios"
            return f"the interval is over the trials of {these} only: it says nothing of others"
        return ""

    def _no_interval(self) -> str:
        """Say what an interval would take."""
        if self._rate:
            return f"no interval: it takes {MIN_TRIALS} trials on both sides"
        trials = f"{MIN_TRIALS} trials of each on both sides"
        few = sum(min(map(len, stratum)) < _LEAST_TRIALS for stratum in self._strata)
        if 0 < few < len(self._strata):
            trials += f" ({few} of {len(self._strata)} {'has' if few == 1 else 'have'} fewer than {_LEAST_TRIALS})"
        if self._alike and len(self._both) >= MIN_SCENARIOS:
            return f"no interval: all scenarios changed by the same, though trials vary; it takes {trials}"
        return f"no interval: it takes {MIN_SCENARIOS} scenarios, or {trials}"


def _estimate(value: float, bounds: Bounds, over: Literal["scenarios", "trials"]) -> Estimate:
    return Estimate(value=value, interval=Interval(low=bounds[0], high=bounds[1], over=over))


def _scaled(value: float, logs: Bounds, over: Literal["scenarios", "trials"]) -> Estimate:
    """Give an estimate whose bounds are logarithms; without an interval if it ends where no number does."""
    if max(map(abs, logs)) > _LARGEST_LOG:
        return Estimate(value=value)
    return _estimate(value, (math.exp(logs[0]), math.exp(logs[1])), over)


def _column(figures: Any, places: tuple[int, ...], width: int) -> Any:
    """Put the columns of figures at their places in a block that is 0 elsewhere."""
    import numpy as np

    given = np.asarray(figures, dtype=float).reshape(len(figures), -1)
    block = np.zeros((len(given), width))
    block[:, places] = given
    return block
