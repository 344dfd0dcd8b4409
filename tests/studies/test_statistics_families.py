"""Expectations of `holm`, `needed`, `power`, `equivalent`, `above` and `below`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from references import paired_statistics
from zador.errors import DataError, UsageError
from zador.studies.statistics import CEILING, above, below, compare, equivalent, holm, needed, power, unresolved

NAN = float("nan")


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p_values):
    """Adjusted p-values agree to 1e-12, ties and ends included."""
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], rtol=0, atol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_his_step_down_procedure(p_values):
    """They are also what the procedure says, worked out test by test."""
    np.testing.assert_allclose(holm(p_values), paired_statistics.holm(p_values), rtol=0, atol=1e-12)


def test_holm_leaves_out_what_was_not_tested():
    """NaN stays NaN and is no member of the family, unless the family is stated."""
    np.testing.assert_array_equal(holm([0.01, NAN, 0.04]), [0.02, NAN, 0.04])
    np.testing.assert_allclose(holm([0.01, NAN, 0.04], family=3), [0.03, NAN, 0.08], rtol=1e-15)
    assert len(holm([])) == 0
    with pytest.raises(UsageError, match="at least the 2 tests"):
        holm([0.1, 0.2], family=1)
    with pytest.raises(DataError, match="probabilities"):
        holm([1.5])


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 0.9, 2.0])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_needed_is_that_of_statsmodels(effect, alpha):
    """The number of seeds is statsmodels' for a paired t-test, rounded up."""
    spread = np.array([-1.0, -1.0, 1.0, 1.0])
    arm = effect * spread.std(ddof=1) + spread
    theirs = TTestPower().solve_power(effect_size=effect, alpha=alpha, power=0.8, alternative="two-sided")
    assert needed(compare(arm, np.zeros(4)), alpha=alpha) == math.ceil(theirs)


@given(st.integers(2, 200), st.floats(0.01, 3))
def test_power_grows_with_seeds_and_with_the_effect(seeds, effect):
    """More seeds or a larger effect never make it harder to see."""
    here = power(seeds, effect)
    assert 0 <= here <= power(seeds + 1, effect) + 1e-9
    assert here <= power(seeds, effect * 1.1) + 1e-9
    assert power(10_000, effect * 10) == pytest.approx(1.0) or effect < 0.01


def test_needed_has_a_ceiling_and_a_floor():
    """No effect needs more than 10,000 seeds, a constant one as many as sign flips must have, one seed tells nothing."""
    assert needed(compare([1.0, -1.0], [0.0, 0.0])) == CEILING + 1
    assert needed(compare([1.0, -0.9999, 1.0, -0.9999], np.zeros(4))) == CEILING + 1
    assert needed(compare([1.0, 1.0, 1.0], np.zeros(3))) == 6  # 2 / 2^6 < 0.05 < 2 / 2^5
    assert needed(compare([1.0], [0.0])) is None
    with pytest.raises(UsageError, match="between 0 and 1"):
        needed(compare([1.0, 2.0], [0.0, 0.0]), alpha=0)
    with pytest.raises(UsageError, match="2 seeds"):
        power(1, 0.5)


def test_needed_with_failures_is_noethers():
    """(1.96 + 0.8416)^2 / (4 (p - 1/2)^2) pairs for a share p of pairs above zero."""
    three_of_four = compare([NAN, 1.0, 1.0, -1.0], np.zeros(4))
    assert needed(three_of_four) == math.ceil((1.959964 + 0.841621) ** 2 / (4 * 0.25**2))
    assert needed(compare([NAN, -1.0], np.zeros(2))) == CEILING + 1


def test_the_words_for_what_is_not_resolved():
    """They name the seeds there were and the seeds that would be needed."""
    assert unresolved(8, 1234) == "not resolved with 8 seeds, about 1,234 needed"
    assert unresolved(8, CEILING + 1) == "not resolved with 8 seeds, more than 10,000 needed"
    assert unresolved(1, None) == "not resolved: one seed decides nothing"


def test_equivalence_is_that_of_statsmodels():
    """Below ten pairs the two one-sided tests are statsmodels' ttost_paired."""
    a, b = np.random.default_rng(1).normal(0, 1, (2, 8))
    for margin in (0.2, 1.0, 3.0):
        theirs = ttost_paired(a, b, -margin, margin)[0]
        assert equivalent(compare(a, b), margin).p == pytest.approx(theirs, rel=1e-10)


def test_equivalence_of_few_and_of_many():
    """Equal arms are shown equal within a wide margin and unequal ones to differ by more; the interval shows the same."""
    rng = np.random.default_rng(2)
    for n in (8, 16):
        noise = rng.normal(0, 0.1, n)
        equal = equivalent(compare(noise, np.zeros(n)), 0.5)
        assert equal.p < 0.05 < equal.p_beyond
        assert -0.5 < equal.low < equal.high < 0.5
        apart = equivalent(compare(noise + 1, np.zeros(n)), 0.5)
        assert apart.p_beyond < 0.05 < apart.p


def test_failed_runs_are_equal_to_nothing():
    """Where a run failed no equality is shown, not even between arms that failed together; a difference can be."""
    assert equivalent(compare([NAN] * 9, [NAN] * 9), 1.0).p == 1.0
    assert equivalent(compare([NAN] * 9, [1.0] * 9), 1.0).p_beyond < 0.05


def test_the_two_sides_share_the_two_sided_p():
    """Both sides add up to one for the t-test, and the smaller is half the two-sided p."""
    ours = compare(*np.random.default_rng(3).normal(size=(2, 6)))
    assert above(ours) + below(ours) == pytest.approx(1.0)
    assert 2 * min(above(ours), below(ours)) == pytest.approx(ours.p)
    assert math.isnan(above(compare([1.0], [2.0])))


def test_a_threshold_may_be_a_share_of_the_other_arm():
    """`above(compare(a, b), 0.01 b)` is the test of a against 1.01 b, for few pairs and many; so is `needed`."""
    for n in (7, 12):
        rng = np.random.default_rng(4)
        b = rng.uniform(1, 2, n)
        a = 1.02 * b + rng.normal(0, 0.02, n)
        shared, direct = compare(a, b), compare(a, 1.01 * b)
        assert above(shared, 0.01 * b) == pytest.approx(above(direct), rel=1e-9)
        assert below(shared, 0.01 * b) == pytest.approx(below(direct), rel=1e-9)
        assert needed(shared, 0.01 * b) == needed(direct) != needed(shared)


@pytest.mark.parametrize("margin", [0.0, -1.0, math.inf, NAN])
def test_a_margin_is_positive(margin):
    """Nothing is within a margin of nothing."""
    with pytest.raises(UsageError, match="margin"):
        equivalent(compare([1.0, 2.0], [1.0, 2.5]), margin)
