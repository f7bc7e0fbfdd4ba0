"""Exact tests, intervals of rates and pass^k."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from samples_of import sample_of

from pytest_codeact.measure import METRICS, compare, pass_hat
from pytest_codeact.measure._success import Alternative, Table, mcnemar_p, stratified_p

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "less", "greater")
SUCCESS = next(metric for metric in METRICS if metric.name == "success")


def table(base: tuple[int, int], now: tuple[int, int]) -> Table:
    """Make a table of (successes, trials) of both sides."""
    return Table(base_successes=base[0], base_trials=base[1], now_successes=now[0], now_trials=now[1])


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_fisher_agrees_with_scipy(alternative: Alternative) -> None:
    """Every table of up to 7 and 6 trials has SciPy's p-value."""
    stats: Any = pytest.importorskip("scipy.stats")
    for base, now in itertools.product(range(8), range(7)):
        expected = stats.fisher_exact([[now, 6 - now], [base, 7 - base]], alternative=alternative).pvalue

        assert stratified_p([table((base, 7), (now, 6))], alternative) == pytest.approx(expected)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_mcnemar_agrees_with_scipy(alternative: Alternative) -> None:
    """It is the binomial test of the pairs that disagree."""
    stats: Any = pytest.importorskip("scipy.stats")
    for lost, gained in itertools.product(range(9), range(1, 9)):
        expected = stats.binomtest(gained, lost + gained, alternative=alternative).pvalue

        assert mcnemar_p(lost, gained, alternative) == pytest.approx(expected)


def test_published_arms_differ() -> None:
    """Fourteen tasks that only one arm got right against three have the published p-value."""
    assert mcnemar_p(14, 3) == pytest.approx(0.0127, abs=5e-5)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_stratified_test_enumerates_all_strata(alternative: Alternative) -> None:
    """The convolution is what enumerating the tables of both strata gives."""
    stats: Any = pytest.importorskip("scipy.stats")
    laws = [stats.hypergeom(9, 5, 4), stats.hypergeom(12, 7, 6)]
    chances: dict[int, float] = {}
    for one, two in itertools.product(range(5), range(7)):
        chances[one + two] = chances.get(one + two, 0.0) + laws[0].pmf(one) * laws[1].pmf(two)
    strata = [table((1, 5), (4, 4)), table((2, 6), (5, 6))]
    tail = {
        "less": [p for total, p in chances.items() if total <= 9],
        "greater": [p for total, p in chances.items() if total >= 9],
        "two-sided": [p for p in chances.values() if p <= chances[9] * (1 + 1e-9)],
    }

    assert stratified_p(strata, alternative) == pytest.approx(sum(tail[alternative]))


def test_nothing_to_test_is_no_evidence() -> None:
    """No strata, no discordant pair and margins that leave no choice give 1."""
    assert stratified_p([]) == 1
    assert mcnemar_p(0, 0) == 1
    assert stratified_p([table((5, 5), (3, 3))]) == 1


def test_success_is_tested_over_the_scenarios_that_both_sides_ran() -> None:
    """Pairs go to McNemar's test, other trials to the stratified one; a scenario of one side goes to neither."""
    ok, failed = (1.0,) * 4, (0.0,) * 4
    base = [sample_of("a", 1, 1, 1, 1, success=ok), sample_of("b", 1, 1, 1, 1, success=ok), sample_of("c", 1)]
    now = [sample_of("b", 1, 1, 1, 1, success=failed), sample_of("a", 1, 1, 1, 1, success=failed)]

    assert compare(base, now, SUCCESS, paired=True).summary.p == pytest.approx(2 / 2**8)
    assert compare(base, now, SUCCESS, paired=False).summary.p == pytest.approx(2 / 70**2)
    assert compare(base, [sample_of("d", 1)], SUCCESS, paired=True).summary.p is None


def test_pass_hat_is_the_share_of_subsets_that_all_succeed() -> None:
    """C(c, k) / C(n, k); more than were tried is unknown."""
    assert [pass_hat(3, 5, k) for k in range(1, 7)] == pytest.approx([0.6, 0.3, 0.1, 0, 0, None])


def test_interval_of_independent_rates_is_newcombes() -> None:
    """The examples of Newcombe 1998 come out: 56/70 - 48/80, and 10/10 - 0/20 with all its width."""
    first = interval((48, 80), (56, 70))
    second = interval((0, 20), (10, 10))

    assert first == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert second == pytest.approx((0.6791, 1.0), abs=5e-5)


def interval(base: tuple[int, int], now: tuple[int, int]) -> tuple[float, float]:
    """Give the interval of a scenario's change of rate, sides given as (successes, trials)."""
    sides = [
        [sample_of("a", *[1] * n, success=[1.0] * successes + [0.0] * (n - successes))] for successes, n in (base, now)
    ]
    found = compare(sides[0], sides[1], SUCCESS, paired=False).deltas[0].interval
    assert found is not None
    return found.low, found.high


def test_interval_of_paired_rates_is_newcombes() -> None:
    """A paired example of Newcombe 1998 comes out: 36 both, 12 and 2 of one side only, none neither."""
    base = sample_of("a", *[1] * 50, success=[1.0] * 48 + [0.0] * 2)
    now = sample_of("a", *[1] * 50, success=[1.0] * 36 + [0.0] * 12 + [1.0] * 2)

    found = compare([base], [now], SUCCESS, paired=True).summary

    assert found.delta.interval is not None
    assert (found.delta.interval.low, found.delta.interval.high) == pytest.approx((-0.3404, -0.0569), abs=5e-5)
    assert found.p == pytest.approx(mcnemar_p(12, 2))
    assert found.verdict == "worse"


def test_rates_without_a_failure_keep_an_interval() -> None:
    """Ten of ten twice is no proof of equality; a scenario and the summary say so."""
    sides = [sample_of(name, *[1] * 10) for name in "ab"]

    found = compare(sides, sides, SUCCESS, paired=False)

    delta, summary = found.deltas[0].interval, found.summary.delta.interval
    assert delta is not None
    assert summary is not None
    assert -delta.low == delta.high == pytest.approx(0.2775, abs=5e-4)
    assert -summary.low == summary.high == pytest.approx(0.1611, abs=5e-4)
    assert summary.over == "trials"
    assert found.summary.total.value is None
    assert found.summary.verdict == "cannot tell"
