"""Integrals over a density's support: panels between its quantiles and far into the tails, halved where they are rough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]

__all__ = ["RunningIntegral", "log_odds_grid"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PANELS = 1024
_ROUNDS = 60
_DOUBLINGS = 64
_ABSOLUTE, _RELATIVE = 1e-16, 1e-13
_MOST_ROUGH = 4 * _PANELS


def log_odds_grid(ppf: Function) -> NDArray[np.float64]:
    """Return quantiles at evenly spaced log-odds between -20 and 20: as fine in both tails as in the middle.

    >>> import scipy.stats
    >>> bool(log_odds_grid(scipy.stats.norm.ppf)[0] < -5.8)
    True
    """
    return np.unique(ppf(expit(np.linspace(-20.0, 20.0, _PANELS + 1))))


class RunningIntegral:
    """Callable x -> ∫_{-∞}^x f(u) du by Gauss-Legendre panels, for an f that lives where a density does.

    Panels are halved until halving changes nothing, so that a kink or a jump ends up in a tiny one. The tails beyond the
    quantiles 2e-9 and 1 - 2e-9 get panels that double in width, or that close in on a finite end.

    Args:
        function: f, finite inside the support.
        ppf: quantile function of the density.
        total: ∫ f when it is known better than panels would; None adds them up.
        doublings: number of tail panels; f may fall as slowly as a power of |x|, whose integral takes hundreds.

    Attributes:
        knots: (n + 1,) ends of the panels.
        pieces: (n,) integral over each.
        total: ∫ f.

    Raises:
        DataError: f is not finite at some point.
    """

    def __init__(
        self, function: Function, ppf: Function, *, total: float | None = None, doublings: int = _DOUBLINGS
    ) -> None:
        self._function = function
        self.knots = self._refined(_with_tails(log_odds_grid(ppf), ppf, doublings))
        self.pieces = self._integrate(self.knots[:-1], self.knots[1:])
        self.total = float(self.pieces.sum()) if total is None else total
        from_left = np.concatenate([[0.0], np.cumsum(self.pieces)])
        from_right = np.concatenate([np.cumsum(self.pieces[::-1])[::-1], [0.0]])
        # Each half is summed from its own end, where the terms are smallest.
        self._table = np.where(self.knots <= 0, from_left, self.total - from_right)

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∫_{-∞}^x f(u) du for each x."""
        inside = np.clip(x, self.knots[0], self.knots[-1])
        knot = np.searchsorted(self.knots, inside, side="right") - 1
        return np.asarray(self._table[knot] + self._integrate(self.knots[knot], inside))

    def _integrate(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        half = 0.5 * (right - left)
        x = (0.5 * (left + right))[:, None] + half[:, None] * _NODES
        values = self._function(x)
        if not np.isfinite(values).all():
            raise DataError("density: its pdf is infinite or NaN inside the support; pass a bounded density")
        return np.asarray(half * (values @ _WEIGHTS))

    def _refined(self, knots: NDArray[np.float64]) -> NDArray[np.float64]:
        left, right, done = knots[:-1], knots[1:], [knots]
        for _ in range(_ROUNDS):
            middle = 0.5 * (left + right)
            whole = self._integrate(left, right)
            halves = self._integrate(left, middle) + self._integrate(middle, right)
            rough = np.abs(whole - halves) > _ABSOLUTE + _RELATIVE * np.abs(whole)
            rough &= (left < middle) & (middle < right)
            if not rough.any() or rough.sum() > _MOST_ROUGH:  # that many are not kinks but a noisy pdf
                break
            left, middle, right = left[rough], middle[rough], right[rough]
            done.append(middle)
            left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        return np.unique(np.concatenate(done))


def _with_tails(grid: NDArray[np.float64], ppf: Function, doublings: int) -> NDArray[np.float64]:
    ends = ppf(np.array([0.0, 1.0]))
    growth = 2.0 ** np.arange(doublings)
    left = grid[0] - (growth if np.isinf(ends[0]) else (grid[0] - ends[0]) * (1 - 0.5 / growth))
    right = grid[-1] + (growth if np.isinf(ends[1]) else (ends[1] - grid[-1]) * (1 - 0.5 / growth))
    return np.unique(np.concatenate([left, grid, right, ends[np.isfinite(ends)]]))
