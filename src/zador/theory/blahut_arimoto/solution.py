"""What the solver reports: a point of the rate–distortion function between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.theory.rate_point import RatePoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Solution"]


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
