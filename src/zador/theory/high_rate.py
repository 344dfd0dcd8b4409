"""Large codebooks: Zador's asymptote, for Gaussians and for samples of a known density.

As K grows, the best K points for a density p on R^d reach

    D_K ~ d G_d ||p||_{d/(d+2)} K^(-2/d),        ||p||_a = (∫ p^a)^(1/a)

with G_d the normalized second moment per dimension of the best space-filling cell (`cell_constants`). It is an asymptote,
not a bound: at four cells an axis it is too high by up to 45 %, and below that it means nothing. `estimate` says which;
`distortion` warns. On the line see `companding`. Sources: zador1982asymptotic, gersho1979asymptotically,
graf2000foundations.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, ZadorWarning
from zador.theory.cell_constants import (
    LARGEST_DIM,
    best_lattice,
    conway_sloane_bound,
    lattice_constant,
    sphere_bound,
    zador_upper_bound,
)
from zador.theory.gaussian import water_level
from zador.theory.spectrum import as_spectrum, numerical_zero
from zador.validation import as_count, as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "HighRateEstimate",
    "SampledEstimate",
    "conway_sloane_bound",
    "distortion",
    "distortion_from_samples",
    "estimate",
    "is_valid",
    "lattice_constant",
    "sphere_bound",
    "zador_upper_bound",
]

_CELLS_PER_AXIS = 4
_ROUNDING = 1e-12  # K = 4^d is to be valid, whatever the last bit of the logarithms


@dataclass(frozen=True)
class HighRateEstimate:
    """Zador's asymptote for one codebook size, and whether it may be believed.

    Attributes:
        distortion: squared error summed over coordinates. An estimate, no bound.
        cells_on_weakest_axis: `sqrt(λ_min / θ)` with the water level θ at log2 K bits: `K^(1/d)` when all axes are alike.
        dim: number d of axes that have variance.
        valid: whether the weakest axis gets four cells.
    """

    distortion: float
    cells_on_weakest_axis: float
    dim: int
    valid: bool


@dataclass(frozen=True)
class SampledEstimate:
    """Zador's asymptote from samples, with the error of sampling.

    Attributes:
        distortion: squared error summed over coordinates.
        standard_error: of `distortion`, by the delta method. Heavy tails make it too small.
    """

    distortion: float
    standard_error: float


def distortion(eigenvalues: Any, codebook_size: int) -> float:
    """Return Zador's asymptote `2π d G_d ((d+2)/d)^((d+2)/2) (Π λ_i)^(1/d) K^(-2/d)` for a Gaussian.

    d counts the axes that have variance: eigenvalues within rounding of zero (`spectrum.numerical_zero`) are left out. G_d
    is the best known lattice's constant; where none is kept here, the geometric mean of the two proven bounds, which is
    off by at most half their distance: 0.16 dB at d = 13, less above.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Returns:
        Squared error summed over coordinates. An estimate that can lie below the Shannon bound or above the variance when
        K is too small for it.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    Warns:
        ZadorWarning: K is too small for the number to mean anything (`is_valid`). `estimate` says so without a warning.

    >>> round(distortion([1.0, 1.0], 64), 5)
    0.06298
    """
    result = estimate(eigenvalues, codebook_size)
    if not result.valid:
        warnings.warn(
            f"high_rate.distortion: {codebook_size} codewords give the weakest of {result.dim} axes "
            f"{result.cells_on_weakest_axis:.2g} cells, the asymptote needs {_CELLS_PER_AXIS}; {result.distortion:.6g} may "
            "be below the Shannon bound or far above the best codebook. Use zador.limits, or estimate() to get no warning",
            ZadorWarning,
            stacklevel=2,
        )
    return result.distortion


def estimate(eigenvalues: Any, codebook_size: int) -> HighRateEstimate:
    """Return Zador's asymptote for a Gaussian together with whether it is valid: `distortion` and `is_valid` in one record.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> estimate([1.0, 0.01], 16).valid
    False
    """
    size = as_count(codebook_size, "codebook_size")
    active = _active(as_spectrum(eigenvalues))
    dim = len(active)
    if dim == 0:
        return HighRateEstimate(0.0, math.inf, 0, valid=True)
    norm = 2 * math.pi * math.pow((dim + 2) / dim, (dim + 2) / 2) * math.exp(float(np.log(active).mean()))
    level = water_level(active, math.log2(size))
    cells = math.sqrt(float(active.min()) / level) if level > 0 else math.inf
    error = dim * _constant(dim) * norm * math.exp(-2 * math.log(size) / dim)
    return HighRateEstimate(error, cells, dim, valid=cells >= _CELLS_PER_AXIS * (1 - _ROUNDING))


def is_valid(eigenvalues: Any, codebook_size: int) -> bool:
    """Return whether the weakest axis gets four cells: `sqrt(λ_min / θ) >= 4` with the water level θ at log2 K bits.

    That is `K^(1/d) >= 4` when all axes are alike, and more when they are not. Below, `distortion` is not even roughly
    right; at the border it is still up to 45 % too high (d = 1, K = 4).

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> is_valid([1.0, 1.0], 16), is_valid([1.0, 0.01], 16)
    (True, False)
    """
    return estimate(eigenvalues, codebook_size).valid


def distortion_from_samples(log_densities: Any, dim: int, codebook_size: int) -> SampledEstimate:
    """Return Zador's asymptote of any density from `ln p(x_i)` at its own samples: `||p|| = (E p(X)^(-2/(d+2)))^((d+2)/d)`.

    Whether K is large enough is for the caller to judge: the best codebook has to resolve what the density varies over.

    Args:
        log_densities: (n,) natural logarithms of p at n independent samples of p, n >= 2.
        dim: dimension d of the samples. The density must be one: for data on a subspace use the coordinates in it.
        codebook_size: number K of codewords.

    Raises:
        DataError: fewer than two values, or not a vector.
        NonFiniteError: a log-density is NaN or infinite.
        UsageError: `dim` or `codebook_size` is not a whole number of at least 1.

    >>> x = np.random.default_rng(0).standard_normal(100_000)
    >>> got = distortion_from_samples(-0.5 * x**2 - 0.5 * np.log(2 * np.pi), 1, 64)
    >>> bool(abs(got.distortion - distortion([1.0], 64)) < 4 * got.standard_error)
    True
    """
    d, size = as_count(dim, "dim"), as_count(codebook_size, "codebook_size")
    if np.ndim(log_densities) != 1 or len(log_densities) < 2:  # noqa: PLR2004 - one value has no standard error
        raise DataError(f"log_densities: expected shape (n,) with n >= 2, got {np.shape(log_densities)}")
    logs = as_matrix(np.asarray(log_densities)[:, None], "log_densities").astype(np.float64)
    check_finite(logs, "log_densities")
    powers = -2 / (d + 2) * logs[:, 0]
    top = float(powers.max())
    terms = np.exp(powers - top)
    mean = float(terms.mean())
    error = d * _constant(d) * math.exp((d + 2) / d * (math.log(mean) + top) - 2 * math.log(size) / d)
    relative = (d + 2) / d * float(terms.std(ddof=1)) / (mean * math.sqrt(len(terms)))
    return SampledEstimate(error, error * relative)


def _active(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    return spectrum[spectrum > numerical_zero(spectrum)]


def _constant(dim: int) -> float:
    lattice = best_lattice(dim) if dim <= LARGEST_DIM else None
    if lattice is None or lattice.status == "product":
        return math.sqrt(sphere_bound(dim) * zador_upper_bound(dim))
    return lattice.value
