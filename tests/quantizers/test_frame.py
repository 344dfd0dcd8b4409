"""Frames: exact axes, errors kept, every row to the same bits wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zador.quantizers import Frame


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(0, 40),
    dim=st.integers(1, 20),
    part=st.floats(0, 1),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 1000),
)
def test_it_is_the_matrix_product(rows, dim, part, dtype, seed):
    """Forward and backward equal the float64 products of the definition to rounding."""
    rng = np.random.default_rng(seed)
    axes = max(1, round(part * dim))
    directions = np.linalg.qr(rng.standard_normal((dim, dim)))[0][:, :axes].astype(dtype)
    frame = Frame(rng.standard_normal(dim).astype(dtype), directions)
    x = rng.standard_normal((rows, dim)).astype(dtype)
    z = frame.forward(x)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    wide = directions.astype(np.float64)
    np.testing.assert_allclose(z, (x.astype(np.float64) - frame.mean) @ wide, atol=tolerance)
    np.testing.assert_allclose(frame.backward(z), frame.mean + z.astype(np.float64) @ wide.T, atol=tolerance)
    assert z.dtype == dtype


def test_rows_do_not_depend_on_their_neighbours():
    """Any cut of the rows gives the same bits, for sizes around every block and thread boundary."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 33)).astype(np.float32)
    frame = Frame.principal(x)
    z = frame.forward(x)
    for start in range(40):
        for count in (1, 2, 3, 5, 8, 257, 1031):
            np.testing.assert_array_equal(frame.forward(x[start : start + count]), z[start : start + count])


def test_principal_axes_come_by_falling_variance():
    """The principal frame of data decorrelates them, largest variance first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 5)) * [1, 5, 2, 3, 4] + 7
    z = Frame.principal(x, 3).forward(x)
    covariance = np.cov(z.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9)
    np.testing.assert_allclose(np.diag(covariance), [25, 16, 9], rtol=0.1)


@pytest.mark.parametrize(
    ("mean", "directions"),
    [
        (np.zeros(2), 1.1 * np.eye(2)),
        (np.zeros(3), np.eye(2)),
        (np.zeros(1), np.ones((1, 2))),
        (np.zeros(2), np.ones((2, 2))),
    ],
)
def test_what_is_no_frame_is_refused(mean, directions):
    """Directions that are not orthonormal, or of another size than the mean, make no frame."""
    with pytest.raises(ValueError, match="orthonormal"):
        Frame(mean, directions)
