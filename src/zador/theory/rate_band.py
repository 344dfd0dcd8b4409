"""A band in the plane of distortion and rate that holds the curve of a source: a line below per slope, chords above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.sandwich import Sandwich

    Floats = NDArray[np.float64]

__all__ = ["RateBand"]


@dataclass(frozen=True)
class RateBand:
    """R(D) of a data set with its uncertainty.

    Attributes:
        sandwiches: one a slope, in ascending order of slope.
        zero_rate_distortion: upper confidence limit of the squared error about the mean, from which on the rate is 0.
        confidence: of the statements at each slope.
    """

    sandwiches: tuple[Sandwich, ...]
    zero_rate_distortion: float
    confidence: float

    @property
    def simultaneous_confidence(self) -> float:
        """At least this likely, the whole band holds: 1 - slopes (1 - confidence), by Bonferroni."""
        return max(0.0, 1.0 - len(self.sandwiches) * (1.0 - self.confidence))

    @property
    def certified(self) -> bool:
        """Whether all training optima are proven, or some were searched for in too many dimensions."""
        return all(each.certified for each in self.sandwiches)

    def lower(self, distortion: float) -> float:
        """Return the highest of the lines `L_lower(s) - s D` and 0: R(distortion) in bits is not below it."""
        _check(distortion)
        return max(0.0, *(each.lower - each.slope * distortion for each in self.sandwiches))

    def upper(self, distortion: float) -> float:
        """Return the lowest chord of achieved points at a distortion, in bits; infinite where none was achieved."""
        _check(distortion)
        d = np.array([each.distortion_limit for each in self.sandwiches] + [self.zero_rate_distortion])
        r = np.array([each.rate_limit for each in self.sandwiches] + [0.0])
        left, right = d <= distortion, d > distortion
        if not left.any():
            return float("inf")
        best = float(r[left].min())  # a rate that suffices for less distortion suffices for more
        for a in np.flatnonzero(left):
            shares = (distortion - d[a]) / (d[right] - d[a])
            best = min(best, float(((1 - shares) * r[a] + shares * r[right]).min(initial=best)))
        return best

    def curve(self, points: int = 64) -> NDArray[np.float64]:
        """Return (points, 3) rows of distortion, lower and upper rate in bits, from the least achieved distortion up."""
        if points < 2:  # noqa: PLR2004 - two ends
            raise UsageError(f"points: expected at least 2, got {points!r}")
        least = min(each.distortion_limit for each in self.sandwiches)
        distortions = np.linspace(least, max(self.zero_rate_distortion, least), points)
        return np.array([(d, self.lower(d), self.upper(d)) for d in distortions])

    def __str__(self) -> str:
        """Return a line a slope: distortion, and what its rate lies between."""
        rows = [
            f"{each.distortion_limit:.6g}: {self.lower(each.distortion_limit):.4f} <= R <= "
            f"{self.upper(each.distortion_limit):.4f} bits"
            for each in self.sandwiches
        ]
        proven = "training optima proven" if self.certified else "training optima searched for, not proven"
        return "\n".join([f"confidence {self.confidence:g} a slope; {proven}", *rows])


def _check(distortion: float) -> None:
    if not distortion >= 0:
        raise UsageError(f"distortion: expected a number of at least 0, got {distortion!r}")
