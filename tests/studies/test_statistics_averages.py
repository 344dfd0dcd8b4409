"""Expectations of `mean_interval`, and of aggregates over data sets."""

import math

import numpy as np
import pytest
from scipy import stats

from references import paired_statistics
from zador.errors import DataError, UsageError
from zador.studies.statistics import (
    aggregate,
    interquartile_mean,
    mean_interval,
    performance_profile,
    probability_of_improvement,
)

NAN = float("nan")


def test_few_runs_get_students_interval():
    """Below ten runs the interval of the mean is scipy's."""
    values = np.random.default_rng(0).normal(size=7)
    ours = mean_interval(values)
    assert (ours.low, ours.high) == pytest.approx(
        stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values)), rel=1e-12
    )
    assert ours.centre == ours.mean == values.mean()


def test_many_runs_get_the_bootstrap():
    """From ten on the interval is BCa, as wide as Student's within a tenth for well-behaved numbers."""
    values = np.random.default_rng(1).normal(size=30)
    ours = mean_interval(values)
    low, high = stats.t.interval(0.95, 29, loc=values.mean(), scale=stats.sem(values))
    assert ours.method == "BCa bootstrap"
    assert (ours.high - ours.low) / (high - low) == pytest.approx(1, abs=0.1)


def test_a_failed_run_turns_mean_into_median():
    """The mean is NaN, the median counts the failed run as worst, and its interval is exact."""
    ours = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, NAN])
    assert math.isnan(ours.mean)
    assert (ours.centre, ours.failures, ours.n) == (4.5, 1, 8)
    # 2 P(Bin(8, 1/2) = 0) = 1/128 < 0.05 < 2 P(Bin(8, 1/2) <= 1): first and last order statistic.
    assert (ours.low, ours.high) == (1.0, math.inf)
    assert mean_interval([1.0, 2.0, NAN], lower_is_better=False).median == 1.0


@pytest.mark.parametrize("n", [6, 9, 12, 20, 41])
def test_the_interval_of_the_median_is_the_narrowest_that_keeps_its_level(n):
    """Its exact coverage is at least 95 %, and one order statistic further in it would be less."""
    values = np.arange(float(n))
    values[-1] = NAN
    ours = mean_interval(values)
    k = int(ours.low) + 1
    assert 2 * stats.binom.cdf(k - 1, n, 0.5) <= 0.05 < 2 * stats.binom.cdf(k, n, 0.5)


def test_nothing_and_one():
    """One run has no interval, equal runs a point, no run at all is refused."""
    assert math.isnan(mean_interval([1.0]).low)
    assert (mean_interval([2.0] * 5).low, mean_interval([2.0] * 5).high) == (2.0, 2.0)
    assert mean_interval([NAN, NAN]).median == math.inf
    with pytest.raises(DataError, match="one number a run"):
        mean_interval([])
    with pytest.raises(UsageError, match="probability"):
        mean_interval([1.0, 2.0], confidence=1.0)


@pytest.mark.parametrize("n", [1, 3, 4, 10, 37])
def test_interquartile_mean_is_scipys_trimmed_mean(n):
    """A quarter is cut off at either end."""
    scores = np.random.default_rng(n).normal(size=(3, n))
    np.testing.assert_allclose(interquartile_mean(scores), stats.trim_mean(scores, 0.25, axis=1), rtol=1e-14)


def test_runs_are_drawn_within_their_data_set():
    """Data sets far apart whose runs are all alike leave nothing to chance: the interval is a point."""
    ours = aggregate([[0.0] * 5, [100.0] * 5], np.mean)
    assert (ours.low, ours.value, ours.high) == (50.0, 50.0, 50.0)


def test_the_interval_of_an_aggregate_covers():
    """For 4 data sets of 10 normal runs 95 % intervals of the mean cover as often as they can.

    The s.d. of a resampled mean is sqrt(9/10) of the true one: coverage 93.7 % of 200, s.e. 1.7 %.
    """
    rng = np.random.default_rng(5)
    centres = np.arange(4.0)
    hits = 0
    for study in range(200):
        ours = aggregate(rng.normal(centres[:, None], 1, (4, 10)), np.mean, seed=study)
        hits += ours.low <= centres.mean() <= ours.high
    assert abs(hits / 200 - 0.937) < 3 * math.sqrt(0.937 * 0.063 / 200)


def test_failed_runs_count_as_worst_in_an_aggregate():
    """A quarter of failures is cut off with the worst, more of them make the aggregate infinite."""
    ours = aggregate([[1.0, 1.0, NAN, 1.0]])
    assert (ours.value, ours.failures, ours.runs) == (1.0, 1, 4)
    assert aggregate([[1.0, NAN, NAN, 1.0]]).value == math.inf
    assert aggregate([[1.0, NAN, NAN, 1.0]], lower_is_better=False).value == -math.inf


def test_a_profile_climbs_from_none_to_all():
    """The share of runs as good as a threshold grows with it, lies in its band, and failures never count."""
    runs = np.random.default_rng(6).normal(size=(3, 8))
    runs[0, 0] = NAN
    ours = performance_profile(runs, [-9.0, -1.0, 0.0, 1.0, 9.0])
    assert ours.share[0] == 0
    assert ours.share[-1] == 23 / 24
    assert np.all(np.diff(ours.share) >= 0)
    assert np.all((ours.low <= ours.share) & (ours.share <= ours.high))
    assert np.mean(runs <= 0) == ours.share[2]
    mirrored = performance_profile(-runs, [9.0, 1.0], lower_is_better=False)
    assert mirrored.share.tolist() == [0, ours.share[1]]


def test_probability_of_improvement_is_counted_pair_by_pair():
    """Ties count half, data sets count alike however many runs they have, and exchanging the arms gives the rest."""
    rng = np.random.default_rng(7)
    a = [rng.integers(0, 4, 5) / 1.0, rng.integers(0, 4, 9) / 1.0]
    b = [rng.integers(0, 4, 6) / 1.0, rng.integers(1, 5, 3) / 1.0]
    ours = probability_of_improvement(a, b)
    assert ours.value == pytest.approx(paired_statistics.probability_of_improvement(a, b), rel=1e-14)
    assert probability_of_improvement(b, a).value == pytest.approx(1 - ours.value, rel=1e-14)
    assert ours.low <= ours.value <= ours.high
    assert probability_of_improvement([[NAN]], [[1.0]]).value == 0.0
    assert probability_of_improvement([[1.0]], [[2.0]], lower_is_better=False).value == 0.0


def test_aggregates_need_data_sets():
    """None at all, or not the same number for both arms, is refused."""
    with pytest.raises(DataError, match="at least one data set"):
        aggregate([])
    with pytest.raises(DataError, match="same data sets"):
        probability_of_improvement([[1.0]], [[1.0], [2.0]])
