"""The best levels on a line, against every partition there is and against the theory of a Gaussian."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zador.quantizers.line import MOST_LEVELS, Line
from zador.theory import scalar


def least_error(x, count):
    """Try every partition of the sorted numbers into `count` runs."""
    best = np.inf
    for cuts in itertools.combinations(range(1, len(x)), count - 1):
        edges = [0, *cuts, len(x)]
        best = min(best, sum(((x[a:b] - x[a:b].mean()) ** 2).sum() for a, b in itertools.pairwise(edges)))
    return best / len(x)


@given(numbers=st.lists(st.integers(-6, 6) | st.floats(-5, 5), min_size=6, max_size=10))
@settings(max_examples=60)
def test_few_numbers_are_partitioned_best(numbers):
    """Errors of 1 to 5 levels are those of the best of all partitions."""
    x = np.sort(np.array(numbers, float))
    np.testing.assert_allclose(Line(x).distortions(5), [least_error(x, n) for n in range(1, 6)], atol=1e-12)


@given(numbers=st.lists(st.integers(-20, 20), min_size=2, max_size=60), count=st.integers(1, 8))
@settings(max_examples=60)
def test_levels_are_stationary_and_as_good_as_promised(numbers, count):
    """Every level is the mean of what is nearest to it, and their error is the best one for numbers that need no groups."""
    line = Line(np.sort(np.array(numbers, float)))
    wanted = min(count, line.most)
    levels = line.levels(wanted)
    cells = np.searchsorted(0.5 * (levels[1:] + levels[:-1]), line.sorted)
    for k in range(wanted):
        assert levels[k] == pytest.approx(line.sorted[cells == k].mean(), abs=1e-12)
    error = ((line.sorted - levels[cells]) ** 2).mean()
    assert error == pytest.approx(line.distortions(wanted)[-1], abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 8, 64, 256])
def test_on_a_gaussian_it_is_lloyd_max(count):
    """On evenly drawn points of N(0, 1) the error is that of the Lloyd-Max quantizer, and the estimate hardly above it."""
    from scipy import stats

    line = Line(stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000))
    levels = line.levels(count)
    best = scalar.lloyd_max("gaussian", count)
    cells = np.searchsorted(0.5 * (levels[1:] + levels[:-1]), line.sorted)
    # Evenly drawn points miss the variance beyond the last of them, 2e-5 in all.
    assert ((line.sorted - levels[cells]) ** 2).mean() == pytest.approx(best.distortion, rel=5e-3, abs=2e-5)
    assert line.distortions(count)[-1] == pytest.approx(best.distortion, rel=0.015, abs=2e-5)


def test_more_levels_never_cost():
    """Errors fall with the number of levels, to 0 once each number that differs has its own."""
    x = np.sort(np.random.default_rng(0).integers(0, 40, 1000).astype(float))
    line = Line(x)
    errors = line.distortions(60)
    assert line.distinct == line.most == 40
    assert (np.diff(errors) <= 0).all()
    assert errors[39:].max() < 1e-14 * errors[0]
    np.testing.assert_allclose(line.levels(40), np.unique(x), atol=1e-12)


def test_an_axis_has_an_upper_limit():
    """However many numbers differ, at most 1024 levels make sense."""
    assert Line(np.arange(5000.0)).most == MOST_LEVELS == 1024


def test_outliers_get_levels_of_their_own():
    """Three numbers far away from a million near each other are not lumped together with them."""
    x = np.concatenate([np.random.default_rng(0).standard_normal(100_000), [1e4, 1e4 + 1, 5e4]])
    line = Line(np.sort(x))
    assert line.distortions(4)[-1] < 0.5
    assert line.levels(4)[-1] == 5e4
