"""Densities on the line, as the scalar quantizer sees them: mass, height and mean of a piece.

Four have closed forms. Any other object that speaks like a frozen `scipy.stats` distribution is centred, scaled to unit
variance, and integrated numerically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import expit, log_expit

from zador.errors import DataError, UsageError
from zador.theory.first_moment import FirstMoment, log_odds_grid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Density", "Standard", "as_standard", "named", "standardise"]


class Density(Protocol):
    """A continuous distribution on the line; `scipy.stats.norm(1, 2)` and its like are such objects."""

    def pdf(self, x: Any, /) -> Any:
        """Return the density at each x."""

    def cdf(self, x: Any, /) -> Any:
        """Return P(X <= x)."""

    def sf(self, x: Any, /) -> Any:
        """Return P(X > x), accurate where it is small."""

    def ppf(self, q: Any, /) -> Any:
        """Return the x with P(X <= x) = q."""

    def mean(self) -> Any:
        """Return the mean."""

    def var(self) -> Any:
        """Return the variance."""


@dataclass(frozen=True)
class Standard:
    """A density with zero mean and unit variance, and the map back to the caller's units.

    Attributes:
        density: pdf, cdf, sf, ppf of (x - mean) / scale.
        first_moment: thresholds (n,) -> (n,) integrals of x p(x) from -∞ to each of them.
        symmetric: whether p(-x) = p(x).
        mean: the caller's mean.
        scale: the caller's standard deviation.
    """

    density: Any
    first_moment: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    symmetric: bool
    mean: float = 0.0
    scale: float = 1.0


_SAME = 1e-9  # relative: pdfs are rarely coded to the last digit
_LAPLACE = math.sqrt(0.5)
_UNIFORM = math.sqrt(3.0)
_LOGISTIC = math.sqrt(3.0) / math.pi


# Each is ∫_{-∞}^t x p(x) dx. It is even in t, so that differences in either tail keep their digits.
def _gaussian(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)


def _laplace(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return -0.5 * (np.abs(t) + _LAPLACE) * np.exp(-np.abs(t) / _LAPLACE)


def _uniform(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return -np.maximum(3.0 - t * t, 0.0) / (4 * _UNIFORM)


def _logistic(t: NDArray[np.float64]) -> NDArray[np.float64]:
    z = np.abs(t) / _LOGISTIC
    return _LOGISTIC * (log_expit(z) - z * expit(-z))


_NAMES = ("gaussian", "laplace", "uniform", "logistic")


@cache
def _table() -> dict[str, tuple[Any, Callable[[NDArray[np.float64]], NDArray[np.float64]]]]:
    # scipy.stats takes a second to import: who needs no density should not wait for it.
    from scipy import stats

    return {
        "gaussian": (stats.norm(), _gaussian),
        "laplace": (stats.laplace(scale=_LAPLACE), _laplace),
        "uniform": (stats.uniform(-_UNIFORM, 2 * _UNIFORM), _uniform),
        "logistic": (stats.logistic(scale=_LOGISTIC), _logistic),
    }


def named(name: str) -> Standard:
    """Return the density of zero mean and unit variance called `name`.

    Raises:
        UsageError: no such name.

    >>> float(named("laplace").density.var().round(12))
    1.0
    """
    if name not in _NAMES:
        raise UsageError(
            f"density: unknown name {name!r}; use {', '.join(map(repr, _NAMES))}, or a scipy.stats distribution"
        )
    density, first_moment = _table()[name]
    return Standard(density, first_moment, symmetric=True)


def as_standard(density: str | Density) -> Standard:
    """Return `named(density)` of a name, `standardise(density)` of an object.

    Raises:
        UsageError: no such name, or the object lacks a method of `Density`.
        DataError: its mean or variance is not finite, or its variance is zero.
    """
    return named(density) if isinstance(density, str) else standardise(density)


def standardise(density: Density) -> Standard:
    """Return `density` seen from its mean in units of its standard deviation, its cells integrated numerically.

    Raises:
        UsageError: it lacks one of the methods of `Density`.
        DataError: its mean or variance is not finite, or its variance is zero.

    >>> from scipy import stats
    >>> standardise(stats.norm(3, 2)).scale
    2.0
    """
    missing = [method for method in ("pdf", "cdf", "sf", "ppf", "mean", "var") if not hasattr(density, method)]
    if missing:
        raise UsageError(
            f"density: {type(density).__name__} has no {', '.join(missing)}; use a name or a frozen scipy.stats distribution"
        )
    mean, variance = float(density.mean()), float(density.var())
    if not (math.isfinite(mean) and 0 < variance < math.inf):
        raise DataError(
            f"density: squared error needs a finite mean and a positive finite variance, got {mean:g} and {variance:g}"
        )
    shifted = _Shifted(density, mean, math.sqrt(variance))
    x = log_odds_grid(shifted.ppf)
    symmetric = bool(np.allclose(shifted.pdf(x), shifted.pdf(-x), rtol=_SAME, atol=0.0))
    return Standard(shifted, FirstMoment(shifted.pdf, shifted.ppf), symmetric, mean, math.sqrt(variance))


@dataclass(frozen=True)
class _Shifted:
    base: Density
    mean: float
    scale: float

    def pdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.scale * np.asarray(self.base.pdf(self.mean + self.scale * x))

    def cdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.base.cdf(self.mean + self.scale * x))

    def sf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.base.sf(self.mean + self.scale * x))

    def ppf(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        return (np.asarray(self.base.ppf(q)) - self.mean) / self.scale
