"""The point of a convex rate–distortion curve at a given distortion or rate, by trying slopes.

Each slope yields an achieved point, an end of a chord above the curve, and a line below it. The point asked for lies between
the chord and the lines. The search ends when those are close enough, which happens also where the curve is straight and a
single slope stands for a whole interval of distortions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.theory.blahut_arimoto.fixed_support import Minimum, minimise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.blahut_arimoto.lagrangian import Problem

    Floats = NDArray[np.float64]

__all__ = ["Found", "search"]

_TRIES = 80
_EXPANSIONS = 25
_FACTOR = 4.0


@dataclass(frozen=True)
class Found:
    """Where the search ended; nats, distortion above the least possible.

    Attributes:
        lower: R is not below this at `distortion`.
        upper: achieved at `distortion`.
        distortion: the distortion asked for, or the one reached at the rate asked for.
        slope: the slope of the curve there.
        q: (m,) weights of the mixture of channels that achieves it.
        sweeps: passes over all pairs, over all slopes.
        history: the bracket of the rate after each slope tried.
        converged: whether it is as narrow as asked.
        beyond: whether the target lies beyond the curve, whose end this is.
    """

    lower: float
    upper: float
    distortion: float
    slope: float
    q: Floats
    sweeps: int
    history: tuple[tuple[float, float], ...]
    converged: bool
    beyond: bool = False


def search(
    problem: Problem, tolerance: float, sweeps: int, *, distortion: float | None = None, rate: float | None = None
) -> Found:
    """Return the point of the curve at a relative `distortion`, or at a `rate` in nats, within `tolerance` nats of rate."""
    return _Search(problem, tolerance, sweeps, distortion, rate).run()


class _Search:
    def __init__(
        self, problem: Problem, tolerance: float, sweeps: int, distortion: float | None, rate: float | None
    ) -> None:
        self.problem, self.tolerance, self.sweeps = problem, tolerance, sweeps
        self.distortion, self.rate = distortion, rate
        self.used = 0
        self.lines: list[Minimum] = []
        self.history: list[tuple[float, float]] = []
        self.low = self.tried(0.0)  # of the ends of the chord the one at the lower rate

    def tried(self, slope: float, start: Floats | None = None) -> Minimum:
        found = minimise(self.problem, slope, 0.25 * self.tolerance, self.sweeps, start)
        self.used += len(found.history)
        self.lines.append(found)
        return found

    def run(self) -> Found:
        if not self.above(self.low):
            return self.end(self.low, beyond=self.distortion is not None and self.distortion > self.low.distortion)
        high = self.bracketed()
        if math.isinf(high.slope) and self.above(high):
            return self.end(high, beyond=self.rate is not None and self.rate > high.rate)
        width = math.inf
        for attempt in range(_TRIES):
            found = self.between(high)
            if found.converged:
                return found
            # Interpolation is fast where the curve is smooth, the slope of the chord exact where it is straight.
            chord = (high.rate - self.low.rate) / (self.low.distortion - high.distortion)
            slow = found.upper - found.lower > 0.3 * width or attempt % 3 == 2  # noqa: PLR2004 - one in three
            width = found.upper - found.lower
            slope = chord if slow else self.interpolated(high, chord)
            tried = self.tried(slope, high.q if math.isfinite(high.slope) else None)
            if self.above(tried):
                self.low = tried
            else:
                high = tried
        return self.between(high)

    def above(self, at: Minimum) -> bool:
        """Return whether the target asks for more rate than this point has."""
        return at.distortion > self.distortion if self.distortion is not None else at.rate < (self.rate or 0.0)

    def bracketed(self) -> Minimum:
        span = self.problem.greatest_distortion - self.problem.least_distortion
        if self.distortion == 0:
            return self.tried(math.inf)
        slope = 0.5 / self.distortion if self.distortion else 2.0 / span
        start = None
        for _ in range(_EXPANSIONS):
            found = self.tried(slope, start)
            if not self.above(found):
                return found
            self.low, slope, start = found, slope * _FACTOR, found.q if found.rate > 0 else None
        return self.tried(math.inf)

    def interpolated(self, high: Minimum, chord: float) -> float:
        low, slopes = self.low, (self.low.slope, high.slope)
        if slopes[0] <= 0 or math.isinf(slopes[1]) or high.distortion <= 0:
            return chord
        if self.distortion is not None:
            share = math.log(self.distortion / low.distortion) / math.log(high.distortion / low.distortion)
        else:
            share = ((self.rate or 0.0) - low.rate) / (high.rate - low.rate)
        return math.exp((1 - share) * math.log(slopes[0]) + share * math.log(slopes[1]))

    def between(self, high: Minimum) -> Found:
        low = self.low
        if self.distortion is not None:
            share = (low.distortion - self.distortion) / (low.distortion - high.distortion)
            distortion = self.distortion
        else:
            share = ((self.rate or 0.0) - low.rate) / (high.rate - low.rate)
            distortion = low.distortion + share * (high.distortion - low.distortion)
        upper = (1 - share) * low.rate + share * high.rate
        return self.found(distortion, upper, (1 - share) * low.q + share * high.q)

    def found(self, distortion: float, upper: float, q: Floats) -> Found:
        lowers = [line.lower_at(distortion) for line in self.lines]
        best = int(np.argmax(lowers))
        lower = lowers[best]
        upper = max(upper, lower)
        self.history.append((lower, upper))
        done = upper - lower <= self.tolerance
        return Found(lower, upper, distortion, self.lines[best].slope, q, self.used, tuple(self.history), done)

    def end(self, at: Minimum, *, beyond: bool) -> Found:
        self.history.append((at.lower_at(at.distortion), at.rate))
        return Found(*self.history[-1], at.distortion, at.slope, at.q, self.used, tuple(self.history), at.converged, beyond)
