"""Rate–distortion functions of finite sources, between two bounds that are certain: Blahut–Arimoto with certificates.

    R(D) = min I(X; Y)   over channels p(y | x) with E d(X, Y) <= D

For a slope s = -dR/dD the best channel is q_j exp(-s d_ij) / Z_i, and any weights q of the reproductions give both an upper
and a lower bound on R at the distortion that they achieve (`zador.theory.lagrangian`). The solver stops on the distance of
the two bounds and on nothing else. Sources: blahut1972computation, arimoto1972algorithm, csiszar1974computation.

Convention: rates in bits, so that the slope is in bits per unit of distortion. Books that write exp(-s d) mean nats:
s_nats = s_bits ln 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory.fixed_support import Minimum, minimise
from zador.theory.lagrangian import Problem
from zador.theory.pair_costs import as_pair_costs
from zador.theory.rate_point import RatePoint
from zador.theory.slope_search import Found, search
from zador.units import to_bits, to_nats
from zador.validation import as_count, as_matrix, check_finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Solution", "curve", "solve"]

_SUM = 1e-6
_LEAST_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Solution:
    """A point of the rate–distortion function and the two bounds that enclose it.

    Attributes:
        rate_lower: bits per symbol; R(distortion) is not below this.
        rate_upper: bits per symbol; a channel of this rate achieves `distortion`.
        distortion: mean cost of that channel, in units of the cost.
        slope: -dR/dD in bits per unit of distortion, to which the weights belong; 0 at rate zero, infinite at the least
            distortion.
        weights: (m,) probabilities q of the reproductions. The channel is q_j 2^(-slope d_ij) / Z_i; for a target between
            two slopes that were tried it is a mixture of two such channels, and q that of their q.
        iterations: passes over all pairs.
        history: (t, 2) brackets in bits as they narrowed, each inside the one before: of min R + slope D after each pass if
            a slope was asked for, of R(distortion) after each slope tried when a distortion was; for a rate, after each
            slope tried, at the distortion then reached.
        converged: whether the bracket is as narrow as `tolerance`; if not, it is true all the same, only wider.
        note: what was special: rate zero, least distortion, budget spent; empty otherwise.
    """

    rate_lower: float
    rate_upper: float
    distortion: float
    slope: float
    weights: Floats
    iterations: int
    history: Floats
    converged: bool
    note: str = ""

    @property
    def gap(self) -> float:
        """Distance of the two bounds, in bits."""
        return self.rate_upper - self.rate_lower

    @property
    def point(self) -> RatePoint:
        """The achieved end of the bracket."""
        return RatePoint(self.rate_upper, self.distortion, "Blahut–Arimoto, upper bound")

    def __str__(self) -> str:
        """Return the bracket in words, with its units."""
        note = f" ({self.note})" if self.note else ""
        return f"{self.rate_lower:.6g} <= R({self.distortion:.6g}) <= {self.rate_upper:.6g} bits{note}"


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
    16 n k + 16 k² bytes; k is at most some 1.5 times as many as end with weight (1000 to 2000 of 5000 points in the plane).

    Args:
        p: (n,) probabilities of the source symbols; zeros are fine.
        distortion: (n, m) costs at least 0, `inf` for a forbidden pair; or an object that hands out rows of costs, such as
            `zador.theory.pair_costs.SquaredError(points, reproductions)`.
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
