"""High rate on the line: the error of N levels spread with a given density, and the best such density.

    Bennett       D ~ 1/(12 N²) ∫ p(x) / g(x)² dx              levels spread like a density g
    Panter-Dite   D ~ 1/(12 N²) (∫ p^(1/3))³                   the best g, proportional to p^(1/3)

Both are asymptotes: the best N = 4 levels of a Gaussian have 69 % of Panter-Dite, N = 64 have 97 %. In d dimensions the best
point density is proportional to p^(d/(d+2)), for N(μ, Σ) that is N(μ, (d+2)/d Σ). Sources: bennett1948spectra,
panter1951quantization, gersho1979asymptotically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory.densities import Standard, as_standard
from zador.theory.gaussian_law import GaussianLaw, as_mean
from zador.theory.quadrature import RunningIntegral
from zador.theory.spectrum import numerical_zero, principal_axes
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Density
    from zador.theory.quadrature import Function

__all__ = ["PointDensity", "bennett", "gaussian_point_density", "panter_dite", "point_density"]

_FAR = 500  # panels that double: p^(1/3) of a heavy tail is integrable, but only just
_HALVINGS = 60
_DIVERGES = 1e-6


@dataclass(frozen=True)
class PointDensity:
    """The density p^(1/3) / ∫ p^(1/3) of the best levels on the line; speaks like a `scipy.stats` distribution.

    Attributes:
        third_norm: `||p||_{1/3} = (∫ p^(1/3))³`, in squared units of the data.
    """

    third_norm: float
    _source: Standard
    _running: RunningIntegral

    def pdf(self, x: Any) -> NDArray[np.float64]:
        """Return the share of levels per unit length at each x."""
        return np.asarray(_third(self._source)(self._centred(x)) / (self._running.total * self._source.scale))

    def cdf(self, x: Any) -> NDArray[np.float64]:
        """Return the share of levels below each x."""
        return np.clip(self._running(self._centred(x)) / self._running.total, 0.0, 1.0)

    def ppf(self, q: Any) -> NDArray[np.float64]:
        """Return the x that a share q of the levels lies below: levels at `ppf((i - ½)/N)` are a companding quantizer.

        Raises:
            UsageError: a share is not between 0 and 1.

        >>> point_density("gaussian").ppf(np.array([0.25, 0.5])).round(4) + 0.0
        array([-1.1683,  0.    ])
        """
        shares = np.asarray(q, np.float64)
        if not ((shares >= 0) & (shares <= 1)).all():
            raise UsageError(f"q: expected shares between 0 and 1, got {q!r}")
        return np.asarray(self._source.mean + self._source.scale * self._inverse(shares.ravel()).reshape(shares.shape))

    def _centred(self, x: Any) -> NDArray[np.float64]:
        return np.asarray((np.asarray(x, np.float64) - self._source.mean) / self._source.scale)

    def _inverse(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bisect between two knots: each halving is one evaluation, and none can leave the bracket."""
        wanted, knots = shares * self._running.total, self._running.knots
        panel = np.clip(np.searchsorted(self._running(knots), wanted) - 1, 0, len(knots) - 2)
        low, high = knots[panel], knots[panel + 1]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            below = self._running(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)


def point_density(density: str | Density) -> PointDensity:
    """Return the best point density `p^(1/3) / ∫ p^(1/3)` of a density on the line.

    Args:
        density: "gaussian", "laplace", "uniform" or "logistic" (zero mean, unit variance), or an object such as a frozen
            `scipy.stats` distribution (`zador.theory.densities`).

    Raises:
        UsageError: unknown density.
        DataError: its mean or variance is not finite, or it is not bounded.

    >>> round(float(point_density("gaussian").pdf(0.0)), 6), round((6 * np.pi) ** -0.5, 6)
    (0.230329, 0.230329)
    """
    source = as_standard(density)
    running = RunningIntegral(_third(source), source.density.ppf, doublings=_FAR)
    return PointDensity(source.scale**2 * running.total**3, source, running)


