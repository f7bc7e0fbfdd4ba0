"""Two sides compared: figures, intervals, verdicts, and what they say of figures that are odd."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from samples_of import SIZES, drawn, sample_of

from pytest_codeact.measure import (
    METRICS,
    MIN_SCENARIOS,
    Comparison,
    Delta,
    Floor,
    Metric,
    Sample,
    Summary,
    compare,
    difference_interval,
    spread,
)
from pytest_codeact.measure._bootstrap import _student, median_bounds
from pytest_codeact.measure._randomise import joint_randomisation_p, randomisation_p

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.measure import Verdict

TOKENS = next(metric for metric in METRICS if metric.name == "tokens")
SHARE = Metric(name="tokens", title="", unit="", value=lambda _: None, summed=False, better="higher")


def many(*figures: tuple[float | None, ...], first: int = 1) -> list[Sample]:
    """Make a side of scenarios a, b, ... from their trials' figures."""
    return [sample_of(name, *trials, first=first) for name, trials in zip("abcdefgh", figures, strict=False)]


def constant(*figures: float, trials: int = 10) -> list[Sample]:
    """Make a side whose trials all give the same figure."""
    return many(*((figure,) * trials for figure in figures))


def bounds(comparison: Comparison) -> tuple[float, float]:
    """Give the interval of the ratio of sums."""
    interval = comparison.summary.total.interval
    assert interval is not None
    return interval.low, interval.high


def share(value: float | None, *, scenarios: str = "abcdefgh", verdict: Verdict = "cannot tell") -> Floor:
    """Make a floor that is a share."""
    return Floor(kind="share", value=value, scenarios=frozenset(scenarios), verdict=verdict)


def one(comparison: Comparison) -> Delta:
    """Give the only delta."""
    (delta,) = comparison.deltas
    return delta


# Figures


def test_summary_gives_four_ratios() -> None:
    """Ratio of sums, median of ratios, the range with one left out, and per success stand side by side."""
    base = [sample_of("a", 100, 300, success=[1, 0]), sample_of("b", 50, 50), sample_of("c", 10, 30)]
    now = [sample_of("a", 100, 100), sample_of("b", 60, 40, success=[1, 0]), sample_of("c", 40, 40)]

    summary = compare(base, now, TOKENS, paired=True).summary

    assert (summary.base, summary.now, summary.delta.value) == pytest.approx((270, 190, -80))
    assert (summary.scenarios, summary.of) == (3, 3)
    assert summary.total.value == pytest.approx(190 / 270)
    assert summary.median.value == 1
    assert summary.leave_one_out == pytest.approx((150 / 250, 90 / 70))
    assert summary.per_correct.value == pytest.approx((190 / 2.5) / (270 / 2.5))


def test_cost_per_success_counts_failed_trials() -> None:
    """An arm that saves by failing saves nothing per success."""
    base = [sample_of("a", 100, 100, success=[1, 1])]
    now = [sample_of("a", 60, 60, success=[1, 0])]

    assert compare(base, now, TOKENS, paired=True).summary.per_correct.value == pytest.approx(1.2)


def test_cost_per_success_is_undefined_without_one() -> None:
    """Nothing is divided by 0 successes, and nothing is per success of what is not known to be judged."""
    base, never = sample_of("a", 100), sample_of("a", 100, success=[0])
    unjudged = Sample(scenario="a", arm="x", model="m", trials=(1,), values={"tokens": (1.0,)}, error_count=0)

    assert compare([base], [never], TOKENS, paired=False).summary.per_correct.value is None
    assert compare([base], [unjudged], TOKENS, paired=False).summary.per_correct.value is None


def test_metric_that_is_not_summed_is_averaged() -> None:
    """A rate has a mean over scenarios, and no ratios."""
    summary = compare(constant(0.5, 0.3), constant(0.6, 0.6), SHARE, paired=True).summary

    assert (summary.base, summary.now, summary.delta.value) == pytest.approx((0.4, 0.6, 0.2))
    assert (summary.total.value, summary.median.value, summary.per_correct.value) == (None, None, None)
    assert summary.leave_one_out is None
    assert summary.verdict == "better"


