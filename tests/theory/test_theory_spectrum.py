"""The theory's door: what counts as a covariance, a spectrum, a count."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zador.errors import DataError, NonFiniteError
from zador.theory.spectrum import as_covariance, as_spectrum, numerical_zero, principal_axes, spectrum_of


def test_a_covariance_and_its_spectrum_are_the_same_source():
    """A rotated diagonal covariance gives its diagonal back, largest first, within eigensolver rounding."""
    variances = np.geomspace(4, 0.25, 6)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    covariance = rotation @ np.diag(variances[::-1]) @ rotation.T
    # A symmetric solver is backward stable: off by a few D eps of the largest eigenvalue.
    assert spectrum_of(covariance) == pytest.approx(variances, abs=8 * 6 * 4 * np.finfo(float).eps)
    assert spectrum_of(variances[::-1]).tolist() == variances.tolist()


def test_a_rank_deficient_sample_covariance_is_fine():
    """Twenty vectors in 64 dimensions give 45 eigenvalues around zero, some of them below: they become zero."""
    x = np.random.default_rng(0).standard_normal((20, 64))
    covariance = np.cov(x, rowvar=False)
    assert np.linalg.eigvalsh(covariance).min() < 0
    assert spectrum_of(covariance).min() == 0.0


def test_single_precision_is_given_its_own_rounding():
    """An eigenvalue of -1e-6 is rounding in float32 and a mistake in float64; tensors are as good as arrays."""
    assert as_spectrum(np.array([1.0, -1e-7], np.float32)).tolist() == [1.0, 0.0]
    assert as_spectrum(torch.tensor([1.0, -1e-7])).tolist() == [1.0, 0.0]
    with pytest.raises(DataError, match="negative"):
        as_spectrum([1.0, -1e-7])


def test_numerical_zero_grows_with_the_dimension():
    """In 10000 dimensions an eigensolver's rounding, D eps, exceeds 1e-12."""
    assert numerical_zero(np.ones(10)) == 1e-12
    assert numerical_zero(np.ones(10_000)) == pytest.approx(1e4 * np.finfo(float).eps)


@pytest.mark.parametrize(
    ("covariance", "error", "words"),
    [
        (np.ones((3, 2)), DataError, r"square.*\(3, 2\).*numpy.cov"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), DataError, "symmetric.*0.5"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), DataError, "negative.*-1 "),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), NonFiniteError, "covariance: 2 of 2"),
        (np.ones((2, 2, 2)), DataError, "shape"),
        (np.array(["a", "b"]), DataError, "real numbers"),
        (3.0, DataError, "shape"),
    ],
)
def test_what_is_not_a_covariance_is_refused(covariance, error, words):
    """Shape, symmetry, sign and finiteness are checked, and the message says which failed."""
    with pytest.raises(error, match=words):
        spectrum_of(covariance)


def test_rounding_between_the_halves_is_allowed():
    """An asymmetry of 1e-10 is the rounding of blocked sums."""
    assert spectrum_of(np.array([[1.0, 0.5 + 1e-10], [0.5, 1.0]])) == pytest.approx([1.5, 0.5], abs=1e-9)


def test_principal_axes_rebuild_the_covariance():
    """Σ = axesᵀ diag(λ) axes, axes orthonormal in rows, largest first; a diagonal keeps its own order."""
    factor = np.random.default_rng(0).standard_normal((4, 4))
    covariance = factor @ factor.T
    values, axes = principal_axes(covariance)
    assert (axes.T * values) @ axes == pytest.approx(covariance, abs=1e-13 * values[0])
    assert axes @ axes.T == pytest.approx(np.eye(4), abs=1e-14)
    assert (np.diff(values) <= 0).all()
    assert values == pytest.approx(spectrum_of(covariance), rel=1e-12)
    assert principal_axes([1.0, 4.0])[0].tolist() == [1.0, 4.0]


def test_a_covariance_is_named_in_its_errors():
    """What the caller calls it is in the message."""
    with pytest.raises(DataError, match="noise: expected a symmetric"):
        as_covariance([[1.0, 0.5], [0.0, 1.0]], "noise")
    with pytest.raises(DataError, match="negative"):
        principal_axes([[1.0, 2.0], [2.0, 1.0]])