def panter_dite(density: str | Density, levels: int) -> float:
    """Return `(∫ p^(1/3))³ / (12 N²)`, what the best N levels tend to as N grows; π√3/2 σ² / N² for a Gaussian.

    Args:
        density: a name or an object, see `point_density`.
        levels: number N of levels.

    Returns:
        Mean squared error, in squared units of the data. An estimate: no bound, and too high for few levels.

    Raises:
        UsageError: unknown density, or `levels` is not a whole number of at least 1.
        DataError: its mean or variance is not finite, or it is not bounded.

    >>> round(panter_dite("laplace", 1), 12)
    4.5
    """
    return point_density(density).third_norm / (12 * as_count(levels, "levels") ** 2)


def bennett(density: str | Density, points: Any, levels: int) -> float:
    """Return Bennett's integral `1/(12 N²) ∫ p / g²`: the error of N levels at the quantiles of a point density g.

    Args:
        density: p, a name or an object, see `point_density`.
        points: g, an object with `pdf` in the units of `density`: `point_density(...)`, or a frozen `scipy.stats`
            distribution.
        levels: number N of levels.

    Returns:
        Mean squared error, in squared units of the data; at least `panter_dite`.

    Raises:
        UsageError: unknown density, `points` has no `pdf`, or `levels` is not a whole number of at least 1.
        DataError: the integral diverges, because g thins out where p does not.

    >>> from scipy import stats
    >>> round(bennett("gaussian", stats.norm(scale=3**0.5), 1), 4), round(bennett("gaussian", stats.norm(scale=2), 1), 4)
    (2.7207, 2.9619)
    """
    source, count = as_standard(density), as_count(levels, "levels")
    if not hasattr(points, "pdf"):
        raise UsageError(f"points: {type(points).__name__} has no pdf; use point_density or a scipy.stats distribution")

    def share(x: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            mass = np.asarray(source.density.pdf(x))
            thin = source.scale * np.asarray(points.pdf(source.mean + source.scale * x))
            return np.where(mass > 0, mass / thin / thin, 0.0)

    message = "bennett: the integral of p / g² diverges: the point density thins out where the density does not"
    try:
        running = RunningIntegral(share, source.density.ppf, doublings=_FAR)
    except DataError as error:
        raise DataError(message) from error
    # Where p leaves the range of floats, its share has to be over; else it has not been falling.
    used = np.flatnonzero(running.pieces)
    if max(running.pieces[used[0]], running.pieces[used[-1]]) > _DIVERGES * running.total and _endless(source):
        raise DataError(message)
    return source.scale**2 * running.total / (12 * count**2)


def gaussian_point_density(covariance_or_eigenvalues: Any, *, mean: Any = None) -> GaussianLaw:
    """Return `N(μ, (d+2)/d Σ)`, how the best codewords of a Gaussian spread as K grows; d counts axes with variance.

    Wider than the source, and than the R(D) law, which is narrower: at small K the truth is between the two.

    Args:
        covariance_or_eigenvalues: (D, D) covariance, or (D,) variances of uncorrelated coordinates; squared units of data.
        mean: (D,) mean of the source; None for 0.

    Raises:
        DataError: not a covariance or spectrum, or `mean` has another dimension.

    >>> gaussian_point_density([4.0, 1.0]).variances
    array([8., 2.])
    """
    eigenvalues, axes = principal_axes(covariance_or_eigenvalues)
    active = eigenvalues > numerical_zero(eigenvalues)
    dim = max(1, int(active.sum()))
    return GaussianLaw(as_mean(mean, len(eigenvalues)), axes, np.where(active, (dim + 2) / dim * eigenvalues, 0.0))


def _third(source: Standard) -> Function:
    def cube_root(x: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore", under="ignore"):  # far out x² is out of range, and the density 0
            return np.asarray(np.cbrt(source.density.pdf(x)))

    return cube_root


def _endless(source: Standard) -> bool:
    return bool(np.isinf(source.density.ppf(np.array([0.0, 1.0]))).any())
