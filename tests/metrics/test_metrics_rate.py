"""Entropies of usage: known values, laws, the bias that Miller and Madow take out, and the smoothing policy."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zador import metrics
from zador.errors import DataError, NonFiniteError, UsageError

usage = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)
# Each of at most 40 terms is below 1 bit and rounds by a few eps.
ROUNDING = 40 * 4 * np.finfo(float).eps


@pytest.mark.parametrize(
    ("counts", "bits"), [([1], 0.0), ([5, 5], 1.0), ([2, 1, 1, 0], 1.5), ([3] * 64, 6.0), ([7, 0, 0], 0.0)]
)
def test_entropy_of_known_counts(counts, bits):
    """Even use of m codewords is log2 m bits; zeros count nothing."""
    assert metrics.entropy_bits(counts) == pytest.approx(bits, abs=ROUNDING)


@given(usage)
def test_entropy_agrees_with_scipy(counts):
    """It is scipy.stats.entropy in base 2, and between 0 and the logarithm of the codewords in use."""
    bits = metrics.entropy_bits(counts)
    assert bits == pytest.approx(stats.entropy(counts, base=2), abs=ROUNDING)
    assert -ROUNDING <= bits <= math.log2(np.count_nonzero(counts)) + ROUNDING


def test_miller_madow_by_hand():
    """Three used codewords and four vectors add 2 / (8 ln 2) bits; a fourth, unused codeword adds nothing."""
    assert metrics.miller_madow_bits([2, 1, 1, 0]) == pytest.approx(1.5 + 0.25 / math.log(2), abs=1e-15)
    assert metrics.miller_madow_bits([9]) == 0.0


def test_miller_madow_takes_the_bias_out():
    """500 vectors over 32 codewords: plug-in is low by 31 / (1000 ln 2) bits, the correction leaves less than a tenth of it.

    Over 2000 repetitions the mean is known to about 0.0005 bit, the bias is 0.0447.
    """
    p = np.arange(1, 33) / np.arange(1, 33).sum()
    truth, rng = stats.entropy(p, base=2), np.random.default_rng(0)
    counts = rng.multinomial(500, p, size=2000)
    plain = np.array([metrics.entropy_bits(c) for c in counts])
    corrected = np.array([metrics.miller_madow_bits(c) for c in counts])
    bias, standard_error = 31 / (1000 * math.log(2)), plain.std() / math.sqrt(2000)
    assert truth - plain.mean() == pytest.approx(bias, abs=0.1 * bias + 4 * standard_error)
    assert corrected.mean() == pytest.approx(truth, abs=0.1 * bias + 4 * standard_error)


@given(usage, st.integers(1, 1000))
def test_cross_entropy_of_itself_is_entropy(counts, factor):
    """Without smoothing, a coder fitted to the same usage, in any multiple, spends the entropy."""
    assert metrics.cross_entropy_bits(counts, [factor * c for c in counts], pseudocount=0) == pytest.approx(
        metrics.entropy_bits(counts), abs=4 * ROUNDING
    )


@given(usage, st.data())
def test_a_foreign_model_never_saves_bits(held_out, data):
    """Cross-entropy is at least the entropy of what is coded."""
    training = data.draw(st.lists(st.integers(0, 1000), min_size=len(held_out), max_size=len(held_out)).filter(any))
    assert metrics.cross_entropy_bits(held_out, training) >= metrics.entropy_bits(held_out) - 4 * ROUNDING


def test_smoothing_by_hand():
    """Half a count on each of 4 codewords: 3, 1, 0, 0 become 3.5/6, 1.5/6, 0.5/6, 0.5/6."""
    assert metrics.cross_entropy_bits([0, 0, 1, 1], [3, 1, 0, 0]) == pytest.approx(math.log2(12), abs=1e-14)
    assert metrics.cross_entropy_bits([1, 0, 0, 0], [3, 1, 0, 0]) == pytest.approx(math.log2(6 / 3.5), abs=1e-14)
    assert metrics.cross_entropy_bits([1, 0, 0, 0], [3, 1, 0, 0], pseudocount=1) == pytest.approx(1.0, abs=1e-14)


def test_an_unseen_index_without_smoothing_costs_infinity():
    """With no pseudocount a codeword that training never chose cannot be coded; unused ones do not matter."""
    assert metrics.cross_entropy_bits([1, 1], [3, 0], pseudocount=0) == math.inf
    assert metrics.cross_entropy_bits([1, 0], [3, 0], pseudocount=0) == 0.0


def test_counts_of_any_kind():
    """Lists, integer arrays, tensors and float weights are counts."""
    for counts in ([2, 1, 1], np.array([2, 1, 1], np.uint8), torch.tensor([2, 1, 1]), np.array([0.5, 0.25, 0.25])):
        assert metrics.entropy_bits(counts) == pytest.approx(1.5, abs=ROUNDING)


def test_rate_point_is_a_frozen_record():
    """A point holds rate, distortion and how the rate was counted, and cannot be changed."""
    point = metrics.RatePoint(6.0, 1.5, "log2 K")
    assert dataclasses.astuple(point) == (6.0, 1.5, "log2 K")
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.rate_bits = 5.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.entropy_bits([1, -1, 3]), DataError, "counts.*-1"),
        (lambda: metrics.entropy_bits([0, 0]), DataError, "not all 0"),
        (lambda: metrics.entropy_bits([]), DataError, "shape"),
        (lambda: metrics.entropy_bits([[1, 2]]), DataError, "usage_counts"),
        (lambda: metrics.miller_madow_bits([1.0, math.nan]), NonFiniteError, "counts: 1 of 2"),
        (lambda: metrics.cross_entropy_bits([1, 1], [1, 1, 1]), DataError, "2 codewords.*3"),
        (lambda: metrics.cross_entropy_bits([1, 1], [0, 0]), DataError, "training_counts"),
        (lambda: metrics.cross_entropy_bits([1], [1], pseudocount=-1), UsageError, "pseudocount"),
        (lambda: metrics.cross_entropy_bits([1], [1], pseudocount=math.nan), UsageError, "pseudocount"),
    ],
)
def test_mistakes_are_named(call, error, words):
    """Counts are a vector of numbers from 0 on, not all 0; both vectors speak of one codebook."""
    with pytest.raises(error, match=words):
        call()
