"""A codebook for an entropy coder with so many bits to spend: the multiplier of ECVQ, found as it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.learn.entropy_constrained import (
    EntropyConstrainedInfo,
    EntropyConstrainedResult,
    EntropyConstrainedState,
    assign,
    move,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BudgetState", "EntropyBudget"]

# A step gives up this share of what separates the rate from the shortest index: lengths have to spread before a codebook of
# nearly equal ones can be had for less. Asking for more at once makes codewords vanish that should have moved (at 0.3 and
# half a bit, a sixth of the starts on a line end 3 % too high), or everything collapse onto one index.
_PACE = 0.05
# Codewords that all cost the same are chosen alike at every price: if they are too many, later ones are made dearer.
_EVEN, _TILT = 0.05, 0.1
_TRIALS = 30
_NARROWEST = 1e-4
_STRIDE = 1.5
_FARTHEST = 600.0  # the multiplier stays a float64


_Trial = tuple[float, float]  # log λ and the rate it gave


@dataclass(frozen=True, eq=False)
class BudgetState:
    """What the next step needs.

    Attributes:
        table: codewords (K, d) and lengths (K,).
        multiplier: λ where the search for the next one begins.
    """

    table: EntropyConstrainedState
    multiplier: float


@dataclass(frozen=True)
class EntropyBudget:
    """Minimise D subject to `H <= bits`: entropy-constrained vector quantization with λ chosen anew in every step.

    λ is the least for which `argmin_k ||x - c_k||² + λ l_k` spends the budget, which is found by bisection since the mean
    length falls as λ rises. Codewords and lengths then move as in `EntropyConstrained` [chou1989entropy], after which the
    old assignment still keeps the budget: once the budget is met D does not rise. A run at a fixed λ would have to be
    repeated for every guess of λ, and the entropy where it ends jumps as λ passes values where codewords vanish.

    Attributes:
        bits: rate to spend, bits per vector.
        iterations: most updates.
        tolerance: stop when an update lowers D, at equal rate, by less than this share of it.
        slack: bits per vector that may stay unspent.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 1))
        >>> result = EntropyBudget(bits=1.0).fit(x, start=np.linspace(-3, 3, 15)[:, None], usage=np.ones(15))
        >>> round(result.entropy, 1), round(result.distortion, 1)
        (1.0, 0.3)
    """

    bits: float
    iterations: int = 300
    tolerance: float = 1e-4
    slack: float = 2e-3

    def init(self, codewords: NDArray[Any], usage: NDArray[np.float64]) -> BudgetState:
        """Return the state that starts from `codewords` (K, d), used (K,) times; unused ones are dropped."""
        used = usage > 0
        table = EntropyConstrainedState(codewords[used], np.log2(usage.sum() / usage[used]))
        return BudgetState(self._spread(table), 1.0)

    def step(self, state: BudgetState, x: NDArray[Any]) -> tuple[BudgetState, EntropyConstrainedInfo]:
        """Find λ, assign, move the codewords and their lengths.

        Args:
            state: codewords (K, d), lengths (K,) and the last λ.
            x: (N, d) finite vectors of the same dtype.

        Returns:
            The moved state, and what the assignment to the old codewords looked like.
        """
        info = self._affordable(state, x)
        return BudgetState(self._spread(move(info, x)), info.multiplier), info

    def fit(self, x: NDArray[Any], start: NDArray[Any], usage: NDArray[np.float64]) -> EntropyConstrainedResult:
        """Run from `start` (K, d), used (K,) times, until the tolerance is met or the iterations are used up.

        Args:
            x: (N, d) finite vectors, float32 or float64.
            start: (K, d) finite codewords.
            usage: (K,) weights whose entropy is at least `bits`; below that there is nothing to constrain.
        """
        state = self.init(np.ascontiguousarray(start, x.dtype), usage)
        level = float(x.var(axis=0, dtype=np.float64).mean()) * 2 ** (-2 * self.bits / x.shape[1])
        state = BudgetState(state.table, max(2 * math.log(2) * level, np.finfo(float).tiny))
        moved, info = self.step(state, x)
        history: list[float] = []
        for _ in range(self.iterations):
            if self._budget(state.table) == self.bits:
                # To first order, D at exactly `bits`: what was left unspent counts at its worth.
                history.append(info.distortion + info.multiplier * (info.rate - self.bits))
                if len(history) > 1 and info.rate <= self.bits and history[-2] - history[-1] <= self.tolerance * history[-2]:
                    return EntropyConstrainedResult.of(state.table, info, history, converged=True)
            state = moved
            moved, info = self.step(state, x)
        return EntropyConstrainedResult.of(state.table, info, history, converged=False)

    def _spread(self, table: EntropyConstrainedState) -> EntropyConstrainedState:
        if np.ptp(table.lengths) > _EVEN or _entropy(table) <= self.bits:
            return table
        return replace(table, lengths=table.lengths + np.linspace(0, _TILT, len(table.lengths)))

    def _budget(self, table: EntropyConstrainedState) -> float:
        entropy = _entropy(table)
        return max(self.bits, entropy - _PACE * (entropy - float(table.lengths.min())))

    def _affordable(self, state: BudgetState, x: NDArray[Any]) -> EntropyConstrainedInfo:
        """Return the assignment whose mean length is nearest to the budget: bisection, by secants, in log λ."""
        budget, entropy = self._budget(state.table), _entropy(state.table)
        # One vector that changes its mind moves the mean by up to a whole length.
        slack = max(self.slack, 4 * float(state.table.lengths.max()) / len(x), 0.2 * (budget - self.bits))
        aim = budget - slack / 2
        dear: EntropyConstrainedInfo | None = None
        cheap: EntropyConstrainedInfo | None = None
        at = math.log(state.multiplier)
        for trial in range(_TRIALS):
            info = assign(state.table, x, math.exp(at))
            dear, cheap = (info, cheap) if info.rate > aim else (dear, info)
            if abs(info.rate - aim) <= slack / 2:
                return info
            if dear and cheap and cheap.multiplier < (1 + _NARROWEST) * dear.multiplier:
                break
            at = _next(_trial(dear), _trial(cheap), aim, x.shape[1], trial)
        # Where the rate jumps past the aim the nearer side will do, as long as it is less than before.
        if cheap is None or (dear and dear.rate < min(entropy - self.slack, 2 * aim - cheap.rate)):
            return dear or info
        return cheap


def _entropy(table: EntropyConstrainedState) -> float:
    shares = np.exp2(-table.lengths)
    return float(shares @ table.lengths / shares.sum())


def _trial(info: EntropyConstrainedInfo | None) -> _Trial | None:
    return None if info is None else (math.log(info.multiplier), info.rate)


def _next(low: _Trial | None, high: _Trial | None, aim: float, dim: int, trial: int) -> float:
    """Return the next log λ: between a rate above the aim and one below, or beyond the only one there is."""
    if low is not None and high is not None:
        share = 0.5 if trial % 3 == 2 else (low[1] - aim) / (low[1] - high[1])  # noqa: PLR2004 - every third is a bisection
        return low[0] + min(0.95, max(0.05, share)) * (high[0] - low[0])
    at, rate = low or high or (0.0, aim)  # one of the two is there
    # With fixed lengths the rate falls about half as fast as R(D) does, d / (2 ln 2) bits; steps double till they suffice.
    stride = 2.0**trial * (rate - aim) * 4 * math.log(2) / dim
    return float(np.clip(at + np.clip(stride, -_STRIDE, _STRIDE), -_FARTHEST, _FARTHEST))
