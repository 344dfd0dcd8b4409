"""The corrected resampled t-test against its definition, and against what it is for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zador.errors import UsageError
from zador.studies.statistics.resampled import resampled


def test_without_overlap_it_is_the_one_sample_t_test():
    """With hardly anything held out the correction vanishes, and SciPy's test is what is left."""
    values = np.random.default_rng(0).normal(0.3, 1, 8)
    found = resampled(values, 1e-12)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-6)
    assert found.standard_error == pytest.approx(stats.sem(values), rel=1e-6)


def test_means_over_overlapping_splits_are_not_taken_for_independent():
    """A/A: two halves of pure noise judged on 20 random splits; the naive test cries wolf, this one keeps its level."""
    rng = np.random.default_rng(1)
    naive = ours = 0
    studies = 400
    for _ in range(studies):
        noise = rng.standard_normal(60)
        differences = [noise[rng.permutation(60)[:15]].mean() for _ in range(20)]
        naive += stats.ttest_1samp(differences, 0).pvalue < 0.05
        ours += resampled(differences, 0.25).p < 0.05
    assert naive / studies > 0.2
    assert ours / studies <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)


@pytest.mark.parametrize(("values", "expected"), [([0.0, 0.0], 1.0), ([1.0, 1.0], 0.0)])
def test_differences_without_spread(values, expected):
    """Nothing ever differs: p = 1; always by the same: p = 0."""
    assert resampled(values, 0.25).p == expected


def test_one_split_decides_nothing():
    """There is no spread to judge by."""
    assert np.isnan(resampled([1.0], 0.25).p)


@pytest.mark.parametrize(("values", "share"), [([], 0.25), ([1.0, 2.0], 0.0), ([1.0, 2.0], 1.0), ([[1.0]], 0.5)])
def test_what_is_no_sample_is_refused(values, share):
    """The message says what was asked for."""
    with pytest.raises(UsageError, match="expected values"):
        resampled(values, share)
