"""Search among codes by asymmetric distance: what decoding everything and sorting would find, without doing it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import zador
from references.asymmetric import decoded_search
from threads import threads
from zador.errors import DataError, NonFiniteError, UsageError
from zador.quantizers import (
    Frame,
    ProductQuantizer,
    ResidualQuantizer,
    Rotation,
    VectorQuantizer,
    balanced_slices,
    fit_entropy_constrained,
    fit_lattice,
    fit_product,
    fit_residual,
    fit_transform_coding,
    lookup,
    search_codes,
)
from zador.quantizers.tables import tables_of

DIM = 12


def vectors(count, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count, DIM)) * np.geomspace(4, 0.3, DIM) + 3.0).astype(dtype)


def on_a_plane(x):
    """A product quantizer that keeps 6 of the 12 principal axes."""
    frame = Frame.principal(x, 6)
    inner = fit_product(frame.forward(x), slices=3, codebook_size=16)
    return replace(inner, frame=frame)


MEMBERS = {
    "vector": lambda x: VectorQuantizer.of(zador.fit_codebook(x, 32)),
    "product": lambda x: fit_product(x, slices=4, codebook_size=16),
    "product-unequal": lambda x: fit_product(x, slices=5, codebook_size=(3, 17, 1, 8, 5)),
    "product-balanced": lambda x: fit_product(x, slices=3, codebook_size=8, slicing=balanced_slices),
    "product-rotated": lambda x: fit_product(x, slices=4, codebook_size=16, rotation=Rotation(iterations=3)),
    "product-on-a-plane": on_a_plane,
    "residual": lambda x: fit_residual(x, stages=3, codebook_size=16, beam=3),
    "residual-unequal": lambda x: fit_residual(x, stages=3, codebook_size=(4, 32, 9), beam=1),
    "transform": lambda x: fit_transform_coding(x, bits=16.0),
    "lattice": lambda x: fit_lattice(x, bits=12.0),
    "entropy-constrained": lambda x: fit_entropy_constrained(x, bits=4.0),
}
LOOKED_UP = (VectorQuantizer, ProductQuantizer, ResidualQuantizer)


@pytest.fixture(scope="module", params=[(name, dtype) for name in MEMBERS for dtype in ("float32", "float64")], ids="-".join)
def searched(request):
    """A quantizer and codes that it made."""
    name, dtype = request.param
    quantizer = MEMBERS[name](vectors(1500, dtype=dtype))
    return quantizer, quantizer.encode(vectors(3000, seed=1, dtype=dtype))


def test_it_finds_what_decoding_everything_finds(searched):
    """For every quantizer: distances of the decoded vectors, in order, the lower number on ties."""
    quantizer, codes = searched
    queries = vectors(37, seed=2)
    found = search_codes(quantizer, codes, queries, 60)
    indices, distances = decoded_search(quantizer, codes, queries, 60)
    if quantizer.dtype == np.float64:
        np.testing.assert_allclose(found.squared_distances, distances, rtol=1e-11)
        np.testing.assert_array_equal(found.indices, indices)
    else:  # decoding rounds to single precision, the search does not
        np.testing.assert_allclose(found.squared_distances, distances, rtol=2e-5, atol=2e-5)
        assert (found.indices == indices).mean() > 0.99
        recomputed = ((queries[:, None] - quantizer.decode(codes)[found.indices]) ** 2).sum(axis=-1)
        np.testing.assert_allclose(found.squared_distances, recomputed, rtol=2e-5, atol=2e-5)


def test_sums_of_codewords_are_looked_up_and_others_decoded(searched):
    """Tables are for the quantizers that they are exact for."""
    quantizer, _ = searched
    assert (tables_of(quantizer, vectors(3)) is not None) == isinstance(quantizer, LOOKED_UP)


def test_equal_codes_come_in_the_order_of_their_numbers(searched):
    """Where every code occurs ten times, the ten stand side by side, lowest first."""
    quantizer, codes = searched
    few = np.unique(codes, axis=0)[:40]
    found = search_codes(quantizer, np.tile(few, (10, 1)), vectors(20, seed=3), 10 * len(few))
    groups = found.indices.reshape(20, len(few), 10)
    assert (np.diff(groups, axis=2) == len(few)).all()


def test_neither_threads_nor_other_queries_change_a_bit(searched):
    """On one thread, and one query at a time: the same bits."""
    quantizer, codes = searched
    queries = vectors(50, seed=2)
    with threads(2):
        whole = search_codes(quantizer, codes, queries, 7)
        alone = search_codes(quantizer, codes, queries[33:34], 7)
    with threads(1):
        one = search_codes(quantizer, codes, queries, 7)
    for found, part in ((alone, slice(33, 34)), (one, slice(None))):
        np.testing.assert_array_equal(found.squared_distances, whole.squared_distances[part])
        np.testing.assert_array_equal(found.indices, whole.indices[part])


@settings(max_examples=50)
@given(
    streams=st.integers(1, 9),
    size=st.integers(1, 9),
    base=st.integers(1, 700),
    queries=st.integers(0, 40),
    seed=st.integers(0, 1000),
    stages=st.booleans(),
)
def test_it_is_the_definition_for_every_shape(streams, size, base, queries, seed, stages):
    """For random codebooks of whole numbers, whose distances tie: exactly the sorted distances of the definition."""
    rng = np.random.default_rng(seed)
    usage = tuple(np.ones(size) for _ in range(streams))
    if stages:
        # The middle of each codebook is a whole number too: centring rounds nothing.
        tables = rng.integers(-3, 4, (streams, size, 5)) * float(size)
        quantizer = ResidualQuantizer(mean=np.ones(5), codebooks=tuple(tables), usage=usage)
    else:
        columns = tuple(np.array_split(rng.permutation(2 * streams), streams))
        tables = rng.integers(-3, 4, (streams, size, 2)).astype(float)
        quantizer = ProductQuantizer(frame=None, columns=columns, codebooks=tuple(tables), usage=usage)
    codes = rng.integers(0, size, (base, streams))
    points = rng.integers(-5, 6, (queries, quantizer.dim))
    k = int(rng.integers(1, base + 1))
    found = search_codes(quantizer, codes, points, k)
    indices, distances = decoded_search(quantizer, codes, points, k)
    np.testing.assert_array_equal(found.squared_distances, distances)
    np.testing.assert_array_equal(found.indices, indices)


def test_parts_change_nothing(searched, monkeypatch):
    """Searched a few codes and a few queries at a time: the same bits."""
    quantizer, codes = searched
    queries = vectors(70, seed=2)
    whole = search_codes(quantizer, codes, queries, 7)
    monkeypatch.setattr(lookup, "_BLOCK_ROWS", 501)
    monkeypatch.setattr(lookup, "_TABLE_BYTES", 1)
    parts = search_codes(quantizer, codes, queries, 7)
    np.testing.assert_array_equal(parts.squared_distances, whole.squared_distances)
    np.testing.assert_array_equal(parts.indices, whole.indices)


def random_sums(stages, offset=0.0, wild=1.0, size=32, spread=1.0):
    """A quantizer of three random codebooks; one codeword of each is `wild` times as long."""
    rng = np.random.default_rng(5)
    tables = [rng.standard_normal((size, DIM if stages else DIM // 3)) * spread for _ in range(3)]
    for table in tables:
        table[3] *= wild
    usage = tuple(np.ones(size) for _ in tables)
    if stages:
        tables[0] += offset
        return ResidualQuantizer(mean=np.zeros(DIM), codebooks=tuple(tables), usage=usage)
    columns = tuple(np.array_split(np.arange(DIM), 3))
    return ProductQuantizer(frame=None, columns=columns, codebooks=tuple(t + offset for t in tables), usage=usage)


@pytest.mark.parametrize("stages", [False, True])
@pytest.mark.parametrize(("offset", "wild"), [(1e5, 1.0), (0.0, 1e3), (0.0, 1e25), (0.0, 1e200)])
@pytest.mark.parametrize("far", [1.0, 1e30, 1e200])
def test_no_arrangement_of_the_codewords_misleads_it(stages, offset, wild, far):
    """Offsets, wild codewords and wild queries, up to distances that overflow: what decoding everything finds."""
    quantizer = random_sums(stages, offset, wild)
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 32, (3000, 3))
    queries = rng.standard_normal((20, DIM)) + offset
    queries[4] *= far
    found = search_codes(quantizer, codes, queries, 30)
    _, distances = decoded_search(quantizer, codes, queries, 30)
    np.testing.assert_allclose(found.squared_distances, distances, rtol=1e-9)
    with np.errstate(over="ignore"):
        again = ((queries[:, None] - quantizer.decode(codes)[found.indices]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(again, distances, rtol=1e-9)


@pytest.mark.parametrize("stages", [False, True])
def test_distances_that_single_precision_cannot_tell_apart_are_told_apart(stages):
    """Codewords that differ in the ninth digit only: their order is right."""
    quantizer = random_sums(stages, offset=1.0, size=64, spread=1e-9)
    codes = np.random.default_rng(6).integers(0, 64, (4000, 3))
    queries = vectors(10, seed=2) - 3.0
    found = search_codes(quantizer, codes, queries, 100)
    indices, _ = decoded_search(quantizer, codes, queries, 100)
    assert (found.indices == indices).mean() > 0.995


def test_a_query_that_is_a_decoded_vector_finds_it_at_distance_zero(searched):
    """The distance of a decoded vector to its own code is zero to rounding, never below."""
    quantizer, codes = searched
    decoded = quantizer.decode(codes)
    found = search_codes(quantizer, codes, decoded[:100], 1)
    assert (found.squared_distances >= 0).all()
    assert (
        found.squared_distances.max() < (1e-9 if quantizer.dtype == np.float32 else 1e-20) * (decoded**2).sum(axis=1).max()
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint64])
def test_codes_of_every_integer_type_are_read(searched, dtype):
    """Small integers, unsigned ones, and any strides give what int64 gives."""
    quantizer, codes = searched
    if max(quantizer.sizes) > 256:
        pytest.skip("its indices do not fit a byte")
    queries = vectors(5, seed=2)
    want = search_codes(quantizer, codes, queries, 4)
    for same in (codes.astype(dtype), np.asfortranarray(codes.astype(dtype)), torch.from_numpy(codes)):
        np.testing.assert_array_equal(search_codes(quantizer, same, queries, 4).indices, want.indices)


def test_no_queries_find_nothing_and_all_vectors_can_be_asked_for(searched):
    """Q = 0 gives (0, k); k = N gives everybody once."""
    quantizer, codes = searched
    empty = search_codes(quantizer, codes, np.empty((0, DIM)), 3)
    assert (empty.indices.shape, empty.squared_distances.shape) == ((0, 3), (0, 3))
    everybody = search_codes(quantizer, codes[:50], vectors(2, seed=2), 50)
    np.testing.assert_array_equal(np.sort(everybody.indices, axis=1), [np.arange(50)] * 2)
    assert (np.diff(everybody.squared_distances, axis=1) >= 0).all()


def test_tensors_give_tensors(searched):
    """Queries that are a tensor give tensors with the same values."""
    quantizer, codes = searched
    queries = vectors(6, seed=2)
    found = search_codes(quantizer, torch.from_numpy(codes), torch.from_numpy(queries), 5)
    assert isinstance(found.indices, torch.Tensor)
    assert isinstance(found.squared_distances, torch.Tensor)
    np.testing.assert_array_equal(found.indices.numpy(), search_codes(quantizer, codes, queries, 5).indices)


def test_memory_does_not_hold_every_pair():
    """Searching 200,000 codes for 800 queries allocates less than a tenth of their (Q, N) distances."""
    quantizer = random_sums(stages=True)
    rng = np.random.default_rng(6)
    codes, queries = rng.integers(0, 32, (200_000, 3)).astype(np.uint8), rng.standard_normal((800, DIM))
    search_codes(quantizer, codes[:10], queries[:1], 1)
    tracemalloc.start()
    search_codes(quantizer, codes, queries, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 800 * 200_000 / 10


def test_bad_input_is_told_in_a_line():
    """Other shapes, indices out of range, floats, too many neighbours, NaN: the row and the value are named."""
    quantizer = random_sums(stages=False)
    codes, queries = np.zeros((70_000, 3), np.int64), np.zeros((2, DIM))
    with pytest.raises(DataError, match=f"queries: got {DIM + 1} coordinates, this quantizer {DIM}"):
        search_codes(quantizer, codes, np.zeros((2, DIM + 1)), 1)
    with pytest.raises(NonFiniteError, match="queries: 2 of 2"):
        search_codes(quantizer, codes, queries * np.nan, 1)
    for bad in (codes.astype(float), codes[:, :2], codes[0]):
        with pytest.raises(DataError, match=r"indices: expected whole numbers of shape \(N, 3\)"):
            search_codes(quantizer, bad, queries, 1)
    for wrong in (-1, 32):
        codes[69_999, 1] = wrong
        with pytest.raises(DataError, match=f"row 69999 holds {wrong} in column 1, whose indices go from 0 to 31"):
            search_codes(quantizer, codes, queries, 1)
    with pytest.raises(DataError, match="k=6, but the base holds 5"):
        search_codes(quantizer, codes[:5], queries, 6)
    with pytest.raises(UsageError, match="k: expected"):
        search_codes(quantizer, codes[:5], queries, 0)
