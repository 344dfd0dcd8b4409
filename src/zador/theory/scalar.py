"""The best fixed-rate scalar quantizer of a density: Lloyd-Max.

Levels c and thresholds t are stationary when each threshold is midway between its levels and each level is the mean of its
cell. For a log-concave density, and all four named ones are, only one such quantizer exists and it is the best
(kieffer1983uniqueness). Sources: max1960quantizing, lloyd1982least.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, solveh_banded
from scipy.special import entr

from zador.errors import DataError
from zador.theory.densities import Standard, named, standardise
from zador.theory.first_moment import log_odds_grid
from zador.units import NATS_PER_BIT
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Density

__all__ = ["ScalarQuantizer", "lloyd_max"]

_ITERATIONS = 500
_LEAST_DAMPING = 0.01
_NEWTON_DONE = 1e-7
_ROUNDING = 1e-14  # of a distortion, in units of the variance
_NOISE = 1e-13


@dataclass(frozen=True)
class ScalarQuantizer:
    """A fixed-rate quantizer of the line and what it does to its density.

    Attributes:
        levels: (N,) reproduction points, ascending, in units of the data.
        thresholds: (N - 1,) where one level's cell ends and the next begins.
        probabilities: (N,) mass of each cell.
        distortion: mean squared error, in squared units of the data.
        entropy_bits: entropy of the index, in bits per sample: the rate that an ideal entropy coder needs.
    """

    levels: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    distortion: float
    entropy_bits: float


def lloyd_max(density: str | Density, levels: int) -> ScalarQuantizer:
    """Return the quantizer with `c_i = E[X | t_{i-1} < X < t_i]`, `t_i = (c_i + c_{i+1}) / 2`, which minimises E(X - c)^2.

    Newton's method on the distortion, whose Hessian is tridiagonal; where that does not descend, the step shrinks towards
    Lloyd's, which always does. Distortion is exact to about 1e-15 of the variance for a named density; for an object, to
    the accuracy of its own functions.

    Args:
        density: "gaussian", "laplace", "uniform" or "logistic" (zero mean, unit variance), or an object with `pdf`, `cdf`,
            `sf`, `ppf`, `mean`, `var`, such as a frozen `scipy.stats` distribution. It has to be bounded. With several modes
            there may be several stationary quantizers; the one near the high-rate point density p^(1/3) is returned.
        levels: number N of levels.

    Returns:
        Levels, thresholds, cell probabilities, mean squared error, and entropy of the index in bits per sample.

    Raises:
        UsageError: unknown density, or `levels` is not a whole number of at least 1.
        DataError: the variance or the density is not finite, or no stationary quantizer was found.

    >>> best = lloyd_max("gaussian", 4)
    >>> best.levels.round(4), round(best.distortion, 6)
    (array([-1.5104, -0.4528,  0.4528,  1.5104]), 0.117482)
    """
    count = as_count(levels, "levels")
    source = named(density) if isinstance(density, str) else standardise(density)
    cells = _solve(source, count)
    centred = cells.levels
    return ScalarQuantizer(
        levels=source.mean + source.scale * centred,
        thresholds=source.mean + source.scale * _midpoints(centred),
        probabilities=cells.masses,
        distortion=source.scale**2 * cells.distortion,
        entropy_bits=float(entr(cells.masses).sum()) / NATS_PER_BIT,
    )


class _Cells(NamedTuple):
    """Levels and, over their cells, the mass and the integral of x p(x)."""

    levels: NDArray[np.float64]
    masses: NDArray[np.float64]
    means: NDArray[np.float64]

    @property
    def distortion(self) -> float:
        # E X^2 - 2 E X c + E c^2: right also for levels that are not yet the means of their cells.
        return 1.0 + math.fsum(self.levels * (self.masses * self.levels - 2 * self.means))

    @property
    def slope(self) -> float:
        return float((self.gradient**2 / self.masses).sum())

    @property
    def gradient(self) -> NDArray[np.float64]:
        return self.masses * self.levels - self.means


def _cells(source: Standard, levels: NDArray[np.float64]) -> _Cells:
    t = _midpoints(levels)
    below = np.concatenate([[0.0], source.density.cdf(t), [1.0]])
    above = np.concatenate([[1.0], source.density.sf(t), [0.0]])
    # Differences of the smaller of the two tails: a far cell keeps its digits.
    masses = np.where(below[:-1] < 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - the median
    return _Cells(levels, masses, np.diff(source.first_moment(t), prepend=0.0, append=0.0))


def _solve(source: Standard, count: int) -> _Cells:
    """Minimise by Levenberg-Marquardt in the metric of the cell masses: damping 0 is Newton, much damping is Lloyd."""
    if count == 1:
        return _Cells(np.zeros(1), np.ones(1), np.zeros(1))
    cells = _cells(source, _companded(source, count))
    damping = 0.0
    for _ in range(_ITERATIONS):
        step = _step(source, cells, damping)
        trial = None if step is None else _cells(source, cells.levels + step)
        if step is not None and trial is not None and _descends(cells, trial):
            cells = trial
            # Newton squares the error, so after an undamped step this small the next one is below rounding.
            if damping == 0.0 and np.abs(step).max() <= _NEWTON_DONE * np.diff(cells.levels).min():
                return cells
            damping = 0.1 * damping if damping > _LEAST_DAMPING else 0.0
        elif step is not None and damping == 0.0 and -step @ cells.gradient <= _NOISE * cells.distortion:
            return cells  # what is left to gain is rounding
        else:
            damping = max(10 * damping, _LEAST_DAMPING)
    raise DataError(
        f"lloyd_max: no stationary quantizer with {count} levels after {_ITERATIONS} steps; "
        "is the density continuous and positive between its quantiles? Try fewer levels"
    )


def _step(source: Standard, cells: _Cells, damping: float) -> NDArray[np.float64] | None:
    """Return the damped Newton step, or None where the damped Hessian is not positive definite."""
    count = len(cells.levels)
    # Half the Hessian: masses on the diagonal, less what each moving threshold hands from one cell to the next.
    handed = 0.25 * np.diff(cells.levels) * source.density.pdf(_midpoints(cells.levels))
    diagonal = (1 + damping) * cells.masses
    diagonal[:-1] -= handed
    diagonal[1:] -= handed
    if not source.symmetric:
        return _solve_tridiagonal(diagonal, -handed, -cells.gradient)
    # Steps that mirror each other. Without this an exponential tail on either side can be shifted at no cost, to second
    # order: the Hessian of a Laplacian with an even number of levels is singular at the optimum.
    half = (count + 1) // 2
    if count % 2 == 0:
        diagonal[half] += handed[half - 1]
    right = _solve_tridiagonal(diagonal[half:], -handed[half:], -cells.gradient[half:])
    return None if right is None else np.concatenate([-right[::-1], np.zeros(count % 2), right])


def _solve_tridiagonal(
    diagonal: NDArray[np.float64], beside: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    if len(diagonal) <= 1:  # LAPACK wants at least two
        return wanted / diagonal if (diagonal > 0).all() else None
    try:
        return np.asarray(solveh_banded(np.stack([np.append(0.0, beside), diagonal]), wanted))
    except LinAlgError:
        return None


def _descends(cells: _Cells, trial: _Cells) -> bool:
    if not ((np.diff(trial.levels) > 0).all() and (trial.masses > 0).all()):
        return False
    gain = cells.distortion - trial.distortion
    # Once the gain drowns in rounding, the slope still tells which of the two is nearer.
    return gain > _ROUNDING or (gain > -_ROUNDING and trial.slope < cells.slope)


def _companded(source: Standard, count: int) -> NDArray[np.float64]:
    """Return levels at the quantiles (i - ½)/N of p^(1/3), the best point density at high rate (panter1951quantization)."""
    x = log_odds_grid(source.density.ppf)
    middle = 0.5 * (x[1:] + x[:-1])
    points = np.concatenate([[0.0], np.cumsum(np.cbrt(source.density.pdf(middle)) * np.diff(x))])
    levels = np.interp((np.arange(count) + 0.5) / count, points / points[-1], x)
    return 0.5 * (levels - levels[::-1]) if source.symmetric else levels


def _midpoints(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (levels[1:] + levels[:-1])
