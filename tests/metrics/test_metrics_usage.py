"""Counts of codewords, dead ones, perplexity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zador import metrics
from zador.errors import DataError, UsageError


@given(st.lists(st.integers(0, 9), max_size=50))
def test_counts_are_counts(indices):
    """Each codeword's count is the number of times it occurs, as int64, and none gets lost."""
    counts = metrics.usage_counts(indices, 10)
    assert counts.dtype == np.int64
    assert counts.tolist() == [indices.count(k) for k in range(10)]


@pytest.mark.parametrize(
    "indices", [[[0, 2], [2, 2]], np.array([[0, 2], [2, 2]], np.uint8), torch.tensor([[0, 2], [2, 2]], dtype=torch.int32)]
)
def test_indices_of_any_shape_and_kind(indices):
    """Batches of sequences, small integer types and tensors are counted alike."""
    assert metrics.usage_counts(indices, 4).tolist() == [1, 0, 3, 0]


def test_no_indices_are_no_use():
    """An empty batch counts zero everywhere."""
    assert metrics.usage_counts([], 3).tolist() == [0, 0, 0]


def test_dead_codes_and_utilisation():
    """Of 4 codewords one is dead: utilisation 3/4."""
    assert metrics.dead_codes([2, 1, 1, 0]) == 1
    assert metrics.utilisation([2, 1, 1, 0]) == 0.75
    assert metrics.utilisation(np.ones(7)) == 1.0


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 10**6))
def test_perplexity_of_even_use_is_the_number_used(used, dead, times):
    """Even use of m codewords is perplexity m, however many others are dead; 2^x rounds by x ln 2 eps and a few."""
    assert metrics.perplexity([times] * used + [0] * dead) == pytest.approx(used, rel=1e-13)


@pytest.mark.parametrize(
    ("indices", "words"),
    [
        ([0, 4, 1], r"0 to 3, got 1 of 3 outside \(4\)"),
        ([-1, 0, -1], r"2 of 3 outside \(-1, -1\)"),
        ([9] * 7, r"\(9, 9, 9, 9, 9, \.\.\.\)"),
        ([0.0, 1.0], "float64"),
        (["a"], "dtype"),
    ],
)
def test_indices_outside_the_codebook_are_named(indices, words):
    """Out of range, -1 included, or no whole numbers: refused with how many and which."""
    with pytest.raises(DataError, match=words):
        metrics.usage_counts(indices, 4)


def test_a_codebook_has_at_least_one_codeword():
    """K = 0 is a mistake."""
    with pytest.raises(UsageError, match="codebook_size"):
        metrics.usage_counts([], 0)
