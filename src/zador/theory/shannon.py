"""Shannon's lower bound on the rate–distortion function of any source that has a density.

With h the differential entropy in bits and squared error summed over d coordinates,

    R(D) >= h - (d/2) log2(2πe D/d)        D(R) >= d/(2πe) 2^(2 (h - R)/d)

Gaussian noise of variance D/d has the largest entropy of any error of that size, hence the bound; it is met when the source
is Y + N(0, D/d I) for some Y, and in the limit of small D (koch2016shannon). For a Gaussian that is while the water level is
below the least eigenvalue. It is minus infinity for data on a subspace: use the coordinates in it. And it is a *lower*
bound only for the true entropy: estimates from samples are too high from about d = 10 on (`entropy`). Sources:
shannon1959coding, berger1971rate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, overload

import numpy as np

from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["absolute_rate_distortion", "distortion_rate", "rate_distortion"]


@overload
def distortion_rate(entropy_bits: float, dim: int, bits: float) -> float: ...
@overload
def distortion_rate(entropy_bits: float, dim: int, bits: NDArray[np.float64]) -> NDArray[np.float64]: ...
def distortion_rate(entropy_bits: float, dim: int, bits: ArrayLike) -> float | NDArray[np.float64]:
    """Return `d/(2πe) 2^(2 (h - R)/d)`, below which no code of that rate goes.

    Args:
        entropy_bits: differential entropy h in bits (`differential_entropy`); minus infinity gives 0.
        dim: dimension d of the source.
        bits: rate R in bits per vector, at least 0: a number, or an array of any shape.

    Returns:
        Squared error summed over coordinates, in the shape of `bits`.

    Raises:
        UsageError: the entropy is NaN or infinite upwards, a rate is negative or NaN, `dim` is not a whole number >= 1.

    >>> from zador.theory import differential_entropy
    >>> round(distortion_rate(differential_entropy.gaussian([1.0, 1.0]), 2, 2.0), 12)
    0.5
    """
    h, d = _as_entropy(entropy_bits), as_count(dim, "dim")
    return _like(bits, d / (2 * math.pi * math.e) * np.exp2(2 * (h - _as_nonnegative(bits, "bits")) / d))


@overload
def rate_distortion(entropy_bits: float, dim: int, distortion: float) -> float: ...
@overload
def rate_distortion(entropy_bits: float, dim: int, distortion: NDArray[np.float64]) -> NDArray[np.float64]: ...
def rate_distortion(entropy_bits: float, dim: int, distortion: ArrayLike) -> float | NDArray[np.float64]:
    """Return `max(0, h - (d/2) log2(2πe D/d))`, the bits that any code of that error needs at least.

    Args:
        entropy_bits: differential entropy h in bits (`differential_entropy`).
        dim: dimension d of the source.
        distortion: squared error D summed over coordinates, at least 0: a number, or an array of any shape.

    Returns:
        Bits per vector, in the shape of `distortion`; infinite at distortion 0, unless h is minus infinity.

    Raises:
        UsageError: the entropy is NaN or infinite upwards, a distortion is negative or NaN, `dim` is not whole.

    >>> from zador.theory import differential_entropy
    >>> round(rate_distortion(differential_entropy.gaussian([4.0]), 1, 1.0), 12)
    1.0
    """
    h, d = _as_entropy(entropy_bits), as_count(dim, "dim")
    error = _as_nonnegative(distortion, "distortion")
    if h == -math.inf:
        return _like(distortion, np.zeros_like(error))
    with np.errstate(divide="ignore"):  # no error, no finite rate
        spread = np.log2(error) + math.log2(2 * math.pi * math.e / d)
    return _like(distortion, np.maximum(h - 0.5 * d * spread, 0.0))


@overload
def absolute_rate_distortion(entropy_bits: float, error: float) -> float: ...
@overload
def absolute_rate_distortion(entropy_bits: float, error: NDArray[np.float64]) -> NDArray[np.float64]: ...
def absolute_rate_distortion(entropy_bits: float, error: ArrayLike) -> float | NDArray[np.float64]:
    """Return `max(0, h - log2(2 e A))`, the bits that a mean absolute error A on the line needs at least.

    Exact for a Laplacian: log2(b/A) up to its mean absolute deviation b. Source: berger1971rate.

    Args:
        entropy_bits: differential entropy h in bits of a source on the line.
        error: mean absolute error A in units of the data, at least 0: a number, or an array of any shape.

    Returns:
        Bits per sample, in the shape of `error`; infinite at error 0, unless h is minus infinity.

    Raises:
        UsageError: the entropy is NaN or infinite upwards, or an error is negative or NaN.

    >>> from zador.theory import differential_entropy
    >>> round(absolute_rate_distortion(differential_entropy.laplace(1.0), 0.25), 12)
    2.0
    """
    h, size = _as_entropy(entropy_bits), _as_nonnegative(error, "error")
    if h == -math.inf:
        return _like(error, np.zeros_like(size))
    with np.errstate(divide="ignore"):
        return _like(error, np.maximum(h - np.log2(size) - math.log2(2 * math.e), 0.0))


def _as_entropy(entropy_bits: float) -> float:
    if not float(entropy_bits) < math.inf:
        raise UsageError(f"entropy_bits: expected a number of bits, or -inf, got {entropy_bits!r}")
    return float(entropy_bits)


def _as_nonnegative(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not (array >= 0).all():  # written so that NaN fails, too
        raise UsageError(f"{name}: expected numbers that are at least 0, got {values!r}")
    return array


def _like(asked: ArrayLike, answer: NDArray[np.float64]) -> float | NDArray[np.float64]:
    return float(answer) if np.ndim(asked) == 0 else answer
