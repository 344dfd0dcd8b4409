"""One point of R(D) at a slope, a distortion or a rate, or a curve of them, each between two bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory.blahut_arimoto.fixed_support import Minimum, minimise
from zador.theory.blahut_arimoto.lagrangian import Problem
from zador.theory.blahut_arimoto.pair_costs import as_pair_costs
from zador.theory.blahut_arimoto.slope_search import Found, search
from zador.theory.blahut_arimoto.solution import Solution
from zador.units import to_bits, to_nats
from zador.validation import as_count, as_matrix, check_finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["curve", "solve"]

_SUM = 1e-6
_LEAST_TOLERANCE = 1e-13


def solve(
    p: Any,
    distortion: Any,
    *,
    slope: float | None = None,
    target_distortion: float | None = None,
    target_rate: float | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
) -> Solution:
    """Return R(D) between `-s D - Σ p ln Z - max ln c` and `-s D - Σ p ln Z - Σ q c ln c`, at one slope, distortion or rate.

    Each pass computes c for all reproductions and so both bounds. Between passes an interior-point method finds the best
    weights on the reproductions that matter, because plain Blahut–Arimoto steps `q <- q c` take thousands of passes to
    empty a reproduction. Memory beside `distortion` is a few blocks of 8 MB and, if k reproductions are looked at together,
    8 n k + 32 k² bytes (24 n k + 16 n² where k > n). In the plane k is 1000 to 2500 of 5000 points from 0.5 to 8 bits.

    Args:
        p: (n,) probabilities of the source symbols; zeros are fine.
        distortion: (n, m) costs at least 0, `inf` for a forbidden pair; or an object that hands out rows of costs, such as
            `zador.theory.blahut_arimoto.SquaredError(points, reproductions)`.
        slope: s = -dR/dD in bits per unit of distortion, at least 0; `inf` for the least distortion.
        target_distortion: solve for R at this distortion. From the greatest useful distortion on (that of the best single
            reproduction) the rate is 0 and the distortion reported is that one.
        target_rate: solve for the distortion at this rate, in bits. Above the rate of the least distortion, that point is
            returned and `note` says so.
        tolerance: width of the bracket in bits at which to stop.
        max_iterations: most passes over all pairs, for each slope tried.

    Returns:
        Both bounds, the distortion, slope and weights; `converged` says whether the bracket is as narrow as asked.

    Raises:
        UsageError: not exactly one target, a target that is negative or NaN, or a distortion that no channel achieves.
        DataError: `p` is no distribution, shapes do not match, a cost is negative, or a symbol has no allowed reproduction.
        NonFiniteError: NaN among costs or probabilities.

    >>> coin = solve([0.5, 0.5], [[0, 1], [1, 0]], target_distortion=0.11)      # R = 1 - h(D)
    >>> print(f"{coin.rate_lower:.5f} <= R <= {coin.rate_upper:.5f}")
    0.50008 <= R <= 0.50008
    """
    problem, nats = _problem(p, distortion), _tolerance(tolerance)
    sweeps = as_count(max_iterations, "max_iterations")
    kind, asked = _target(slope=slope, target_distortion=target_distortion, target_rate=target_rate)
    if kind == "slope":
        return _at_slope(problem, minimise(problem, to_nats(asked), nats, sweeps))
    return _at_target(problem, nats, sweeps, kind, asked)


def _at_target(problem: Problem, nats: float, sweeps: int, kind: str, asked: float) -> Solution:
    if kind == "target_rate":
        found = search(problem, nats, sweeps, rate=to_nats(asked))
        note = "more rate than the least distortion needs" if found.beyond else ""
        if found.slope == 0 and found.lower > to_nats(asked) + nats:
            least = to_bits(found.lower)
            raise UsageError(f"target_rate: the forbidden pairs need at least {least:.6g} bits, asked for {asked:.6g}")
    else:
        excess = asked - problem.least_distortion
        if excess < -1e-12 * max(abs(problem.least_distortion), abs(asked)):
            raise UsageError(
                f"target_distortion: no channel goes below {problem.least_distortion:.6g}, asked for {asked:.6g}; "
                "there R is infinite. Ask for more, or allow more reproductions"
            )
        found = search(problem, nats, sweeps, distortion=max(excess, 0.0))
        note = "no larger distortion lowers the rate" if found.beyond else ""
    return Solution(
        to_bits(found.lower),
        to_bits(found.upper),
        problem.least_distortion + found.distortion,
        to_bits(found.slope),
        found.q,
        found.sweeps,
        np.array(found.history).reshape(-1, 2) / math.log(2),
        found.converged,
        _note(problem, found, note),
    )


def curve(
    p: Any, distortion: Any, slopes: Iterable[float], *, tolerance: float = 1e-6, max_iterations: int = 1000
) -> list[Solution]:
    """Return the solutions at many slopes, steepest last, each started from the weights of the one before.

    Args:
        p: (n,) probabilities of the source symbols.
        distortion: (n, m) costs, or an object that hands out rows of costs.
        slopes: values of s in bits per unit of distortion, at least 0, in any order.
        tolerance: width of each bracket in bits at which to stop.
        max_iterations: most passes over all pairs, for each slope.

    Returns:
        One solution a slope, in ascending order of slope: descending distortion, ascending rate.

    Raises:
        UsageError: a slope is negative or NaN.
        DataError: see `solve`.

    >>> [round(s.rate_upper, 3) for s in curve([0.5, 0.5], [[0, 1], [1, 0]], [0, 1, 3, 9])]
    [0.0, 0.082, 0.497, 0.98]
    """
    problem = _problem(p, distortion)
    nats, sweeps = _tolerance(tolerance), as_count(max_iterations, "max_iterations")
    solutions: list[Solution] = []
    start: Floats | None = None
    for slope in sorted(_target(slope=slope, target_distortion=None, target_rate=None)[1] for slope in slopes):
        found = minimise(problem, to_nats(slope), nats, sweeps, None if math.isinf(slope) else start)
        solutions.append(_at_slope(problem, found))
        start = None if found.slope == 0 else found.q
    return solutions


def _at_slope(problem: Problem, found: Minimum) -> Solution:
    offset = 0.0 if math.isinf(found.slope) else found.slope * problem.least_distortion
    return Solution(
        to_bits(found.lower_at(found.distortion)),
        to_bits(found.rate),
        problem.least_distortion + found.distortion,
        to_bits(found.slope),
        found.q,
        len(found.history),
        (np.array(found.history) + offset) / math.log(2),
        found.converged,
        _note(problem, found),
    )


def _note(problem: Problem, found: Minimum | Found, first: str = "") -> str:
    notes = [first]
    if found.distortion >= problem.greatest_distortion - problem.least_distortion:
        notes.append("rate zero: the best single reproduction")
    elif math.isinf(found.slope) and not first:
        notes.append("least distortion")
    if not found.converged:
        notes.append("bracket wider than the tolerance: budget spent")
    return "; ".join(filter(None, notes))


def _problem(p: Any, distortion: Any) -> Problem:
    costs = as_pair_costs(distortion)
    if np.ndim(p) != 1:
        raise DataError(f"p: expected a vector of probabilities, got shape {np.shape(p)}")
    source = as_matrix(np.asarray(p)[None], "p")[0].astype(np.float64)
    check_finite(source[:, None], "p")
    if len(source) != costs.shape[0]:
        raise DataError(f"p: expected {costs.shape[0]} probabilities, one a row of the costs, got {len(source)}")
    if source.min() < 0 or abs(source.sum() - 1) > _SUM:
        raise DataError(
            f"p: expected probabilities that sum to 1, got a least of {source.min():.6g} and a sum of {source.sum():.6g}; "
            "divide by the sum"
        )
    return Problem(source, costs)


def _tolerance(bits: float) -> float:
    if not bits >= _LEAST_TOLERANCE:
        raise UsageError(f"tolerance: expected at least {_LEAST_TOLERANCE} bits, below which rounding decides, got {bits!r}")
    return to_nats(bits)


def _target(**targets: float | None) -> tuple[str, float]:
    given = {name: value for name, value in targets.items() if value is not None}
    if len(given) != 1:
        got = ", ".join(given) or "none"
        raise UsageError(f"pass exactly one of slope, target_distortion and target_rate, got {got}")
    name, value = next(iter(given.items()))
    if not value >= 0:
        raise UsageError(f"{name}: expected a number of at least 0, got {value!r}")
    return name, float(value)
