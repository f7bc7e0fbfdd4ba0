"""Is a rise more than noise?"""

from __future__ import annotations

import random
import statistics
from itertools import combinations

import pytest

from pytest_codeact.measure import holm, rise_p
from pytest_codeact.measure._regression import rank_sum_p, student_tail


def test_student_tail_is_scipys() -> None:
    """The tail of Student's t is SciPy's to nine digits, far out and for few degrees of freedom too."""
    stats = pytest.importorskip("scipy.stats", reason="the reference of this test")
    for t in (1e-3, 0.5, 1.0, 2.2, 5.0, 40.0):
        for freedom in (1, 2.5, 8, 97.3, 5000):
            assert student_tail(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=1e-9)
    assert student_tail(1e-9, 8) == 1.0


def test_rise_of_a_mean_is_students_test() -> None:
    """In one scenario the p-value of a mean is that of Student's test with equal variances."""
    stats = pytest.importorskip("scipy.stats", reason="the reference of this test")
    draw = random.Random(3)
    for _ in range(20):
        base = [draw.gauss(10, 1) for _ in range(8)]
        now = [draw.gauss(13, 1) for _ in range(11)]
        assert rise_p([(base, now)], ranked=False) == pytest.approx(stats.ttest_ind(now, base).pvalue)


@pytest.mark.parametrize("sizes", [(9, 7), (20, 15), (5, 30), (30, 5)])
def test_rise_of_a_median_is_the_exact_rank_sum_test(sizes: tuple[int, int]) -> None:
    """Without ties it is the exact Mann-Whitney test, doubled, whichever side has more trials."""
    stats = pytest.importorskip("scipy.stats", reason="the reference of this test")
    draw = random.Random(4)
    for _ in range(5):
        base, now = ([draw.gauss(mean, 1) for _ in range(n)] for mean, n in zip((10, 10.5), sizes, strict=True))
        exact = stats.mannwhitneyu(now, base, alternative="greater", method="exact").pvalue
        assert rise_p([(base, now)], ranked=True) == pytest.approx(min(1, 2 * exact))


def test_ranks_of_ties_and_strata_are_enumerated() -> None:
    """With ties, and over two strata, it is the share of all relabellings whose sum of ranks is as large."""
    draw = random.Random(9)
    strata = [
        ([draw.randrange(4) for _ in range(m)], [draw.randrange(1, 5) for _ in range(n)]) for m, n in ((4, 3), (2, 4))
    ]
    sums: list[list[float]] = []
    for base, now in strata:
        ordered = sorted([*base, *now])
        ranks = [statistics.fmean(p for p, each in enumerate(ordered) if each == v) for v in (*base, *now)]
        chosen = [sum(ranks[place] for place in places) for places in combinations(range(len(ranks)), len(now))]
        sums.append([each - chosen[-1] for each in chosen])
    total = [one + other for one in sums[0] for other in sums[1]]

    expected = 2 * sum(each > -1e-9 for each in total) / len(total)

    assert rank_sum_p(strata) == pytest.approx(min(1.0, expected))


def test_ranks_of_many_trials_are_normal() -> None:
    """Where there are too many sums to enumerate, the normal distribution is near, and no smaller far out."""
    stats = pytest.importorskip("scipy.stats", reason="the reference of this test")
    draw = random.Random(6)
    for shift in (0.2, 0.9):
        base, now = ([draw.gauss(mean, 1) for _ in range(60)] for mean in (0, shift))
        exact = 2 * stats.mannwhitneyu(now, base, alternative="greater", method="exact").pvalue
        assert exact * 0.98 < rank_sum_p([(base, now)]) < exact * 1.5
    assert rank_sum_p([([1.0] * 60, [1.0] * 60)]) == 1.0


@pytest.mark.parametrize(("ranked", "least"), [(True, 2 / 252), (False, 2 / 1024)])
def test_rise_without_any_noise_is_never_certain(*, ranked: bool, least: float) -> None:
    """Figures that are constant on both sides may be so by chance; a fall and a standstill are no rise."""
    assert rise_p([([5.0] * 5, [5.1] * 5)], ranked=ranked) == pytest.approx(least)
    assert rise_p([([5.0] * 5, [4.9] * 5)], ranked=ranked) == 1.0
    assert rise_p([([5.0] * 5, [5.0] * 5)], ranked=ranked) == 1.0


def test_rise_of_one_outlier_is_noise() -> None:
    """One trial of five that went astray makes no regression of a mean."""
    base = [1.0 + 0.01 * (number % 5) for number in range(50)]

    assert rise_p([(base, [1.0, 1.01, 1.02, 1.03, 9.0])], ranked=False) == 1.0


def test_strata_add_up() -> None:
    """A small rise in each of many scenarios is found together and not in any alone."""
    draw = random.Random(5)
    strata = [([draw.gauss(10, 2) for _ in range(10)], [draw.gauss(12, 2) for _ in range(10)]) for _ in range(8)]

    assert rise_p(strata, ranked=False) < 1e-4
    assert rise_p(strata, ranked=False) < min(rise_p([each], ranked=False) for each in strata)


def test_holm_multiplies_by_what_is_left() -> None:
    """The smallest counts as often as there are, the next once less, and none is below one before it."""
    assert holm([0.04, 0.01, 0.02, 0.9]) == pytest.approx([0.08, 0.04, 0.06, 0.9])
    assert holm([0.02, 0.021]) == pytest.approx([0.04, 0.04])
    assert holm([]) == []