def test_pairs_are_trials_that_both_sides_know() -> None:
    """Of a pair that one side lacks or does not know, neither counts; the order of trials does not matter."""
    base = sample_of("a", 1, 2, None, 4, math.nan)
    now = Sample(scenario="a", arm="b", model="m", trials=(4, 3, 2), values={"tokens": (40, 30, 20)}, error_count=2)

    delta = one(compare([base], [now], TOKENS, paired=True))

    assert (delta.base, delta.now, delta.delta) == (3, 30, 27)
    assert (delta.base_trials, delta.now_trials, delta.pairs) == (2, 2, 2)


def test_trials_of_two_runs_are_no_pairs() -> None:
    """Pools of unlike size are compared by their means; unknown and infinite figures are in neither."""
    delta = one(compare([sample_of("a", 1, None, 3, math.inf)], [sample_of("a", 5)], TOKENS, paired=False))

    assert (delta.base, delta.now, delta.delta) == (2, 5, 3)
    assert (delta.base_trials, delta.now_trials, delta.pairs) == (2, 1, None)


def test_scenario_of_one_side_is_shown_and_not_compared() -> None:
    """It is in no sum, and is counted."""
    found = compare(constant(1, 2), [*constant(1), sample_of("z", 9.0)], TOKENS, paired=True)

    assert [(d.scenario, d.base, d.now, d.delta) for d in found.deltas] == [
        ("a", 1, 1, 0),
        ("b", 2, None, None),
        ("z", None, 9, None),
    ]
    assert {d.verdict for d in found.deltas} == {"cannot tell"}
    assert (found.summary.scenarios, found.summary.of, found.summary.base) == (1, 3, 1)


def test_nothing_in_common_is_no_comparison() -> None:
    """Unknown everywhere, another scenario, nothing at all: no figure, no verdict, and a note."""
    for base, now in (([sample_of("a", None)], [sample_of("a", 1)]), (many((1,)), [sample_of("z", 1)]), ([], [])):
        summary = compare(base, now, TOKENS, paired=False).summary

        assert (summary.base, summary.now, summary.delta.value, summary.total.value) == (None, None, None, None)
        assert (summary.p, summary.verdict, summary.leave_one_out) == (None, "cannot tell", None)
        assert summary.note == "no scenario is known on both sides"
        assert spread(compare(base, now, TOKENS, paired=False)).value is None


def test_scenario_that_comes_twice_is_refused() -> None:
    """Which of two samples was meant cannot be guessed."""
    with pytest.raises(ValueError, match="comes twice") as caught:
        compare([sample_of("a", 1), sample_of("a", 2)], [], TOKENS, paired=False)

    assert str(caught.value) == (
        "scenario 'a' comes twice on one side of a comparison, with arm and model ('direct', 'reference') and "
        "('direct', 'reference'); give one sample per scenario"
    )


def test_same_input_gives_the_same_comparison() -> None:
    """Nothing is left to chance."""
    import numpy as np

    sides = drawn(np.random.default_rng(5), "failing")

    assert compare(sides.base, sides.now, TOKENS, paired=False) == compare(sides.base, sides.now, TOKENS, paired=False)


