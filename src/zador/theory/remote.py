"""A remote source: one wants u, sees x = u + n, and codes what is seen.

For squared error the problem splits exactly: estimate v = E[u|x], then code v,

    D(R) = E|u - v|² + D_v(R)

With u ~ N(0, C), n ~ N(0, N) independent, v is Gaussian with covariance C (C + N)⁺ C. For a signal of variances t along
axes with isotropic noise σ² that is Σ t σ²/(t + σ²), a floor that no rate removes, plus water over t²/(t + σ²). Which error
is meant has to be said: against the clean u, or against the observed x. Their floors differ. Sources:
dobrushin1962information, wolf1970transmission, witsenhausen1980indirect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory.floored import FlooredGaussian
from zador.theory.spectrum import as_covariance, numerical_zero, principal_axes, spectrum_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RemoteGaussian", "remote"]


@dataclass(frozen=True)
class RemoteGaussian(FlooredGaussian):
    """A Gaussian signal seen through noise, and the error that counts; squared errors summed over coordinates.

    Attributes:
        target: "clean": the error against the signal u; "observed": against x = u + n.
        floor: the error at infinite rate: E|u - E[u|x]|² for the clean target, 0 for the observed one.
        spectrum: (D,) variances of what is coded, E[u|x] or x, largest first.
        estimator: (D, D) matrix A with E[target|x] = A x: code A x, with nearest codewords in its space.
    """

    target: Literal["clean", "observed"]
    floor: float
    spectrum: NDArray[np.float64]
    estimator: NDArray[np.float64]


def remote(signal: Any, noise: Any, *, target: Literal["clean", "observed"]) -> RemoteGaussian:
    """Return the source `x = u + n`, u ~ N(0, signal), n ~ N(0, noise), with the error measured against `target`.

    Args:
        signal: (D, D) covariance of u, which may be of low rank; or (D,) variances of uncorrelated coordinates, with zeros
            where there is no signal.
        noise: variance σ² of isotropic noise, or its (D, D) covariance; squared units of the data.
        target: "clean" for E|u - x̂|², "observed" for E|x - x̂|². There is no default: the two floors differ.

    Raises:
        DataError: signal or noise is not a covariance, or their dimensions differ.
        UsageError: `target` is neither, or a noise variance is negative.

    >>> clean, observed = (remote([1.0, 1.0, 0.0], 0.25, target=what) for what in ("clean", "observed"))
    >>> round(clean.floor, 6), clean.spectrum.round(6)
    (0.4, array([0.8, 0.8, 0. ]))
    >>> observed.floor, observed.spectrum
    (0.0, array([1.25, 1.25, 0.25]))
    """
    if target not in ("clean", "observed"):
        raise UsageError(f"target: expected 'clean' or 'observed', got {target!r}")
    spectrum_of(signal)  # a covariance, or it says why not
    wanted = np.diag(np.asarray(signal, np.float64)) if np.ndim(signal) == 1 else as_covariance(signal, "signal")
    added = _noise(noise, len(wanted))
    seen = wanted + added
    variances, axes = principal_axes(seen)
    if target == "observed":
        return RemoteGaussian("observed", 0.0, np.sort(variances)[::-1], np.eye(len(seen)))
    on = variances > numerical_zero(variances) if variances.any() else variances > 0
    whitener = axes[on].T / np.sqrt(variances[on])
    gain = wanted @ whitener  # Cov(v) = gain gainᵀ
    explained = np.zeros(len(seen))
    explained[: gain.shape[1]] = np.linalg.svd(gain, compute_uv=False) ** 2
    # C - C (C + N)⁺ C = A N Aᵀ + (1 - A) C (1 - A)ᵀ: a sum of squares, which does not cancel when the noise is small.
    estimator = gain @ whitener.T
    rest = np.eye(len(seen)) - estimator
    floor = float(np.trace(rest @ wanted @ rest.T) + np.trace(estimator @ added @ estimator.T))
    return RemoteGaussian("clean", max(0.0, floor), explained, estimator)


def _noise(noise: Any, dim: int) -> NDArray[np.float64]:
    if np.ndim(noise) == 0:
        if not 0 <= float(noise) < np.inf:
            raise UsageError(f"noise: expected a finite variance of at least 0, got {noise!r}")
        return float(noise) * np.eye(dim)
    spectrum_of(noise)
    matrix = as_covariance(noise, "noise")
    if len(matrix) != dim:
        raise DataError(f"noise: expected a ({dim}, {dim}) covariance like the signal's, got {matrix.shape}")
    return matrix
