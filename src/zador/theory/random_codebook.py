"""What K codewords drawn from a law are expected to do: `E min_k |X - Y_k|² = E_x ∫ P(|x - Y|² > t)^K dt`.

It is what random coding achieves with a codebook of K points, and what a random initialiser starts from. D(R), which random
codebooks reach in long blocks, is far below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chndtrix, gammainccinv, gammaincinv, ndtri

from zador.errors import DataError
from zador.theory.kpoint.shell import log_radius_density
from zador.theory.nearest_draw import nearest_draw
from zador.theory.spectrum import as_spectrum
from zador.validation import as_count, as_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

__all__ = ["Expected", "GaussianCodebook", "best_gaussian", "expected_distortion", "expected_distortion_of"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_TAIL = 1e-16
_STEP = np.linspace(-4.2, 3.4, 121)  # tanh-sinh: doubly exponential towards both ends
_REPLICATES = 8
_POINTS = 128
_SEARCH_POINTS = 64
_SIMPLEX = np.array([[0.0, -1.5], [0.4, -1.5], [0.0, 0.0]])  # (ln a, logit θ / λ_1)
_MOST_CONTROLS = 32


@dataclass(frozen=True)
class Expected:
    """An expectation, and the standard error of its estimate.

    Attributes:
        distortion: squared error summed over coordinates, in squared units of the data.
        standard_error: 0 where quadrature is exact to rounding.
    """

    distortion: float
    standard_error: float = 0.0


@dataclass(frozen=True, eq=False)
class GaussianCodebook:
    """A law N(0, diag s) of independent codewords and what it is expected to do.

    Attributes:
        variances: (D,) s, in the order of the spectrum, in squared units of the data.
        distortion: expected squared error summed over coordinates.
        standard_error: of `distortion`.
    """

    variances: Vector
    distortion: float
    standard_error: float


def expected_distortion(eigenvalues: Any, variances: Any, codebook_size: int, *, seed: int = 0) -> Expected:
    """Return `E min_k |X - Y_k|²` for X ~ N(0, diag λ) and K independent codewords Y_k ~ N(0, diag s).

    Where all λ and all s on the axes with s > 0 are equal, |x - Y|² / s is noncentral chi-squared and the two integrals are
    done by quadrature, to about 1e-12. Otherwise the inner one is done by `nearest_draw`, the outer one over eight
    scrambled Sobol sequences of 128 points, with x_i² as control variates, whose scatter is the standard error.

    Args:
        eigenvalues: (D,) λ >= 0, variances of the source along its principal axes, in squared units of the data.
        variances: (D,) s >= 0, variances of the codewords along the same axes.
        codebook_size: K, at least 1.
        seed: of the scrambling.

    Returns:
        Squared error summed over coordinates, and its standard error.

    Raises:
        DataError: a variance is negative beyond rounding, or the two differ in length.
        UsageError: K is not a whole number of at least 1.

    >>> law = expected_distortion(np.ones(4), np.full(4, 0.663), 16)
    >>> round(law.distortion / 4, 4), law.standard_error
    (0.4508, 0.0)
    """
    source, law = _both(eigenvalues, variances)
    size = as_count(codebook_size, "codebook_size")
    spread = law > 0
    idle = float(source[~spread].sum())
    if size == 1 or not spread.any():
        return Expected(float(source.sum() + law.sum()))
    source, law = source[spread], law[spread]
    if np.ptp(source) == 0 and np.ptp(law) == 0:
        return Expected(idle + _isotropic(len(law), float(source[0]), float(law[0]), size))
    points = np.array(_gaussian_points(source, _POINTS, seed))
    values = nearest_draw(points.reshape(-1, len(law)), law, size)
    found = _without_the_squares(values, points, source).reshape(_REPLICATES, -1).mean(axis=1)
    return Expected(idle + float(found.mean()), float(found.std(ddof=1) / math.sqrt(_REPLICATES)))


def _without_the_squares(values: Vector, points: Vector, source: Vector) -> Vector:
    """Return `values` less their regression on x_i² - λ_i, which have mean 0: control variates."""
    squares = points.reshape(len(values), -1) ** 2 / source - 1.0
    if squares.shape[1] > _MOST_CONTROLS:
        squares = squares @ (source / source.sum())[:, None]
    centred = squares - squares.mean(axis=0)
    return np.asarray(values - squares @ np.linalg.lstsq(centred, values - values.mean(), rcond=None)[0])


def expected_distortion_of(x: Any, variances: Any, codebook_size: int) -> Expected:
    """Return the mean over vectors x of `E min_k |x - Y_k|²` for K independent codewords Y_k ~ N(0, diag s).

    Args:
        x: (N, D) vectors along the axes of the codeword law, centred on its mean.
        variances: (D,) s >= 0, variances of the codewords.
        codebook_size: K, at least 1.

    Returns:
        Squared error summed over coordinates; the standard error is that of the mean over x.

    Raises:
        DataError: x is no matrix of at least 2 rows, or it has another number of coordinates than `variances`.
        NonFiniteError: x holds NaN or infinity.
        UsageError: K is not a whole number of at least 1.

    >>> law = expected_distortion_of([[1.0, 0.0], [-1.0, 0.0]], [1.0, 0.0], 1)
    >>> law.distortion
    2.0
    """
    vectors = as_vectors(x, "x").astype(np.float64)
    law, size = as_spectrum(variances), as_count(codebook_size, "codebook_size")
    if len(vectors) < 2 or vectors.shape[1] != len(law):  # noqa: PLR2004 - a scatter needs two
        raise DataError(f"x: expected at least 2 rows of {len(law)} coordinates, as many as variances, got {vectors.shape}")
    found = nearest_draw(vectors, law, size)
    return Expected(float(found.mean()), float(found.std(ddof=1) / math.sqrt(len(found))))


def best_gaussian(eigenvalues: Any, codebook_size: int, *, seed: int = 0) -> GaussianCodebook:
    """Return the law N(0, diag a (λ - θ)₊) of codewords with the least expected distortion, over both a and θ.

    The family holds that of R(D) (a = 1, θ the water level), the source itself (a = 1, θ = 0) and Zador's point density
    (a = (d + 2) / d, θ = 0). Few codewords are best spent on few axes and kept near the mean; many are spread wider than
    the source. For an isotropic source θ is idle and the variance is best to about 1e-6.

    Args:
        eigenvalues: (D,) λ >= 0 in any order, in squared units of the data.
        codebook_size: K, at least 1.
        seed: of the points at which the expectation is taken.

    Returns:
        The variances, the expected squared error, and its standard error.

    Raises:
        DataError: a variance is negative beyond rounding.
        UsageError: K is not a whole number of at least 1.

    >>> law = best_gaussian(np.ones(4), 16)
    >>> round(float(law.variances[0]), 3), round(law.distortion / 4, 4)
    (0.663, 0.4508)
    """
    from scipy.optimize import minimize, minimize_scalar

    source, size = as_spectrum(eigenvalues), as_count(codebook_size, "codebook_size")
    active = source[source > 0]
    if size == 1 or not len(active):
        return GaussianCodebook(np.zeros_like(source), float(source.sum()), 0.0)
    if np.ptp(active) == 0:
        dim, scale = len(active), float(active[0])
        best = minimize_scalar(
            lambda log_ratio: _isotropic(dim, 1.0, math.exp(log_ratio), size), bounds=(-12.0, 2.0), method="bounded",
            options={"xatol": 1e-7},
        )  # fmt: skip
        return GaussianCodebook(math.exp(float(best.x)) * source, scale * float(best.fun), 0.0)
    points = np.concatenate(_gaussian_points(active, _SEARCH_POINTS // _REPLICATES, seed))

    def expected(parameters: Vector) -> float:
        return float(nearest_draw(points, _law(active, parameters), size).mean())

    # The same points for every law: the search sees a smooth function. It is flat at its minimum, so a rough one will do.
    found = minimize(
        expected,
        _SIMPLEX[0],
        method="Nelder-Mead",
        options={"maxfev": 40, "xatol": 0.02, "fatol": 1e-4 * float(source.sum()), "initial_simplex": _SIMPLEX},
    )
    variances = _law(source, found.x)
    value = expected_distortion(source, variances, size, seed=seed)
    return GaussianCodebook(variances, value.distortion, value.standard_error)


def _law(source: Vector, parameters: Vector) -> Vector:
    """Return a (λ - θ)₊ for (ln a, logit θ / λ_1)."""
    level = source.max() / (1.0 + math.exp(-float(np.clip(parameters[1], -30.0, 30.0))))
    return np.asarray(math.exp(float(parameters[0])) * np.maximum(source - level, 0.0))


def _isotropic(dim: int, source: float, law: float, size: int) -> float:
    """Integrate `F⁻¹(1 - (1 - v)^(1/K))` over v, the quantile of the distance to the nearest codeword, and over |x|."""
    inner, outer = (math.sqrt(2.0 * float(inverse(0.5 * dim, _TAIL))) for inverse in (gammaincinv, gammainccinv))
    radii = inner + 0.5 * (outer - inner) * (_NODES + 1.0)
    weights = 0.5 * (outer - inner) * _WEIGHTS * np.exp(log_radius_density(dim, radii))
    log_odds = math.pi * np.sinh(_STEP)
    below, above = 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(log_odds))
    share = math.pi * np.cosh(_STEP) * below * above * (_STEP[1] - _STEP[0])
    probability = -np.expm1(-np.logaddexp(0.0, log_odds) / size)
    nearest = chndtrix(probability, dim, source * radii[:, None] ** 2 / law)
    return law * float(weights @ (nearest @ share))


def _gaussian_points(source: Vector, count: int, seed: int) -> list[Vector]:
    """Return independent scrambles of a Sobol sequence, carried to N(0, diag λ)."""
    from scipy.stats import qmc

    children = np.random.SeedSequence(as_count(seed, "seed", least=0)).spawn(_REPLICATES)
    cubes = [qmc.Sobol(len(source), rng=np.random.default_rng(child)).random(count) for child in children]
    return [ndtri(np.clip(cube, _TAIL, 1 - _TAIL)) * np.sqrt(source) for cube in cubes]


def _both(eigenvalues: Any, variances: Any) -> tuple[Vector, Vector]:
    source, law = as_spectrum(eigenvalues), as_spectrum(variances)
    if len(source) != len(law):
        raise DataError(f"variances: expected one per eigenvalue, {len(source)}, got {len(law)}")
    return source, law