# Verdicts


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("scenarios", [1, 3])
def test_any_change_of_what_never_varies_is_a_verdict(scenarios: int, *, paired: bool) -> None:
    """One token more in one scenario is worse, one less better, for certain; the same is no change."""
    base = constant(*SIZES[:scenarios])
    for step, verdict in ((1, "worse"), (-1, "better"), (0, "cannot tell")):
        found = compare(base, constant(SIZES[0] + step, *SIZES[1:scenarios]), TOKENS, paired=paired)

        delta = found.deltas[0]
        assert delta.interval is not None
        assert (delta.interval.low, delta.interval.high, delta.verdict) == (step, step, verdict)
        assert {each.verdict for each in found.deltas[1:]} <= {"cannot tell"}
        assert found.summary.verdict == verdict
        assert found.summary.total.interval is not None
        assert found.summary.total.interval.over == "trials"
        assert found.summary.note == (
            "every trial of a scenario gave the same figure: its change is certain; of these scenarios only"
        )


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("changed", [[1500] * 4 + [501] * 4, [1001] + [1000] * 7])
def test_scenarios_that_never_vary_can_disagree(changed: list[float], *, paired: bool) -> None:
    """Each one's change is certain; of scenarios like these it says no more than their interval does."""
    found = compare(constant(*[1000] * 8), constant(*changed), TOKENS, paired=paired)

    assert found.deltas[0].verdict == "worse"
    assert bounds(found)[0] < 1 < bounds(found)[1]
    assert found.summary.verdict == "cannot tell"
    assert found.summary.note == (
        "every trial of a scenario gave the same figure: its change is certain; the verdict is about scenarios like "
        "these"
    )


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("metric", [TOKENS, SHARE])
def test_same_change_of_scenarios_whose_trials_vary_has_their_width(metric: Metric, *, paired: bool) -> None:
    """That all means changed alike does not hide how little each is known."""
    base = many(*((0.0,) * 5,) * 6)

    summary = compare(base, many(*((1.0, 0.0, 0.0, 0.0, 2.0),) * 6), metric, paired=paired).summary

    assert summary.delta.interval is not None
    assert summary.delta.interval.over == "trials"
    assert summary.delta.interval.high - summary.delta.interval.low > 0.1
    assert summary.note == "the interval is over the trials of these 6 scenarios only: it says nothing of others"


def test_same_change_of_scenarios_whose_few_trials_vary_has_no_interval() -> None:
    """Of four trials nobody can tell how little each is known."""
    base, now = (many(*((size, 1.1 * size, 0.9 * size, size),) * 6) for size in (100, 50))

    summary = compare(base, now, TOKENS, paired=False).summary

    assert (summary.total.interval, summary.verdict) == (None, "cannot tell")
    assert summary.note == (
        "no interval: all scenarios changed by the same, though trials vary; it takes 5 trials of each on both sides"
    )


def test_same_change_of_every_pair_has_no_width() -> None:
    """Trials vary and their change does not: there is no noise to show."""
    base = many(*((size, 1.1 * size, 0.9 * size) for size in SIZES))
    now = many(*((0.5 * size, 0.55 * size, 0.45 * size) for size in SIZES))

    found = compare(base, now, TOKENS, paired=True)

    assert bounds(found) == pytest.approx((0.5, 0.5))
    assert found.summary.total.interval is not None
    assert (found.summary.total.interval.over, found.summary.verdict) == ("scenarios", "better")


def test_scenario_of_few_trials_takes_part_in_the_test_within() -> None:
    """Drift stays no difference where one scenario of eight lost trials, and where all have only four."""
    import numpy as np

    for kept in ([10] * 7 + [4], [4] * 8):
        sides = drawn(np.random.default_rng(2), "drifting", cv=0.001)
        base, now = (
            [sample_of(str(k), *side[k].values["tokens"][: kept[k]]) for k in range(8)]
            for side in (sides.base, sides.now)
        )
        found = compare(base, now, TOKENS, paired=True)

        assert found.summary.verdict == "cannot tell"
        assert found.summary.p is not None
        assert found.summary.p > 0.05


def test_scenario_of_few_trials_takes_part_in_the_interval_over_trials() -> None:
    """With three of one it is there; with two there is none, and the note says whose fault it is."""
    import numpy as np

    sides = drawn(np.random.default_rng(1), "noisy", cv=0.05, ratio=0.8)
    few = [
        [sample_of("few", *side[0].values["tokens"][:count]) for side in (sides.base, sides.now)] for count in (3, 2)
    ]
    three, two = (
        compare([*sides.base[1:5], base], [*sides.now[1:5], now], TOKENS, paired=True).summary for base, now in few
    )

    assert three.total.interval is not None
    assert (three.total.interval.over, three.verdict) == ("trials", "better")
    assert (two.total.interval, two.verdict) == (None, "cannot tell")
    assert two.note == (
        "no interval: it takes 6 scenarios, or 5 trials of each on both sides (1 of 5 has fewer than 3)"
    )


