"""Whole numbers of levels for every axis, so that bits go where they save most error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["allocate"]

# Up to so many unfinished allocations the result is the best there is; beyond, the most promising ones are kept.
_STATES = 1 << 12
_ROUNDING = 1e-9
_HALVINGS = 100


def allocate(distortions: Sequence[NDArray[np.float64]], bits: float) -> tuple[tuple[int, ...], float]:
    """Return levels n and a slope: `Σ_a D_a(n_a)` is least subject to `Σ_a log2 n_a <= bits`.

    Reverse water-filling for quantizers that exist. With a price on a bit every axis chooses by itself
    [shoham1988efficient]; at the price where just too little is spent, the sum of what the axes would pay is a lower bound.
    An option that exceeds its axis's best by more than what separates a first solution from that bound is in no better one,
    which leaves a few options an axis, and dynamic programming over bits spent decides among them.

    Args:
        distortions: for each axis D_a(1), D_a(2), …, never rising.
        bits: at least 0.

    Returns:
        Levels of each axis, and the price in error per bit, from which on an axis that is worth less gets one level.

    Example:
        Two axes that are alike: two levels and three are better than five and one.

        >>> allocate([np.array([1.0, 0.36, 0.19, 0.12, 0.08])] * 2, 2.6)[0]
        (2, 3)
    """
    costs = [np.log2(np.arange(1, len(errors) + 1)) for errors in distortions]
    price = _price(distortions, costs, bits)
    first = _filled(distortions, costs, _choices(distortions, costs, price), bits)
    owed = [errors + price * cost for errors, cost in zip(distortions, costs, strict=True)]
    excesses = [part - part.min() for part in owed]
    spent = sum(cost[n] for cost, n in zip(costs, first, strict=True))
    gap = sum(excess[n] for excess, n in zip(excesses, first, strict=True)) + price * (bits - spent)
    best = _search(excesses, costs, (price, bits, gap * (1 + _ROUNDING)))
    return tuple(n + 1 for n in (best or first)), price


def _choices(errors: Sequence[NDArray[np.float64]], costs: Sequence[NDArray[np.float64]], price: float) -> list[int]:
    return [int(np.argmin(error + price * cost)) for error, cost in zip(errors, costs, strict=True)]


def _price(errors: Sequence[NDArray[np.float64]], costs: Sequence[NDArray[np.float64]], bits: float) -> float:
    """Return the least price, by bisection, at which the axes together spend no more than `bits`."""

    def spent(price: float) -> float:
        return float(sum(cost[n] for cost, n in zip(costs, _choices(errors, costs, price), strict=True)))

    low, high = 0.0, max(float(error[0]) for error in errors) + 1e-300
    if spent(low) <= bits:
        return low
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if spent(middle) > bits else (low, middle)
    return high


def _filled(
    errors: Sequence[NDArray[np.float64]], costs: Sequence[NDArray[np.float64]], chosen: list[int], bits: float
) -> list[int]:
    """Return `chosen` with what is left spent, one step at a time, where a bit saves most."""
    chosen = list(chosen)
    left = bits - sum(cost[n] for cost, n in zip(costs, chosen, strict=True))
    while True:
        gains = []
        for axis, n in enumerate(chosen):
            fits = np.flatnonzero(costs[axis][n + 1 :] - costs[axis][n] <= left) + n + 1
            rates = (errors[axis][n] - errors[axis][fits]) / (costs[axis][fits] - costs[axis][n])
            gains += [(float(rates.max()), -axis, int(fits[rates.argmax()]))] if len(fits) else []
        if not gains or max(gains)[0] <= 0:
            return chosen
        _, axis, n = max(gains)
        left -= costs[-axis][n] - costs[-axis][chosen[-axis]]
        chosen[-axis] = n


def _search(
    excesses: Sequence[NDArray[np.float64]], costs: Sequence[NDArray[np.float64]], frame: tuple[float, float, float]
) -> list[int] | None:
    """Return the options with the least `Σ excess + price · (bits - Σ cost)`, if any that fits is within the gap."""
    price, bits, gap = frame
    excess, spent = np.zeros(1), np.zeros(1)
    trail: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for more, cost in zip(excesses, costs, strict=True):
        options = np.flatnonzero(more <= gap)
        total, used = excess[:, None] + more[options], spent[:, None] + cost[options]
        rows, columns = np.nonzero((total <= gap) & (used <= bits + _ROUNDING))
        kept = _undominated(total[rows, columns] - price * used[rows, columns], used[rows, columns])
        rows, columns = rows[kept], columns[kept]
        if len(rows) > _STATES:
            likely = np.sort(np.argsort(total[rows, columns], kind="stable")[:_STATES])
            rows, columns = rows[likely], columns[likely]
        if len(rows) == 0:
            return None
        trail.append((rows, options[columns]))
        excess, spent = total[rows, columns], used[rows, columns]
    at = int(np.argmin(excess + price * (bits - spent)))
    chosen = []
    for rows, picked in reversed(trail):
        chosen.append(int(picked[at]))
        at = int(rows[at])
    return chosen[::-1]


def _undominated(error: NDArray[np.float64], spent: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return, by bits spent, those with less error than everything that spends no more."""
    order = np.lexsort((error, np.round(spent / _ROUNDING)))
    lowest = np.minimum.accumulate(error[order])
    return order[np.flatnonzero(np.diff(lowest, prepend=np.inf) < 0)]
