"""The rate–distortion Lagrangian at one slope: its value, its gradient and what they certify.

With weights q of the reproductions and slope s (nats per unit of distortion)

    Z_i = Σ_j q_j exp(-s d_ij)      c_j = Σ_i p_i exp(-s d_ij) / Z_i      L(q) = -Σ_i p_i ln Z_i

L is convex in q, its gradient is -c, and min L = min_D R(D) + s D. For any q whatever, and not only for the best one,

    L(q) - max_j ln c_j   <=   min L   <=   L(q) - Σ_j q_j c_j ln c_j

so that the difference of the two ends is a certificate. Sources: blahut1972computation, csiszar1974computation.

Costs are taken relative to the least of their row, so that exp(-s d) is 1 somewhere in each row, however large s is;
s = ∞ leaves exactly the nearest reproductions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zador.theory.blahut_arimoto.pair_costs import PairCosts

    Floats = NDArray[np.float64]

__all__ = ["Lagrangian", "Problem", "Sweep"]

_BLOCK = 1 << 20  # numbers in a block: 8 MB
_UNDERFLOW = -600.0
_NOTHING = -690.0  # beside e^-600 it is nothing, and numbers at the end of the range of floats are slow


class Problem:
    """A source and its costs, with what does not depend on the slope computed once.

    Args:
        p: (n,) probabilities, positive.
        costs: (n, m) costs.
        support: rows of `costs` that `p` speaks of; all of them by default.
    """

    def __init__(self, p: Floats, costs: PairCosts) -> None:
        self.kept = np.flatnonzero(p > 0)
        self.p = p[self.kept] / p.sum()
        self.costs = costs
        self.size = costs.shape[1]
        self._whole = len(self.kept) == len(p)
        self.least, mean = np.empty(len(self.p)), np.zeros(self.size)
        for rows, block in self.blocks():
            self.least[rows] = block.min(axis=1)
            mean += self.p[rows] @ block
        self.least_distortion = float(self.p @ self.least)
        self.best_single = int(mean.argmin())
        self.greatest_distortion = float(mean[self.best_single])

    def blocks(self, columns: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, Floats]]:
        """Yield rows of the problem and their costs to `columns`."""
        step = max(1, _BLOCK // (self.size if columns is None else max(1, len(columns))))
        for start in range(0, len(self.p), step):
            rows = slice(start, min(start + step, len(self.p)))
            if self._whole:
                yield rows, self.costs.rows(rows, columns)
            else:
                named = self.kept[rows]
                span = slice(int(named[0]), int(named[-1]) + 1)
                yield rows, self.costs.rows(span, columns)[named - span.start]


@dataclass(frozen=True)
class Sweep:
    """What one pass over all pairs says about weights q. Costs are relative to the least of each row.

    Attributes:
        value: L(q), in nats.
        log_c: (m,) ln c_j.
        distortion: relative distortion of the channel q_j exp(-s d_ij) / Z_i.
        lower: L(q) - max ln c, which no weights go below, in nats.
        upper: L(q) - Σ q c ln c, which the channel achieves, in nats.
    """

    value: float
    log_c: Floats
    distortion: float
    lower: float
    upper: float

    @property
    def gap(self) -> float:
        """How far apart the two ends of the bracket are, in nats."""
        return self.upper - self.lower


class Lagrangian:
    """`L(q)` of a problem at a slope.

    Args:
        problem: source and costs.
        slope: s in nats per unit of distortion; at least 0, may be infinite.
    """

    def __init__(self, problem: Problem, slope: float) -> None:
        self.problem, self.slope = problem, slope

    def exponents(self, columns: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, Floats]]:
        """Yield rows and `-s (d_ij - min_j d_ij)`, which is at most 0."""
        for rows, cost in self.problem.blocks(columns):
            block = np.subtract(cost, self.problem.least[rows, None], out=cost)
            if math.isinf(self.slope):
                yield rows, np.where(block > 0, -np.inf, 0.0)
            elif self.slope == 0:
                yield rows, np.where(np.isinf(block), -np.inf, 0.0)
            else:
                block *= -self.slope
                yield rows, block

    def sweep(self, q: Floats) -> Sweep:
        """Return value, gradient, distortion and bracket at weights `q` (m,), which sum to 1."""
        support = np.flatnonzero(q)
        weights, p = q[support], self.problem.p
        value, excess, shift, c = 0.0, 0.0, 0.0, np.zeros(len(q))
        whole = len(support) == len(q)
        for rows, each in self.exponents():
            exponent = each
            near = exponent if whole else exponent[:, support]
            offset = near.max(axis=1)
            # A row whose nearest weighted reproduction is far below the others would lose its Z to underflow.
            if offset.min() < _UNDERFLOW:
                kernel = np.exp(near - offset[:, None])
                z = kernel @ weights
                log_z = np.log(z) + offset
                excess += p[rows] @ (_xexp(near, kernel) @ weights / z)
                exponent -= log_z[:, None]
                rise = max(shift, float(exponent.max()))
                c = c * math.exp(shift - rise) + p[rows] @ np.exp(exponent - rise)
                shift = rise
            else:
                np.putmask(exponent, exponent < _NOTHING, -np.inf)
                kernel = np.exp(exponent)
                inner = kernel if whole else kernel[:, support]
                z = inner @ weights
                log_z = np.log(z)
                excess += p[rows] @ (_xexp(near, inner) @ weights / z)
                c += math.exp(-shift) * ((p[rows] / z) @ kernel)
            value -= p[rows] @ log_z
        with np.errstate(divide="ignore"):
            log_c = np.log(c) + shift
        used = log_c[support]
        moved = weights * np.exp(used)
        achieved = float(moved[moved > 0] @ used[moved > 0])
        distortion = self._distortion(q, -float(excess))
        return Sweep(float(value), log_c, distortion, float(value - log_c.max()), float(value - achieved))

    def _distortion(self, q: Floats, nats: float) -> float:
        if math.isinf(self.slope):
            return 0.0
        if self.slope > 0:
            return nats / self.slope
        mean = 0.0  # at slope 0 a channel ignores costs that are finite
        for rows, block in self.problem.blocks():
            allowed = np.isfinite(block)
            mean += float(self.problem.p[rows] @ ((np.where(allowed, block, 0.0) @ q) / (allowed @ q)))
        return mean - self.problem.least_distortion


def _xexp(exponent: Floats, kernel: Floats) -> Floats:
    """Return x e^x with 0 for x = -∞."""
    product = exponent * kernel if np.isfinite(exponent.min()) else np.where(kernel > 0, exponent, 0.0) * kernel
    return np.asarray(product)