def test_rate_of_few_trials_has_no_interval() -> None:
    """However many scenarios, a rate is over trials."""
    success = next(metric for metric in METRICS if metric.name == "success")
    summary = compare(constant(1, trials=1), constant(1, trials=1), success, paired=True).summary

    assert summary.delta.interval is None
    assert summary.note == "no interval: it takes 5 trials on both sides"


def test_one_scenario_is_called_one() -> None:
    """The note counts in English."""
    summary = compare(many((1, 2, 3, 4, 5)), many((1, 2, 4, 4, 5)), TOKENS, paired=True).summary

    assert summary.note == "the interval is over the trials of this one scenario only: it says nothing of others"


@pytest.mark.parametrize("trials", [1, 10])
def test_same_change_of_all_scenarios_has_no_width(trials: int) -> None:
    """A tenth less everywhere is a tenth less."""
    now = constant(*(size * 0.9 for size in SIZES), trials=trials)

    found = compare(constant(*SIZES, trials=trials), now, TOKENS, paired=True)

    assert bounds(found) == pytest.approx((0.9, 0.9))
    assert found.summary.verdict == "better"


def test_verdict_knows_which_way_is_better() -> None:
    """More is better of what should be high."""
    assert compare(constant(0.2), constant(0.3), SHARE, paired=True).summary.verdict == "better"
    assert compare(constant(0.2), constant(0.3), TOKENS, paired=True).summary.verdict == "worse"


def test_base_of_zero_is_compared_by_difference() -> None:
    """No ratio is defined, and the change is a verdict all the same."""
    summary = compare(constant(0, 0), constant(0, 3), TOKENS, paired=True).summary

    assert (summary.total.value, summary.median.value, summary.leave_one_out) == (None, None, None)
    assert summary.delta.interval is not None
    assert (summary.delta.value, summary.delta.interval.low, summary.delta.interval.high) == (3, 3, 3)
    assert summary.verdict == "worse"


def test_change_within_the_floor_is_no_verdict() -> None:
    """What the control shows is not exceeded by as much as that."""
    base, now = constant(100, 200), constant(110, 220)

    for floor, verdict in ((None, "worse"), (share(0.09), "worse"), (share(0.11), "cannot tell")):
        found = compare(base, now, TOKENS, paired=True, floor=floor)
        assert (found.summary.verdict, found.deltas[0].verdict) == (verdict, verdict)


def test_share_is_no_rate_for_being_0_or_1() -> None:
    """One trial that is neither changes no method; a metric that is binary keeps its width where all trials agree."""
    rate = Metric(name="tokens", title="", unit="", value=lambda _: None, summed=False, better="higher", binary=True)
    base = constant(*[0.0] * 6)
    for odd in (0.0, 0.001):
        interval = compare(base, many(*((odd, *[0.0] * 9),) * 6), SHARE, paired=True).summary.delta.interval
        assert interval is not None
        assert interval.high < 0.01

    interval = compare(base, base, rate, paired=True).summary.delta.interval
    assert interval is not None
    assert (interval.over, interval.high > 0.01) == ("trials", True)


def test_floor_is_compared_with_what_it_is() -> None:
    """A share with the share of the change, a difference with the difference; from 0 any change is beyond a share."""
    for kind, value, base, now, verdict in (
        ("difference", 0.05, 0.2, 0.3, "worse"),
        ("difference", 0.15, 0.2, 0.3, "cannot tell"),
        ("difference", 50, 1000, 1040, "cannot tell"),
        ("difference", 50, 1000, 1060, "worse"),
        ("share", 5, 0, 3, "worse"),
        ("share", 0.5, -10, -6, "cannot tell"),
    ):
        floor = Floor(kind=kind, value=value, scenarios=frozenset("a"), verdict="cannot tell")  # type: ignore[arg-type]  # of the table above
        found = compare(constant(base), constant(now), TOKENS, paired=True, floor=floor)
        assert (found.summary.verdict, found.deltas[0].verdict) == (verdict, verdict), (kind, value, base, now)


