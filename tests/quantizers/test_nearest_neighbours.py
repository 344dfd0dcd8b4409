"""The exact k nearest among raw vectors: the definition in float64, whatever the data look like."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references.asymmetric import nearest_of_all
from threads import threads
from zador.errors import DataError, NonFiniteError, UsageError
from zador.quantizers import nearest_neighbours, neighbours
from zador.quantizers.screen import BLOCK, PANEL

RNG = np.random.default_rng(0)


def agrees(base, queries, k, **tolerance):
    """Assert that indices are those of the definition, and distances too."""
    found = nearest_neighbours(base, queries, k)
    indices, distances = nearest_of_all(queries, base, k)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.squared_distances, distances, **{"rtol": 1e-12, "atol": 1e-300, **tolerance})


@settings(max_examples=60)
@given(
    base=st.integers(1, 4 * PANEL + 3),
    queries=st.integers(0, 2 * BLOCK + 3),
    dim=st.integers(1, 40),
    seed=st.integers(0, 1000),
    whole=st.booleans(),
)
def test_it_is_the_definition_for_every_shape(base, queries, dim, seed, whole):
    """For shapes that fill no block, and for whole numbers, whose distances tie: the sorted distances of the definition."""
    rng = np.random.default_rng(seed)
    draw = (lambda n: rng.integers(-2, 3, (n, dim)).astype(float)) if whole else (lambda n: rng.standard_normal((n, dim)))
    agrees(draw(base), draw(queries), int(rng.integers(1, base + 1)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_float_type_is_searched_as_it_is(dtype):
    """Vectors of few digits are not rounded further, and queries keep the digits that the base does not have."""
    base = (RNG.standard_normal((5000, 20)) * 3).astype(dtype)
    agrees(base, RNG.standard_normal((40, 20)), 11)


DATA = {
    "an offset": lambda n: RNG.standard_normal((n, 16)) + 1e6,
    "two far modes": lambda n: RNG.standard_normal((n, 16)) + np.where(RNG.random((n, 1)) < 0.5, 1e7, -1e7),
    "hardly different": lambda n: 1.0 + 1e-9 * RNG.standard_normal((n, 16)),
    "wild vectors": lambda n: RNG.standard_normal((n, 16)) * np.where(RNG.random((n, 1)) < 0.02, 1e40, 1.0),
    "wild enough to overflow": lambda n: RNG.standard_normal((n, 16)) * np.where(RNG.random((n, 1)) < 0.02, 1e300, 1.0),
    "all alike": lambda n: np.ones((n, 16)),
    "tiny": lambda n: RNG.standard_normal((n, 16)) * 1e-120,
    "huge": lambda n: RNG.standard_normal((n, 16)) * 1e120,
}


@pytest.mark.parametrize("name", DATA)
def test_no_arrangement_of_the_data_misleads_it(name):
    """Offsets, far modes, near duplicates, wild vectors: order and distances stay those of the definition, to the last."""
    base = DATA[name](1000)
    agrees(base, DATA[name](50), 20)
    agrees(base, DATA[name](5), len(base) - 3)


def test_vectors_too_far_for_the_screen_are_found_in_their_turn():
    """Asked for nearly all, a query gets those at 1e14 too, nearest first."""
    base = RNG.standard_normal((1000, 16)) * np.where(RNG.random((1000, 1)) < 0.1, 1e14, 1.0)
    agrees(base, RNG.standard_normal((5, 16)), 950)


def test_many_coordinates_round_more_than_few():
    """Beside a sum of 4096 terms a difference in the seventh digit is lost in single precision; it decides all the same."""
    modes = np.where(np.arange(600)[:, None] % 2, 1.0, -1.0)
    base = modes * RNG.uniform(0.5, 1.5, 4096) + 1e-4 * RNG.standard_normal((600, 4096))
    agrees(base, base[:40] + 1e-4 * RNG.standard_normal((40, 4096)), 5)


def test_distances_that_single_precision_cannot_tell_apart_are_told_apart():
    """Base vectors on a sphere around a query, but for the tenth digit: their order is right."""
    directions = RNG.standard_normal((4000, 24))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    base = directions * (1 + 1e-10 * RNG.permutation(4000)[:, None]) + 5.0
    agrees(base, np.full((2, 24), 5.0), 50)


def test_a_descending_base_is_no_trap():
    """If every vector is nearer than all before it, the last ones are found."""
    base = np.arange(3000.0)[::-1, None] + 1
    found = nearest_neighbours(base, np.zeros((1, 1)), 3)
    assert found.indices.tolist() == [[2999, 2998, 2997]]


def test_blocks_change_nothing(monkeypatch):
    """With blocks of a few vectors and runs of one panel: the same bits."""
    base, queries = RNG.standard_normal((1000, 12)), RNG.standard_normal((70, 12))
    whole = nearest_neighbours(base, queries, 9)
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", 3000)
    monkeypatch.setattr(neighbours, "_PANELS_BYTES", 1)
    parts = nearest_neighbours(base, queries, 9)
    np.testing.assert_array_equal(parts.indices, whole.indices)
    np.testing.assert_array_equal(parts.squared_distances, whole.squared_distances)


def test_neither_threads_nor_other_queries_change_a_bit():
    """On one thread, and one query at a time: the same bits."""
    base, queries = RNG.standard_normal((5000, 12)), RNG.standard_normal((150, 12))
    with threads(2):
        whole = nearest_neighbours(base, queries, 9)
    with threads(1):
        one = nearest_neighbours(base, queries, 9)
    alone = nearest_neighbours(base, queries[77:78], 9)
    np.testing.assert_array_equal(one.squared_distances, whole.squared_distances)
    np.testing.assert_array_equal(alone.squared_distances, whole.squared_distances[77:78])
    np.testing.assert_array_equal(alone.indices, whole.indices[77:78])


def test_memory_does_not_hold_every_pair():
    """Searching 40,000 vectors for 500 queries allocates less than a tenth of their (Q, N) distances."""
    base, queries = np.zeros((40_000, 8), np.float32), RNG.standard_normal((500, 8))
    base += RNG.standard_normal(base.shape)
    nearest_neighbours(base[:10], queries[:1], 1)
    tracemalloc.start()
    nearest_neighbours(base, queries, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 500 * 40_000 / 10


def test_a_mapped_file_is_searched(tmp_path):
    """A memory-mapped base gives what the array gives."""
    base = RNG.standard_normal((500, 6)).astype(np.float32)
    np.save(tmp_path / "base.npy", base)
    agrees(np.load(tmp_path / "base.npy", mmap_mode="r"), base[:5], 4)


def test_tensors_give_tensors():
    """Queries that are a tensor give tensors; a base that is one is read too."""
    base, queries = torch.randn(200, 4), torch.randn(7, 4)
    found = nearest_neighbours(base, queries, 3)
    assert isinstance(found.indices, torch.Tensor)
    assert found.indices.dtype == torch.int64
    assert found.squared_distances.dtype == torch.float64
    np.testing.assert_array_equal(found.indices.numpy(), nearest_neighbours(base, queries.numpy(), 3).indices)


def test_bad_input_is_told_in_a_line():
    """Shapes that do not fit, too many neighbours, a k that is no count, NaN on either side."""
    base, queries = np.ones((5, 3)), np.ones((2, 3))
    with pytest.raises(DataError, match="queries: got 4 coordinates, the base 3"):
        nearest_neighbours(base, np.ones((2, 4)), 1)
    with pytest.raises(DataError, match="k=6, but the base holds 5 vectors"):
        nearest_neighbours(base, queries, 6)
    with pytest.raises(DataError, match="holds 0 vectors"):
        nearest_neighbours(base[:0], queries, 1)
    for k in (0, -1, 1.5, True):
        with pytest.raises(UsageError, match="k: expected a whole number"):
            nearest_neighbours(base, queries, k)
    with pytest.raises(NonFiniteError, match="base: 5 of 5"):
        nearest_neighbours(base * np.nan, queries, 1)
    with pytest.raises(NonFiniteError, match="queries: 2 of 2"):
        nearest_neighbours(base, queries * np.inf, 1)
