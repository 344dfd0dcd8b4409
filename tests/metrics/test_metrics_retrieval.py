"""Recall: the share of true neighbours found, by either of its two definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zador.errors import DataError
from zador.metrics import recall, retrieval


@given(queries=st.integers(1, 12), k=st.integers(1, 12), neighbours=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_it_is_the_mean_share_of_each_truth_that_was_found(queries, k, neighbours, seed):
    """For random answers it equals the sets of each query, intersected one by one."""
    rng = np.random.default_rng(seed)
    found = np.stack([rng.permutation(20)[:k] for _ in range(queries)])
    truth = np.stack([rng.permutation(20)[:neighbours] for _ in range(queries)])
    want = np.mean([len(set(a) & set(b)) / neighbours for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    assert recall(found, truth) == pytest.approx(want, rel=1e-12)


def test_one_truth_asks_whether_the_nearest_is_among_k():
    """With t = 1 it is the recall@k of product quantization: 2 of 4 queries found their nearest."""
    assert recall([[1, 2], [3, 4], [5, 6], [7, 8]], [[2], [3], [1], [9]]) == 0.5


def test_k_truths_ask_for_the_overlap_of_two_lists():
    """With t = k it is the recall@k of search benchmarks: 3 of 4 neighbours, in whatever order."""
    assert recall([[1, 2], [3, 4]], [[2, 1], [4, 9]]) == 0.75


def test_parts_change_nothing(monkeypatch):
    """Compared one query at a time it is the same number."""
    rng = np.random.default_rng(0)
    found, truth = rng.permuted(np.tile(np.arange(50), (30, 1)), axis=1)[:, :20], np.tile(np.arange(7), (30, 1))
    whole = recall(found, truth)
    monkeypatch.setattr(retrieval, "_BLOCK_ELEMENTS", 1)
    assert 0 < recall(found, truth) == whole < 1


def test_places_that_nothing_was_found_for_count_as_misses():
    """-1, which faiss fills up with, and a number twice among the answers, are no hits of their own."""
    assert recall([[-1, 3], [4, 4]], [[3, 5], [4, 6]]) == 0.5


def test_tensors_are_read():
    """Tensors of any integer type give a plain float."""
    value = recall(torch.tensor([[1, 2]]), torch.tensor([[2]], dtype=torch.int32))
    assert value == 1.0
    assert type(value) is float


def test_bad_input_is_told_in_a_line():
    """Vectors, floats, ragged rows, other queries, none, and a truth that no exact search returns."""
    for found, name in (([1, 2], "found"), ([[1.0]], "found"), ([[1], [1, 2]], "found")):
        with pytest.raises(DataError, match=f"{name}: expected"):
            recall(found, [[1]])
    with pytest.raises(DataError, match="truth: expected whole numbers"):
        recall([[1]], [1])
    for found in (np.ones((2, 3), int), np.ones((1, 0), int)):
        with pytest.raises(DataError, match="recall: expected"):
            recall(found, [[1]])
    with pytest.raises(DataError, match="recall: expected"):
        recall(np.ones((0, 3), int), np.ones((0, 1), int))
    with pytest.raises(DataError, match=r"truth: row 1 is \[5, 5\]"):
        recall([[1], [1]], [[1, 2], [5, 5]])
    with pytest.raises(DataError, match=r"truth: row 0 is \[-1\]"):
        recall([[1]], [[-1]])