def test_spread_is_what_a_control_shows() -> None:
    """|ratio - 1|, or |difference| where there is none: of a rate, and of sums one of which is 0."""
    a = frozenset("a")
    found = spread(compare(constant(100), constant(97), TOKENS, paired=True))
    assert (found.kind, found.scenarios, found.verdict) == ("share", a, "better")
    assert found.value == pytest.approx(0.03)
    found = spread(compare(constant(0.5), constant(0.3), SHARE, paired=True))
    assert found.kind == "difference"
    assert found.value == pytest.approx(0.2)
    found = spread(compare(constant(1000), [*constant(0), sample_of("z", 1)], TOKENS, paired=True))
    assert found == Floor(kind="difference", value=1000, scenarios=a, verdict="better")


@pytest.mark.parametrize(
    ("floor", "objection"),
    [
        (share(None), "no verdict, as no trial of the control can be compared"),
        (share(0, scenarios="a"), "no verdict, as the control lacks 1 of these 2 scenarios"),
        (
            share(0, verdict="worse"),
            "no verdict, as the control differs from itself: it is worse than the arm that it repeats",
        ),
    ],
)
def test_control_that_cannot_be_held_against_a_change_takes_the_verdicts(floor: Floor, objection: str) -> None:
    """One of errors alone, one of fewer scenarios, one that tells equals apart; and the note says which."""
    found = compare(constant(100, 200), constant(150, 300), TOKENS, paired=True, floor=floor)

    assert {found.summary.verdict, *(delta.verdict for delta in found.deltas)} == {"cannot tell"}
    assert found.summary.note == (
        f"every trial of a scenario gave the same figure: its change is certain; of these scenarios only; {objection}"
    )


def test_few_trials_have_no_interval() -> None:
    """Four trials of five scenarios are shown without one, and the note says what it takes."""
    base = constant(1, 2, 3, 4, 5, trials=4)

    found = compare(base, constant(2, 3, 4, 5, 6, trials=4), TOKENS, paired=True)

    assert {delta.interval for delta in found.deltas} == {None}
    assert {delta.p for delta in found.deltas} == {None}
    assert found.summary.total.value == pytest.approx(20 / 15)
    assert (found.summary.total.interval, found.summary.delta.interval) == (None, None)
    assert found.summary.per_correct.interval is None
    assert found.summary.note == "no interval: it takes 6 scenarios, or 5 trials of each on both sides"
    assert found.summary.verdict == "cannot tell"


def test_few_scenarios_are_judged_by_their_trials() -> None:
    """The interval says so, and the note says what it does not say."""
    import numpy as np

    sides = drawn(np.random.default_rng(1), "noisy", cv=0.05, ratio=0.8)
    summary = compare(sides.base[:5], sides.now[:5], TOKENS, paired=True).summary

    for estimate in (summary.delta, summary.total, summary.per_correct):
        assert estimate.interval is not None
        assert estimate.interval.over == "trials"
    assert summary.median.interval is None
    assert summary.verdict == "better"
    assert summary.note == "the interval is over the trials of these 5 scenarios only: it says nothing of others"


def test_one_trial_of_many_scenarios_has_an_interval() -> None:
    """Scenarios are what is resampled, however few their trials."""
    summary = compare(many(*((s,) for s in SIZES)), many(*((s * 0.5,) for s in SIZES)), TOKENS, paired=True).summary

    assert summary.total.interval is not None
    assert (summary.total.interval.over, summary.note, summary.verdict) == ("scenarios", "", "better")
    assert summary.p == pytest.approx(2 / 2**8)


