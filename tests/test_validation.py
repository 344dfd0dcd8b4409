"""The public door."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zador.errors import DataError, NonFiniteError, UsageError
from zador.validation import as_count, as_matrix, check_finite, generator


@pytest.mark.parametrize("count", [0, -3, 1.5, "4", None, True, np.float64(2.0)])
def test_counts_are_whole_and_positive(count):
    """Anything but a whole number of at least 1 is refused with its name."""
    with pytest.raises(UsageError, match="codebook_size: expected a whole number of at least 1"):
        as_count(count, "codebook_size")


def test_counts_of_numpy_become_pythons():
    """A NumPy integer is a count, and so is 0 where 0 makes sense."""
    assert type(as_count(np.int32(3), "n")) is int
    assert as_count(0, "n", least=0) == 0


def test_a_generator_is_handed_through_and_a_seed_makes_one():
    """The same generator comes back; equal seeds draw alike; None is refused."""
    given = np.random.default_rng(0)
    assert generator(given) is given
    assert generator(5).random() == generator(np.int64(5)).random()
    with pytest.raises(UsageError, match="seed"):
        generator(None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_not_copied(dtype):
    """A matrix of floats comes back as it is; integers and booleans become float64."""
    matrix = np.ones((2, 3), dtype)
    assert as_matrix(matrix, "x") is matrix
    assert as_matrix(np.ones((2, 3), np.int8), "x").dtype == np.float64
    assert as_matrix(np.ones((2, 3), np.longdouble), "x").dtype == np.float64


def test_bfloat16_becomes_float32_exactly():
    """NumPy has no bfloat16; every value of it is a float32."""
    tensor = torch.tensor([[1.0, 3.140625]], dtype=torch.bfloat16, requires_grad=True)
    found = as_matrix(tensor, "x")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[1.0, 3.140625]])


@pytest.mark.parametrize("bad", [1.0, [1.0], [[[1.0]]], np.ones((3, 0)), [["a"]], [[1j]], [[1.0], [1.0, 2.0]], [[object()]]])
def test_what_is_no_matrix_is_refused_by_name(bad):
    """Scalars, vectors, no coordinates, text, complex numbers, ragged rows and objects."""
    with pytest.raises(DataError, match=r"^points: "):
        as_matrix(bad, "points")


def test_rows_that_are_not_finite_are_counted_and_named(monkeypatch):
    """Across blocks, the count and the first five rows are right; a sum that only overflows is no finding."""
    monkeypatch.setattr("zador.validation._BLOCK_BYTES", 64)
    matrix = np.ones((100, 2))
    matrix[10:17, 1], matrix[90, 0] = np.nan, np.inf
    with pytest.raises(NonFiniteError, match=r"x: 8 of 100 rows hold NaN or infinity \(rows 10, 11, 12, 13, 14, ...\)"):
        check_finite(matrix, "x")
    check_finite(np.full((100, 2), 1.7e308), "x")
    check_finite(np.full((10, 2), 65000, np.float16), "x")
