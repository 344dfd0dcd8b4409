"""How far reconstructions are from their vectors: squared error, and the decibels made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.units import decibels
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Distortion", "distortion", "distortion_per_dim", "psnr_db", "snr_db"]

_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Distortion:
    """A mean squared error and how well it is known.

    Attributes:
        mean: mean over vectors, in squared units of the data.
        standard_error: of `mean`, for vectors drawn independently; NaN for a single vector.
        count: number N of vectors.
    """

    mean: float
    standard_error: float
    count: int


def distortion(vectors: Any, reconstructions: Any) -> Distortion:
    """Return the mean over vectors of `Σ_j (x_j - x̂_j)^2`, summed over coordinates, with its standard error.

    Summed in float64, a block of rows at a time: memory-mapped float32 input is never copied whole.

    Args:
        vectors: (N, D) NumPy array or CPU tensor.
        reconstructions: (N, D), what the decoder made of them.

    Raises:
        DataError: no vectors, or the two differ in shape.
        NonFiniteError: either holds NaN or infinity.

    >>> measured = distortion([[0.0, 0.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 0.0]])
    >>> measured.mean, round(measured.standard_error, 6), measured.count
    (13.0, 12.0, 2)
    """
    return _summary(_squared_errors(*_pair(vectors, reconstructions)))


def distortion_per_dim(vectors: Any, reconstructions: Any) -> Distortion:
    """Return the mean over vectors and coordinates of `(x_j - x̂_j)^2`: `distortion` divided by D.

    Args:
        vectors: (N, D) NumPy array or CPU tensor.
        reconstructions: (N, D), what the decoder made of them.

    Raises:
        DataError: no vectors, or the two differ in shape.
        NonFiniteError: either holds NaN or infinity.

    >>> distortion_per_dim([[0.0, 0.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 0.0]]).mean
    6.5
    """
    x, y = _pair(vectors, reconstructions)
    return _summary(_squared_errors(x, y) / x.shape[1])


def psnr_db(vectors: Any, reconstructions: Any, *, peak: float) -> float:
    """Return `10 log10(peak^2 / D_per_dim)`, the error pooled over all vectors; infinite without error.

    Args:
        vectors: (N, D) NumPy array or CPU tensor.
        reconstructions: (N, D), what the decoder made of them.
        peak: range of the values: 1 for pictures in [0, 1], 255 for bytes.

    Raises:
        UsageError: `peak` is not a positive finite number.
        DataError: no vectors, or the two differ in shape.
        NonFiniteError: either holds NaN or infinity.

    >>> psnr_db([[0.0, 0.0]], [[0.1, 0.1]], peak=1.0)
    20.0
    """
    if not 0 < peak < math.inf:
        raise UsageError(f"peak: expected a positive number, the range of the values, got {peak!r}")
    return _over(peak**2, distortion_per_dim(vectors, reconstructions).mean)


def snr_db(vectors: Any, reconstructions: Any) -> float:
    """Return `10 log10(E|x - E x|^2 / E|x - x̂|^2)`; 0 for answering with the mean, infinite without error.

    The signal is measured around its mean: moving the data away from the origin does not make a codebook look better.

    Args:
        vectors: (N, D) NumPy array or CPU tensor.
        reconstructions: (N, D), what the decoder made of them.

    Raises:
        DataError: no vectors, or the two differ in shape.
        NonFiniteError: either holds NaN or infinity.

    >>> snr_db([[-1.0], [1.0]], [[-0.9], [0.9]])
    20.0
    """
    x, y = _pair(vectors, reconstructions)
    noise = float(_squared_errors(x, y).mean())
    total = np.zeros(x.shape[1])
    for rows in _blocks(x):
        total += x[rows].sum(axis=0, dtype=np.float64)
    mean = np.broadcast_to(total / len(x), x.shape)
    return _over(float(_squared_errors(x, mean).mean()), noise)


def _pair(vectors: Any, reconstructions: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = as_matrix(vectors, "vectors"), as_matrix(reconstructions, "reconstructions")
    if x.shape != y.shape:
        raise DataError(
            f"distortion: vectors have shape {x.shape} but reconstructions {y.shape}; pass one reconstruction per vector"
        )
    if len(x) == 0:
        raise DataError("distortion: expected at least one vector, got none")
    return x, y


def _squared_errors(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    errors = np.empty(len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(x):
            difference = np.subtract(x[rows], y[rows], dtype=np.float64)
            np.einsum("ij,ij->i", difference, difference, out=errors[rows])
    if not np.isfinite(errors).all():  # whatever is not finite in the input is not finite here: no second pass when clean
        check_finite(x, "vectors")
        check_finite(y, "reconstructions")
    return errors


def _blocks(x: NDArray[Any]) -> Iterator[slice]:
    step = max(1, _BLOCK_BYTES // (8 * x.shape[1]))
    return (slice(start, start + step) for start in range(0, len(x), step))


def _summary(errors: NDArray[np.float64]) -> Distortion:
    spread = float(errors.std(ddof=1)) if len(errors) > 1 else math.nan
    return Distortion(float(errors.mean()), spread / math.sqrt(len(errors)), len(errors))


def _over(signal: float, noise: float) -> float:
    return decibels(signal / noise) if noise > 0 else math.inf
