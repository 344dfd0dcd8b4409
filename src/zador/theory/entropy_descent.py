"""Descent on `D + μ H` over the thresholds of a scalar quantizer: sweeps that never rise, Newton steps that finish.

Sources: chou1989entropy for the sweeps, sullivan1996efficient for what the optimum looks like.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import LinAlgError, solve_banded

from zador.theory.partition import Partition, grid, partition
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Standard

__all__ = ["cheapest"]

_SWEEPS = 200
_DONE, _ROUNDING = 1e-13, 1e-15
_OFFSETS = (0.5, 0.0, 0.25)
_WIDTHS = (1.0, 1.3)


def cheapest(source: Standard, multiplier: float) -> Partition:
    """Return the best of the stationary points of `D + μ H` that several grids lead to, or a single cell."""
    step = math.sqrt(6 * multiplier / NATS_PER_BIT)  # D = Δ²/12 and μ = 2 ln 2 D
    found = partition(source, np.empty(0))
    for thresholds in _starts(source, step):
        trial = _descended(source, partition(source, thresholds), multiplier)
        if trial.cost(multiplier) < found.cost(multiplier):
            found = trial
    return found


def _starts(source: Standard, step: float) -> list[NDArray[np.float64]]:
    starts = [grid(source, step * width, offset) for offset in _OFFSETS for width in _WIDTHS]
    low, high = np.asarray(source.density.ppf(np.array([0.0, 1.0])))
    if math.isfinite(high - low):
        count = (high - low) / step
        starts += [np.linspace(low, high, n + 1)[1:-1] for n in {max(1, math.floor(count)), max(1, math.ceil(count))}]
    return starts


def _descended(source: Standard, cells: Partition, multiplier: float) -> Partition:
    """Sweep, and try Newton after each sweep: sweeps always descend, Newton finishes."""
    for _ in range(_SWEEPS):
        before = cells.cost(multiplier)
        cells = _swept(source, cells, multiplier)
        newton = _newton(source, cells, multiplier)
        if newton is not None and newton.cost(multiplier) <= cells.cost(multiplier):
            cells = newton
        if before - cells.cost(multiplier) <= max(_DONE * multiplier, _ROUNDING):
            break
    return cells


def _swept(source: Standard, cells: Partition, multiplier: float) -> Partition:
    """Move each threshold to where its neighbours cost the same; a level whose cell vanishes is dropped."""
    levels, masses = cells.levels, cells.masses
    while len(levels) > 1:
        gaps = np.diff(levels)
        lengths = -np.log2(masses)
        t = 0.5 * (levels[1:] + levels[:-1]) + 0.5 * multiplier * np.diff(lengths) / gaps
        crossed = np.flatnonzero(np.diff(t) <= 0)
        if not len(crossed):
            return partition(source, t)
        # Of the levels squeezed out, the least probable one goes first: the others may live on without it.
        gone = crossed[np.argmin(masses[crossed + 1])] + 1
        levels, masses = np.delete(levels, gone), np.delete(masses, gone)
    return partition(source, np.empty(0))


def _newton(source: Standard, cells: Partition, multiplier: float) -> Partition | None:
    """Solve the linearised conditions f_i = (t_i - c_i)² - (t_i - c_{i+1})² - μ log2(p_i / p_{i+1}) = 0."""
    t, levels, masses = cells.thresholds, cells.levels, cells.masses
    if len(t) == 0:
        return None
    left, right = t - levels[:-1], levels[1:] - t
    height = np.asarray(source.density.pdf(t))
    rate = multiplier / NATS_PER_BIT
    residual = left**2 - right**2 - rate * np.log(masses[:-1] / masses[1:])
    share_left, share_right = height / masses[:-1], height / masses[1:]
    own = 2 * (left + right) - share_left * (2 * left**2 + rate) - share_right * (2 * right**2 + rate)
    # Moving t_{i-1} raises c_i and lowers p_i; moving t_{i+1} raises c_{i+1} and its mass.
    from_left = share_right[:-1] * (rate - 2 * left[1:] * right[:-1])
    from_right = share_left[1:] * (rate - 2 * right[:-1] * left[1:])
    bands = np.stack([np.append(0.0, from_right), own, np.append(from_left, 0.0)])
    try:
        moved = t - np.asarray(solve_banded((1, 1), bands, residual))
    except (LinAlgError, ValueError):
        return None
    if not np.isfinite(moved).all() or (np.diff(moved) <= 0).any():
        return None
    trial = partition(source, moved)
    return trial if len(trial.thresholds) == len(t) else None
