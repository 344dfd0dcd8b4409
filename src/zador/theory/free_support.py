"""The least Lagrangian over all reproduction laws in space, for squared error: a Gaussian mixture fitted by likelihood.

    L(ν) = -Σ_i p_i ln ∫ exp(-s |x_i - y|²) ν(dy)

is, up to a constant, the negative log-likelihood of points x under ν blurred by Gaussian noise of variance 1 / (2 s), so the
best ν is the nonparametric maximum-likelihood estimate of a mixing law; it has at most n atoms (lindsay1983geometry). Atoms
move to the modes of c, an interior point sets their weights, and

    L(ν) - ln sup_y c(y)  <=  min L  <=  L(ν)

tells how far from the least the result is: a proof where the supremum is proven, an estimate where it was only searched for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.theory.blahut_arimoto.interior_point import best_weights, relative_kernel
from zador.theory.bumps import Bumps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Law", "fit_law"]

_BLOCK = 1 << 20
_STARTS = 512
_STEPS = 12
_NEW_ATOMS = 128
_APART = 0.05  # of the width of a bump: atoms nearer than this are one
_MIXED_IN = 0.02
PROVABLE_DIM = 3


@dataclass(frozen=True)
class Law:
    """A discrete law of the reproduction and the bracket of the Lagrangian that it was fitted to; nats.

    Attributes:
        atoms: (k, d) where it has mass.
        weights: (k,) how much, summing to 1.
        slope: s in nats per unit of squared error, summed over coordinates.
        value: L(ν) of the points it was fitted to.
        log_supremum: ln sup_y c(y), or a bound on it from above if `certified`, else the largest value found.
        certified: whether no y has a larger c: proven by branch and bound, in up to 3 dimensions.
        distortion: squared error of the channel that ν makes, on the points it was fitted to.
        rate: an upper bound on the mutual information of that channel, on those points.
    """

    atoms: Floats
    weights: Floats
    slope: float
    value: float
    log_supremum: float
    certified: bool
    distortion: float
    rate: float

    @property
    def lower(self) -> float:
        """`L(ν) - ln sup c`, which no law goes below if `certified`, in nats."""
        return self.value - self.log_supremum

    def evaluate(self, points: Floats) -> tuple[Floats, Floats]:
        """Return (-ln Z, squared error of its channel) of each point (n, d), blockwise."""
        minus_log_z, errors = np.empty(len(points)), np.empty(len(points))
        log_weights = np.log(self.weights) - self.slope * np.einsum("kd,kd->k", self.atoms, self.atoms)
        step = max(1, _BLOCK // len(self.atoms))
        lengths = np.einsum("kd,kd->k", self.atoms, self.atoms)
        for start in range(0, len(points), step):
            x = points[start : start + step]
            products = x @ self.atoms.T
            exponent = 2 * self.slope * products + log_weights
            top = exponent.max(axis=1, keepdims=True)
            kernel = np.exp(exponent - top)
            total = kernel.sum(axis=1)
            square = np.einsum("id,id->i", x, x)
            minus_log_z[start : start + step] = self.slope * square - np.log(total) - top[:, 0]
            mean = np.einsum("ik,ik->i", kernel, lengths - 2 * products) / total
            errors[start : start + step] = np.maximum(square + mean, 0.0)
        return minus_log_z, errors


def fit_law(
    points: Floats, p: Floats, slope: float, *, tolerance: float, start: Floats, rounds: int = 30, budget: float = 1e9
) -> Law:
    """Return the law whose Lagrangian is within `tolerance` of the least over all laws, or the best after `rounds` rounds.

    Args:
        points: (n, d) source points.
        p: (n,) their probabilities, positive, summing to 1.
        slope: s > 0 in nats per unit of squared error.
        tolerance: on `ln sup c`, in nats.
        start: (k, d) first atoms; c is also searched from here.
        rounds: most rounds of weights, modes, new atoms.
        budget: most pairs of points to look at for a proof of the supremum; 0 asks for none.
    """
    width = 1.0 / math.sqrt(2 * slope)
    atoms, weights = start, np.full(len(start), 1.0 / len(start))
    places = _between(start) if start.shape[1] == 1 else start
    best: Law | None = None
    for _ in range(rounds):
        weights = best_weights(*_kernel(points, p, slope, atoms, weights), 0.25 * tolerance)
        atoms, weights = atoms[weights > 0], weights[weights > 0]
        law, bumps = _measured(points, p, slope, atoms, weights)
        modes, heights = _modes(bumps, np.unique(np.concatenate([atoms, places]), axis=0))
        highest = max(law.log_supremum, float(heights.max()))
        law = _with_supremum(law, highest, certified=False)
        if best is None or law.lower > best.lower:
            best, judged = law, bumps
        if highest <= 0.5 * tolerance:
            break
        new = _apart(modes[heights > 0.25 * tolerance], heights[heights > 0.25 * tolerance], _APART * width)
        atoms, weights = np.concatenate([atoms, new]), np.concatenate([weights, np.zeros(len(new))])
    assert best is not None  # noqa: S101 - at least one round
    if budget <= 0 or points.shape[1] > PROVABLE_DIM:
        return best
    _, bound = judged.supremum(0.5 * tolerance, budget, best.log_supremum)
    return _with_supremum(best, bound, certified=True)


def _kernel(points: Floats, p: Floats, slope: float, atoms: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return kernel with row maxima 1, probabilities, and weights to begin with."""
    exponent = points @ (2 * slope * atoms.T)
    exponent -= slope * np.einsum("kd,kd->k", atoms, atoms)
    return relative_kernel(exponent), p, (1 - _MIXED_IN) * weights + _MIXED_IN / len(atoms)