def test_scenarios_that_disagree_are_no_verdict() -> None:
    """Half of them up and half down is a wide interval, though no trial varies much."""
    import numpy as np

    rng = np.random.default_rng(3)
    base = many(*rng.normal(100, 0.1, size=(8, 10)).tolist())
    now = many(*(rng.normal([[80], [130]] * 4, 0.1, size=(8, 10))).tolist())

    found = compare(base, now, TOKENS, paired=True)

    assert found.summary.verdict == "cannot tell"
    assert [delta.verdict for delta in found.deltas] == ["better", "worse"] * 4


def test_drift_in_abba_order_is_no_difference() -> None:
    """Of nearly noiseless trials the order leaves a quarter of a percent, the same in every scenario: no verdict."""
    import numpy as np

    sides = drawn(np.random.default_rng(2), "drifting", cv=0.001)
    found = compare(sides.base, sides.now, TOKENS, paired=True)

    assert found.summary.total.value == pytest.approx(1, abs=0.005)
    assert bounds(found)[1] < 1
    assert found.summary.verdict == "cannot tell"


@pytest.mark.parametrize("paired", [True, False])
def test_exchanged_sides_exchange_the_verdict(*, paired: bool) -> None:
    """What is better one way is worse the other, with the reciprocal interval."""
    import numpy as np

    sides = drawn(np.random.default_rng(4), "noisy", cv=0.05, ratio=0.8)
    there = compare(sides.base, sides.now, TOKENS, paired=paired)
    back = compare(sides.now, sides.base, TOKENS, paired=paired)

    assert (there.summary.verdict, back.summary.verdict) == ("better", "worse")
    assert bounds(there) == pytest.approx((1 / bounds(back)[1], 1 / bounds(back)[0]))
    assert {delta.verdict for delta in there.deltas} == {"better"}
    assert {delta.verdict for delta in back.deltas} == {"worse"}


@pytest.mark.parametrize("seed", range(8))
def test_odd_figures_have_finite_intervals_around_them(seed: int) -> None:
    """Whatever figures there are, of 0, of both signs, of wild sizes, missing: no crash, and ends in order."""
    rng = random.Random(seed)
    draws: list[Callable[[], float | None]] = [
        lambda: 0.0,
        lambda: rng.gauss(0, 1),
        lambda: rng.lognormvariate(0, 8),
        lambda: rng.choice([0.0, 1.0]),
        lambda: rng.choice([None, math.inf, math.nan, 1e300, 5.0]),
    ]

    def side() -> list[Sample]:
        counts = [rng.choice([0, 1, 2, 5, 6, 11]) for _ in range(rng.choice([0, 1, 2, 5, 6, 8]))]
        return many(*(tuple(rng.choice(draws)() for _ in range(count)) for count in counts))

    for turn in range(60):
        found = compare(side(), side(), (TOKENS, SHARE)[turn % 2], paired=turn % 4 > 1, floor=share(0.01))
        summary = found.summary
        known = [(each.value, each.interval) for each in (summary.total, summary.median, summary.per_correct)]
        known += [
            (summary.delta.value, summary.delta.interval),
            *((each.delta, each.interval) for each in found.deltas),
        ]
        for value, interval in known:
            if interval is not None:
                assert value is not None
                assert -math.inf < interval.low <= value + 1e-9 * abs(value)
                assert value - 1e-9 * abs(value) <= interval.high < math.inf


def test_what_is_never_negative_cannot_fall_by_more_than_all_of_it() -> None:
    """The interval ends there; that of what can be negative does not, nor that of a share."""
    base, now = (1.0, 1.0, 1.0, 1.0, 30.0), (1.0, 1.0, 1.0, 1.0, 2.0)
    for metric, shift, clipped in ((TOKENS, 0, True), (TOKENS, -2, False), (SHARE, 0, False)):
        sides = [many(tuple(figure + shift for figure in side)) for side in (base, now)]
        found = compare(sides[0], sides[1], metric, paired=False)
        for value, interval in (
            (one(found).base, one(found).interval),
            (found.summary.base, found.summary.delta.interval),
        ):
            assert value is not None
            assert interval is not None
            assert (interval.low == -value) == clipped
            assert (interval.low < -value) != clipped


