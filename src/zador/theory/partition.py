"""Cells of a density on the line: their masses and means, and grids to start from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

from zador.errors import DataError
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Standard

__all__ = ["Partition", "grid", "partition"]

_TAIL = 1e-12
_MOST_CELLS = 1 << 16
_NEAR = 40.0  # standard deviations: an exponential tail holds 1e-17 beyond
_GROWTH = 1.1


@dataclass(frozen=True)
class Partition:
    """Cells of a density with zero mean and unit variance, and D and H of them.

    Attributes:
        thresholds: (n - 1,) ascending.
        masses: (n,) probabilities of the cells, all positive.
        levels: (n,) their means.
    """

    thresholds: NDArray[np.float64]
    masses: NDArray[np.float64]
    levels: NDArray[np.float64]

    @property
    def distortion(self) -> float:
        """D, the mean squared error of answering with the means."""
        return max(0.0, 1.0 - math.fsum(self.masses * self.levels**2))

    @property
    def bits(self) -> float:
        """H, the entropy of the index of the cell in bits."""
        return math.fsum(entr(self.masses)) / NATS_PER_BIT

    def cost(self, multiplier: float) -> float:
        """Return `D + μ H`."""
        return self.distortion + multiplier * self.bits


def partition(source: Standard, thresholds: NDArray[np.float64]) -> Partition:
    """Return the cells between thresholds; one without mass joins the one to its right."""
    below = np.concatenate([[0.0], source.density.cdf(thresholds), [1.0]])
    above = np.concatenate([[1.0], source.density.sf(thresholds), [0.0]])
    masses = np.where(below[:-1] < 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - the median
    moments = np.diff(source.first_moment(thresholds), prepend=0.0, append=0.0)
    if (masses > 0).all():
        # In a far tail the moment of a cell may be all rounding; its mean is inside the cell.
        edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
        return Partition(thresholds, masses, np.clip(moments / masses, edges[:-1], edges[1:]))
    kept = masses[:-1] > 0  # an empty cell joins the one to its right
    if masses[-1] <= 0 and kept.any():
        kept[np.flatnonzero(kept)[-1]] = False
    return partition(source, thresholds[kept])


def grid(source: Standard, step: float, offset: float) -> NDArray[np.float64]:
    """Return thresholds (k + offset) step over all but 1e-12 of the mass; a far, heavy tail in cells that grow."""
    ends = np.asarray(source.density.ppf(np.array([_TAIL, 1 - _TAIL])))
    inner = np.clip(ends, -_NEAR, _NEAR)
    if inner[1] - inner[0] > step * _MOST_CELLS:
        raise DataError(f"entropy_coded: a step of {step:.3g} standard deviations needs more than {_MOST_CELLS} cells")
    near = step * (np.arange(math.floor(inner[0] / step), math.ceil(inner[1] / step) + 1) + offset)
    near = near[(near > ends[0]) & (near < ends[1])]
    if not len(near):
        return np.asarray(near)
    far = [_growing(near[0], ends[0], -step)[::-1], near, _growing(near[-1], ends[1], step)]
    return np.asarray(np.concatenate(far))


def _growing(start: float, end: float, step: float) -> NDArray[np.float64]:
    if abs(end - start) <= 2 * abs(step):
        return np.empty(0)
    count = math.ceil(math.log1p((_GROWTH - 1) * (end - start) / step) / math.log(_GROWTH))
    points = start + step * (_GROWTH ** np.arange(1, count + 1) - 1) / (_GROWTH - 1)
    return np.asarray(points[np.abs(points - start) < abs(end - start)])
