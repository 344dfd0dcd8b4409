"""The record splits, hashes and stands for its matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zador.data import Vectors, load
from zador.errors import DataError, UsageError


def numbered(count, dim=2):
    """Return vectors that can be told apart by their first coordinate."""
    return Vectors(np.arange(float(count * dim)).reshape(count, dim), "numbered")


@given(count=st.integers(2, 60), fraction=st.floats(0.001, 0.999), seed=st.integers(0, 2**32))
def test_split_parts_are_disjoint_complete_and_repeatable(count, fraction, seed):
    """Every vector is in exactly one part, neither part is empty, and the same seed gives the same parts."""
    vectors = numbered(count)
    train, held_out = vectors.split(fraction, seed)
    assert len(train) >= 1
    assert len(held_out) >= 1
    assert sorted([*train[:, 0], *held_out[:, 0]]) == list(vectors.array[:, 0])
    again = vectors.split(fraction, seed)
    np.testing.assert_array_equal(train, again.train)
    np.testing.assert_array_equal(held_out, again.held_out)


def test_split_holds_out_the_fraction_and_another_seed_other_vectors():
    """A fifth of a hundred is twenty, in random order, and two seeds disagree about which."""
    first, second = numbered(100).split(0.2, seed=0), numbered(100).split(0.2, seed=1)
    assert (len(first.train), len(first.held_out)) == (80, 20)
    assert set(first.held_out[:, 0]) != set(second.held_out[:, 0])
    assert (np.diff(first.train[:, 0]) < 0).any()


def test_split_rows_number_the_vectors_of_split():
    """The row numbers and the arrays tell the same split."""
    vectors = numbered(30)
    rows, parts = vectors.split_rows(0.3, seed=5), vectors.split(0.3, seed=5)
    np.testing.assert_array_equal(vectors.array[rows.train], parts.train)
    np.testing.assert_array_equal(vectors.array[rows.held_out], parts.held_out)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, 2, float("nan")])
def test_split_refuses_a_fraction_that_leaves_a_part_empty(refused, fraction):
    """Only fractions strictly between 0 and 1 make two parts."""
    refused(UsageError, lambda: numbered(10).split(fraction, seed=0), "held_out_fraction", fraction)


def test_split_refuses_a_single_vector(refused):
    """One vector cannot be in two parts."""
    refused(DataError, lambda: numbered(1).split(0.5, seed=0), "numbered", "at least 2", "got 1")


@pytest.mark.parametrize("seed", [None, -1, 1.5, "0", True])
def test_split_refuses_a_seed_that_cannot_be_repeated(refused, seed):
    """A seed is a whole number or a generator."""
    refused(UsageError, lambda: numbered(4).split(0.5, seed), "seed", repr(seed))


def test_fingerprint_depends_on_contents_shape_and_dtype_only():
    """Layout, byte order and name do not enter; a bit, the shape and the dtype do."""
    array = np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)
    fingerprint = Vectors(array, "a").fingerprint
    assert len(fingerprint) == 32
    assert Vectors(np.asfortranarray(array), "b").fingerprint == fingerprint
    assert Vectors(array.astype(">f4"), "c").fingerprint == fingerprint
    changed = array.copy()
    changed[49, 5] = np.nextafter(changed[49, 5], 9)
    others = [changed, array.reshape(25, 12), array.astype(np.float64), array[::-1]]
    assert fingerprint not in {Vectors(other, "d").fingerprint for other in others}


def test_fingerprint_is_the_same_in_blocks(monkeypatch):
    """The size of the blocks in which it is computed does not show."""
    whole = numbered(100, 3).fingerprint
    monkeypatch.setattr("zador.data.vectors._BLOCK_BYTES", 7 * 24)
    assert numbered(100, 3).fingerprint == whole


def test_fingerprint_of_known_contents_never_changes():
    """Stored results name their data by this number, so it is pinned."""
    assert Vectors(np.eye(4), "corners").fingerprint == "00f4254ce10a2164b45c89d52e970cb6"


def test_record_stands_for_its_matrix():
    """NumPy takes the record wherever it takes the matrix, without a copy, and its length is N."""
    vectors = numbered(5)
    assert len(vectors) == 5
    assert np.shares_memory(np.asarray(vectors), vectors.array)
    assert np.asarray(vectors, dtype=np.float32).dtype == np.float32


def test_split_of_a_mapped_file_reads_only_the_rows_it_returns(tmp_path):
    """The parts are plain arrays of the right rows; the mapped file itself stays mapped."""
    np.save(tmp_path / "x.npy", np.arange(40.0).reshape(20, 2))
    vectors = load(tmp_path / "x.npy")
    train, held_out = vectors.split(0.25, seed=3)
    assert isinstance(vectors.array, np.memmap)
    assert type(train) is np.ndarray
    assert sorted([*train[:, 0], *held_out[:, 0]]) == list(range(0, 40, 2))