def test_sums_of_both_signs_have_no_ratio() -> None:
    """A share of a sum of which parts are negative is no share."""
    summary = compare(constant(-1, 3), constant(1, 3), TOKENS, paired=True).summary

    assert (summary.total.value, summary.per_correct.value, summary.delta.value) == (None, None, 2)
    assert summary.verdict == "worse"


# SciPy


def pools(seed: int, base: int = 9, now: int = 7) -> tuple[list[float], list[float]]:
    """Draw a pool for each side."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return rng.lognormal(0, 0.4, base).tolist(), rng.lognormal(0.3, 0.6, now).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_randomisation_agrees_with_scipy(seed: int) -> None:
    """Exactly where all relabellings are enumerated, for trials that are no pairs and for pairs."""
    stats: Any = pytest.importorskip("scipy.stats")

    def distance(later: Any, earlier: Any, axis: int) -> Any:
        return abs(later.mean(axis=axis) - earlier.mean(axis=axis))

    base, now = pools(seed, 6, 7)
    expected = stats.permutation_test((now, base), distance, n_resamples=10**6, vectorized=True, alternative="greater")
    assert randomisation_p([(base, now)], paired=False) == pytest.approx([expected.pvalue])

    base, now = pools(seed, 9, 9)
    expected = stats.permutation_test(
        (now, base),
        distance,
        n_resamples=10**6,
        vectorized=True,
        permutation_type="samples",
        alternative="greater",
    )
    assert randomisation_p([(base, now)], paired=True) == pytest.approx([expected.pvalue])


@pytest.mark.parametrize(("seed", "paired"), [(1, True), (2, False), (3, True), (4, False)])
def test_drawn_relabellings_come_near_scipys(seed: int, *, paired: bool) -> None:
    """With twenty trials a side, and over three scenarios, they are drawn."""
    stats: Any = pytest.importorskip("scipy.stats")
    base, now = pools(seed, 20, 20)
    kind = "samples" if paired else "independent"
    expected = stats.permutation_test(
        (now, base),
        lambda later, earlier, axis: later.mean(axis=axis) - earlier.mean(axis=axis),
        n_resamples=20_000,
        vectorized=True,
        permutation_type=kind,
        rng=1,
    ).pvalue

    assert randomisation_p([(base, now)], paired=paired)[0] == pytest.approx(expected, abs=0.02)
    if paired:
        # Three strata of equal size, each a part of the pairs, are one stratum with the signs of all.
        parts = [(base[part : part + 6], now[part : part + 6]) for part in (0, 6, 12)]
        whole = randomisation_p([(base[:18], now[:18])], paired=True)[0]
        assert joint_randomisation_p(parts, paired=True) == pytest.approx(whole, abs=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_interval_of_a_mean_is_at_least_students(seed: int) -> None:
    """SciPy's t interval lies within ours, and its bootstrap's ends are near."""
    stats: Any = pytest.importorskip("scipy.stats")
    base, now = pools(seed, 30, 30)
    for paired in (True, False):
        found = difference_interval(base, now, "mean", paired=paired)
        test = stats.ttest_rel(now, base) if paired else stats.ttest_ind(now, base, equal_var=False)
        student = test.confidence_interval()
        other = stats.bootstrap(
            (now, base),
            lambda later, earlier, axis: later.mean(axis=axis) - earlier.mean(axis=axis),
            paired=paired,
            vectorized=True,
            rng=1,
            n_resamples=2000,
        ).confidence_interval

        assert found is not None
        assert found.over == "trials"
        assert found.low <= student.low + 1e-3
        assert found.high >= student.high - 1e-3
        width = other.high - other.low
        assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.25 * width)


def test_student_agrees_with_scipy() -> None:
    """The quantile is right to a thousandth."""
    import numpy as np

    stats: Any = pytest.importorskip("scipy.stats")
    for freedom in (1, 1.5, 2, 3.9, 4, 5.5, 7, 9, 18, 98, 1e6):
        assert float(_student(np.array(freedom))) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_ratio_of_sums_has_an_interval_near_scipys_bootstrap(seed: int) -> None:
    """Resampling thirty whole scenarios by SciPy gives nearly the same ends."""
    import numpy as np

    stats: Any = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(seed)
    base = rng.lognormal(5, 0.4, 30)
    now = base * rng.lognormal(-0.2, 0.2, 30)
    other = stats.bootstrap(
        (base, now),
        lambda earlier, later, axis: np.log(later.sum(axis=axis) / earlier.sum(axis=axis)),
        paired=True,
        vectorized=True,
        rng=1,
        n_resamples=2000,
    ).confidence_interval
    sides = [[sample_of(str(k), figure) for k, figure in enumerate(side.tolist())] for side in (base, now)]

    found = [math.log(end) for end in bounds(compare(sides[0], sides[1], TOKENS, paired=True))]

    assert found == pytest.approx([other.low, other.high], abs=0.25 * (other.high - other.low))


def test_median_has_order_statistics_as_interval() -> None:
    """Six figures have their range, nearly; more have less; the coverage of whole depths is binomial."""
    stats: Any = pytest.importorskip("scipy.stats")
    low, high = median_bounds(range(6))
    assert 0 < low < 0.4
    assert (low + high) / 2 == pytest.approx(2.5)

    low, high = median_bounds(range(25))
    depth = int(low) + 1
    assert 1 - 2 * stats.binom.cdf(depth - 1, 25, 0.5) >= 0.95 > 1 - 2 * stats.binom.cdf(depth, 25, 0.5)


def test_median_of_trials_has_an_interval() -> None:
    """It holds the difference of the medians; four trials have none, and equal trials have no width."""
    base, now = pools(1, 10, 10)
    for paired in (True, False):
        found = difference_interval(base, now, "median", paired=paired)

        assert found is not None
        assert found.low <= statistics.median(now) - statistics.median(base) <= found.high
    still = difference_interval([1] * 5, [3] * 5, "median", paired=False)
    assert still is not None
    assert (still.low, still.high) == (2, 2)
    assert difference_interval(base[:4], now, "median", paired=False) is None
    assert difference_interval(base, now[:4], "mean", paired=False) is None


def test_figures_that_hardly_vary_have_students_interval() -> None:
    """One trial of ten that differs leaves a third of the resamples without variance; the ends stay finite."""
    found = difference_interval([4.0] * 10, [4.0] * 9 + [5.0], "mean", paired=True)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.1 - 0.2262, 0.1 + 0.2262), abs=1e-4)


def test_scenarios_of_which_one_changed_have_students_interval() -> None:
    """Seven equal ratios and another one leave a third of the resamples without variance; the ends stay finite."""
    found = compare(constant(*[100] * 8, trials=1), constant(*[100] * 7, 180, trials=1), TOKENS, paired=True)

    low, high = bounds(found)
    assert 0.8 < low < 1
    assert 1.1 < high < 1.4
    assert found.summary.verdict == "cannot tell"


def test_min_scenarios_is_what_the_test_over_them_needs() -> None:
    """With one fewer, all changed alike, its p-value is above 0.05."""
    figures = [float(size) for size in SIZES[:MIN_SCENARIOS]]
    less = [figure / 2 for figure in figures]

    assert randomisation_p([(figures, less)], paired=True)[0] <= 0.05
    assert randomisation_p([(figures[1:], less[1:])], paired=True)[0] > 0.05


def test_numpy_is_imported_when_something_is_compared() -> None:
    """A run that compares nothing does not pay for it."""
    code = "import sys, pytest_codeact.measure; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_types_are_public() -> None:
    """A comparison is made of the values that reports show."""
    found = compare(constant(1), constant(1), TOKENS, paired=True)

    assert isinstance(found.summary, Summary)
    assert isinstance(found.deltas[0], Delta)
