"""Expectations of `zador.studies.statistics.difference` and `sign_flips`: one pair of arms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from references import paired_statistics
from zador.errors import DataError, UsageError
from zador.studies.statistics import compare, sign_flip_p, signed_ranks

NAN = float("nan")
EIGHTHS = st.lists(st.integers(-40, 40).map(lambda k: k / 8), min_size=1, max_size=8)


@given(EIGHTHS, st.booleans())
def test_sign_flips_are_those_of_the_enumeration(differences, one_sided):
    """The exact p-value equals the share counted one pattern at a time, in fractions."""
    expected = paired_statistics.sign_flip_p(differences, one_sided=one_sided)
    assert sign_flip_p(np.array(differences), one_sided=one_sided) == expected


def test_random_sign_flips_agree_with_scipy():
    """With 20 pairs the p-value is scipy's within four standard errors of two counts of 20,000."""
    d = np.random.default_rng(3).normal(0.4, 1, 20)
    theirs = stats.permutation_test(
        (d,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    ).pvalue
    ours = sign_flip_p(d, seed=1)
    assert abs(ours - theirs) < 4 * math.sqrt(2 * theirs * (1 - theirs) / 20_000)
    assert ours == sign_flip_p(d, seed=1)


def test_many_pairs_are_flipped_in_blocks():
    """A number of pairs whose patterns do not fit in one block gives a p-value of the normal approximation, within 4 s.e."""
    d = np.random.default_rng(4).normal(0.05, 1, 700)
    expected = 2 * stats.norm.sf(abs(d.sum()) / np.sqrt((d**2).sum()))
    assert abs(sign_flip_p(d) - expected) < 4 * math.sqrt(expected * (1 - expected) / 20_000)


def test_signed_ranks_without_zeros_are_wilcoxons():
    """Their sign-flip p-value is that of scipy's exact Wilcoxon test."""
    d = np.random.default_rng(5).normal(0.5, 1, 11)
    assert sign_flip_p(signed_ranks(d)) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, rel=1e-12)


def test_few_pairs_get_students_test():
    """Below ten pairs p-value and interval are those of scipy's paired t-test."""
    a, b = np.random.default_rng(6).normal(size=(2, 9))
    theirs = stats.ttest_rel(a, b)
    ours = compare(a, b)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-12)
    assert ours.standardised == pytest.approx(theirs.statistic / 3, rel=1e-12)
    assert ours.relative == pytest.approx((a.mean() - b.mean()) / abs(b.mean()), rel=1e-12)
    assert ours.method == "Student's t"


def test_from_ten_pairs_on_flips_and_bootstrap_take_over():
    """Ten pairs are tested by all 1024 sign patterns and get a bootstrap interval."""
    a, b = np.random.default_rng(7).normal(size=(2, 10))
    ours = compare(a, b)
    assert ours.p * 1024 == round(ours.p * 1024)
    assert ours.method == "sign flips; interval: BCa bootstrap"
    assert ours == compare(a, b)
    assert ours != compare(a, b, seed=1)


def test_one_seed_decides_nothing():
    """A single pair has a difference and nothing else."""
    ours = compare([2.0], [3.0])
    assert (ours.mean, ours.n) == (-1.0, 1)
    assert all(math.isnan(x) for x in (ours.p, ours.low, ours.high, ours.standardised))


@pytest.mark.parametrize("n", [2, 9, 20])
def test_identical_arms_differ_by_nothing(n):
    """Difference 0, interval [0, 0], p = 1, whatever the number of pairs."""
    a = np.random.default_rng(8).normal(size=n)
    ours = compare(a, a)
    assert (ours.mean, ours.low, ours.high, ours.p, ours.standardised) == (0.0, 0.0, 0.0, 1.0, 0.0)


def test_rounding_is_no_difference():
    """Arms that agree to the last two bits are alike, and a shift that varies by rounding alone is constant."""
    a = np.random.default_rng(9).uniform(1, 2, 6)
    assert compare(a * (1 + 3e-16), a).p == 1.0
    shifted = compare(a + 0.1, a)
    assert shifted.p == 2 / 2**6
    assert shifted.low == shifted.high == shifted.mean == pytest.approx(0.1, rel=1e-14)
    assert math.isinf(shifted.standardised)


def test_a_failed_run_is_the_worst_there_is():
    """An arm that wins four times and fails twice is no winner; the median and the failures are reported, no mean is."""
    a = [1.0, 1.0, 1.0, 1.0, NAN, math.inf]
    b = [2.0, 2.1, 2.2, 2.3, 2.4, 2.5]
    ours = compare(a, b)
    assert (ours.failures_a, ours.failures_b, ours.failures) == (2, 0, 2)
    assert math.isnan(ours.mean)
    assert math.isnan(ours.standardised)
    assert ours.effect == ours.median == pytest.approx(-1.05)
    # Ranks of |d|: 1, 2, 3, 4 below and 5.5 twice above: the sum is 1.
    assert ours.p == paired_statistics.sign_flip_p([-1, -2, -3, -4, 5.5, 5.5])


def test_where_more_is_better_failing_is_minus_infinity():
    """The worst entropy is no high one."""
    ours = compare([1.0, NAN], [2.0, 2.0], lower_is_better=False)
    assert ours.differences == (-1.0, -math.inf)


def test_both_failed_is_a_tie():
    """Pairs in which both arms failed say nothing about either."""
    ours = compare([NAN] * 12, [math.inf] * 12)
    assert (ours.median, ours.p) == (0.0, 1.0)
    assert compare([NAN] * 12, [1.0] * 12).p == 2 / 2**12


def test_a_family_widens_the_interval_and_leaves_p_alone():
    """A Bonferroni interval of m comparisons has confidence 1 - 0.05 / m."""
    a, b = np.random.default_rng(10).normal(size=(2, 6))
    one, ten = compare(a, b), compare(a, b, family=10)
    half = stats.t.isf(0.05 / 20, 5) * np.std(a - b, ddof=1) / math.sqrt(6)
    assert ten.high - ten.mean == pytest.approx(half, rel=1e-12)
    assert ten.p == one.p
    many = np.random.default_rng(11).normal(size=(2, 12))
    assert compare(*many, family=50).method == "sign flips; interval: Student's t"  # beyond what resamples can resolve


@given(EIGHTHS.filter(lambda d: len(d) > 1))
def test_exchanging_the_arms_exchanges_the_sign(differences):
    """What b has over a is what a has over b, mirrored."""
    zero = np.zeros(len(differences))
    there, back = compare(differences, zero), compare(zero, differences)
    assert back.mean == -there.mean
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)
    assert back.p == pytest.approx(there.p, abs=1e-12)


def test_what_cannot_be_compared_is_refused():
    """Arms of different length, no runs, matrices, words, impossible confidences and families are refused in one line."""
    with pytest.raises(DataError, match="2 of a and 1 of b"):
        compare([1.0, 2.0], [1.0])
    for bad in ([], [[1.0]], ["x"]):
        with pytest.raises(DataError, match="one number a run"):
            compare(bad, bad)
    with pytest.raises(UsageError, match="confidence"):
        compare([1.0], [1.0], confidence=95)
    with pytest.raises(UsageError, match="family"):
        compare([1.0], [1.0], family=0)
