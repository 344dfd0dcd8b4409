"""The least Lagrangian over the weights of given reproductions: Blahut–Arimoto sweeps, sped up by an interior point.

A sweep looks at all pairs and yields the certificate. Between sweeps an interior point finds the best weights on a working
set of reproductions, usually a few hundred; the next sweep names the reproductions with c > 1 that are missing from it.
The first working set is a net: wherever a source symbol is, something near is in it, as many as the slope asks for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.theory.blahut_arimoto.interior_point import best_weights, relative_kernel
from zador.theory.blahut_arimoto.lagrangian import Lagrangian, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

__all__ = ["Minimum", "minimise"]

_SMALL = 600  # so few reproductions are all in the working set
_SWEEPS_FIRST = 6
_AT_FIRST = 400
_MIXED_IN = 1e-3
_LEAVING, _LITTLE = 0.01, 1e-3
_NEARLY = 1.5  # nats


@dataclass(frozen=True)
class Minimum:
    """Weights, the bracket of the least Lagrangian, and the point of the plane they achieve; nats, relative distortion.

    Attributes:
        slope: s, in nats per unit of distortion.
        q: (m,) weights, summing to 1.
        distortion: what the channel made of them achieves, above the least possible distortion.
        rate: the mutual information of that channel, or an upper bound on it, in nats.
        lower: no rate at any distortion d is below `lower - s d`, in nats.
        history: brackets of the least Lagrangian after each sweep, in nats, each inside the one before.
        converged: whether the bracket is as narrow as asked.
    """

    slope: float
    q: Floats
    distortion: float
    rate: float
    lower: float
    history: tuple[tuple[float, float], ...]
    converged: bool

    def lower_at(self, distortion: float) -> float:
        """Return the lower bound on the rate at a relative distortion, in nats."""
        if math.isinf(self.slope):
            return self.lower if distortion <= 0 else 0.0
        return max(self.lower - self.slope * distortion, 0.0)


def minimise(problem: Problem, slope: float, tolerance: float, sweeps: int, start: Floats | None = None) -> Minimum:
    """Return the weights whose Lagrangian is within `tolerance` of the least, and the bracket that proves it.

    Args:
        problem: source and costs.
        slope: s >= 0 in nats per unit of distortion; infinite for the least distortion.
        tolerance: width of the bracket at which to stop, in nats.
        sweeps: most passes over all pairs.
        start: (m,) weights to begin with; uniform by default.
    """
    if slope == 0 and math.isfinite(problem.greatest_distortion):
        return _zero_rate(problem)
    lagrangian = Lagrangian(problem, slope)
    q = np.full(problem.size, 1.0 / problem.size) if start is None else start
    history: list[tuple[float, float]] = []
    lower, upper, before, best = -math.inf, math.inf, math.inf, None
    for count in range(sweeps):
        sweep = lagrangian.sweep(q)
        lower = max(lower, sweep.lower)
        if best is None or sweep.upper < upper:
            best, upper = (q, sweep), min(upper, sweep.upper)
        history.append((lower, max(lower, upper)))
        if upper - lower <= tolerance:
            break
        # As the working set grows, weights on it improve from pass to pass; if not, rounding has won: step from the best.
        plain = start is None and count < (1 if problem.size <= _SMALL else _SWEEPS_FIRST)
        if plain or sweep.upper >= before:
            before = math.inf
            q = best[0] * np.exp(best[1].log_c)
            q /= q.sum()
        else:
            before = math.inf if np.count_nonzero(q) == len(q) else sweep.upper
            q = _refined(lagrangian, q, sweep.log_c, tolerance)
    assert best is not None  # noqa: S101 - at least one sweep
    q, sweep = best
    paid = 0.0 if math.isinf(slope) else slope * sweep.distortion
    rate = max(sweep.upper - paid, lower - paid, 0.0)  # rounding may cross a closed bracket
    return Minimum(slope, q, sweep.distortion, rate, lower, tuple(history), upper - lower <= tolerance)


def _zero_rate(problem: Problem) -> Minimum:
    q = np.zeros(problem.size)
    q[problem.best_single] = 1.0
    return Minimum(0.0, q, problem.greatest_distortion - problem.least_distortion, 0.0, 0.0, ((0.0, 0.0),), converged=True)


def _refined(lagrangian: Lagrangian, q: Floats, log_c: Floats, tolerance: float) -> Floats:
    """Return the best weights on a working set that holds the support of q and what is missing from it."""
    problem = lagrangian.problem
    if problem.size <= _SMALL:
        working = np.arange(problem.size)
    else:
        # What has little weight and c well below 1 is on its way out; if it is not, the next sweep names it again.
        kept = np.flatnonzero((q > 0) & ((log_c > -_LEAVING) | (q > _LITTLE / problem.size)))
        with np.errstate(divide="ignore"):
            wanted = np.where(q > 0, np.log(q), 0.0) + log_c
        if np.count_nonzero(q) == problem.size:  # nothing is known yet: ask each source symbol
            working = _covering(lagrangian, wanted)
        else:
            missing = np.flatnonzero(log_c > 0.25 * tolerance)
            liked, _ = _liked(lagrangian, missing, wanted)
            working = np.union1d(kept, _most_liked(liked, problem.p, max(_AT_FIRST // 2, len(kept))))
    kernel = np.empty((len(problem.p), len(working)))
    for rows, exponent in lagrangian.exponents(working):
        kernel[rows] = relative_kernel(exponent)
    begin = q[working] * np.exp(np.minimum(log_c[working], 1.0))
    begin = (1 - _MIXED_IN) * begin / max(begin.sum(), 1e-300) + _MIXED_IN / len(working)
    weights = best_weights(kernel, problem.p, begin, 0.1 * tolerance)
    result = np.zeros(problem.size)
    result[working] = weights
    return result


def _covering(lagrangian: Lagrangian, score: Floats) -> Indices:
    """Return reproductions among which each source symbol finds one nearly as good for it as its best.

    A symbol far from all of them would have next to no Z: a hopeless start for the interior point, and 1e100 its c.
    """
    p, working = lagrangian.problem.p, np.empty(0, np.intp)
    liked, best = _liked(lagrangian, np.arange(len(score)), score)
    left = np.ones(len(p), bool)
    while left.any():
        more = _most_liked(liked[left], p[left], _AT_FIRST)
        working = np.union1d(working, more)
        for rows, exponent in lagrangian.exponents(more):
            left[rows] &= (exponent + score[more]).max(axis=1) < best[rows] - _NEARLY
    return working


def _liked(lagrangian: Lagrangian, candidates: Indices, score: Floats) -> tuple[Indices, Floats]:
    """Return which candidate has the largest `score - s d` for each source symbol, and that value; nothing of nothing."""
    if not len(candidates):
        return candidates, np.empty(0)
    liked, best = np.empty(len(lagrangian.problem.p), np.intp), np.empty(len(lagrangian.problem.p))
    for rows, exponent in lagrangian.exponents(candidates):
        value = exponent + score[candidates]
        first = value.argmax(axis=1)
        liked[rows], best[rows] = candidates[first], value[np.arange(len(first)), first]
    return liked, best


def _most_liked(liked: Indices, p: Floats, most: int) -> Indices:
    """Return the reproductions in `liked`, those with most probability of symbols first: one or two for each bump of c."""
    named, where = np.unique(liked, return_inverse=True)
    return named[np.argsort(-np.bincount(where, p[: len(liked)]), kind="stable")[:most]]
