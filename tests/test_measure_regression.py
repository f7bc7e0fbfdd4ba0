"""Is a rise more than noise?"""

from __future__ import annotations

import random

import pytest

from pytest_codeact.measure import holm, rise_p
from pytest_codeact.measure._regression import student_tail


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


def test_rise_of_a_median_is_students_test_of_the_ranks() -> None:
    """On ranks it is the rank transform of Wilcoxon's test, ties sharing a rank."""
    stats = pytest.importorskip("scipy.stats", reason="the reference of this test")
    draw = random.Random(4)
    for _ in range(20):
        base = [float(draw.randrange(6)) for _ in range(9)]
        now = [float(draw.randrange(3, 9)) for _ in range(7)]
        ranks = stats.rankdata([*base, *now])
        assert rise_p([(base, now)], ranked=True) == pytest.approx(stats.ttest_ind(ranks[9:], ranks[:9]).pvalue)


@pytest.mark.parametrize("ranked", [True, False])
def test_rise_without_any_noise_is_certain(*, ranked: bool) -> None:
    """Where nothing ever varied, any rise is none of chance's; a fall and a standstill are no rise."""
    assert rise_p([([5.0] * 5, [5.1] * 5)], ranked=ranked) == 0.0
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