def _measured(points: Floats, p: Floats, slope: float, atoms: Floats, weights: Floats) -> tuple[Law, Bumps]:
    law = Law(atoms, weights, slope, 0.0, 0.0, False, 0.0, 0.0)
    minus_log_z, errors = law.evaluate(points)
    bumps = Bumps(points, np.log(p) + minus_log_z, slope)
    log_c = bumps.log_c(atoms)
    value, distortion = float(p @ minus_log_z), float(p @ errors)
    rate = max(value - float((weights * np.exp(log_c)) @ log_c) - slope * distortion, 0.0)
    return Law(atoms, weights, slope, value, float(log_c.max()), False, distortion, rate), bumps


def _with_supremum(law: Law, value: float, *, certified: bool) -> Law:
    return Law(law.atoms, law.weights, law.slope, law.value, value, certified, law.distortion, law.rate)


def _modes(bumps: Bumps, starts: Floats) -> tuple[Floats, Floats]:
    """Return where mean shift leads from the best starts; on the line (sorted) from those above both neighbours."""
    values = bumps.log_c(starts)
    if starts.shape[1] == 1:
        fenced = np.concatenate([[-np.inf], values, [-np.inf]])
        peaks = (values >= fenced[:-2]) & (values >= fenced[2:])
        starts, values = starts[peaks], values[peaks]
    return bumps.climb(starts[np.argsort(-values)[:_STARTS]], _STEPS)


def _between(start: Floats) -> Floats:
    """Return points on the line and three more between any two: where c is flat, mean shift is too slow to get there."""
    line = np.sort(start[:, 0])
    return np.interp(np.arange(4 * len(line) - 3) / 4, np.arange(len(line)), line)[:, None]


def _apart(modes: Floats, heights: Floats, distance: float) -> Floats:
    """Return the highest modes that keep a distance from each other."""
    chosen: list[Floats] = []
    for mode in modes[np.argsort(-heights)]:
        if len(chosen) == _NEW_ATOMS:
            break
        if not chosen or np.sqrt(((np.array(chosen) - mode) ** 2).sum(axis=1)).min() > distance:
            chosen.append(mode)
    return np.array(chosen).reshape(-1, modes.shape[1])
