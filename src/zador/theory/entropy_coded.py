"""Scalar quantizers whose index is entropy coded: the rate is the entropy H of the index, not log2 of the level count.

The best one minimises D + μ H. Its cells end where both neighbours cost the same,

    (t - c_i)² - μ log2 p_i = (t - c_{i+1})² - μ log2 p_{i+1},        c_i = E[X | cell i]

At high rate it is a uniform grid, and its rate exceeds R(D) by ½ log2(2πe/12) = 0.2546 bit, 1.53 dB; at low rate the excess
vanishes for a Gaussian: 0.24 bit at 1 bit, 0.03 bit at 0.1 bit. Infinitely many levels are cut where the tail holds less
than 1e-12 of the mass. Sources: gish1968asymptotically, chou1989entropy, sullivan1996efficient, marco2006low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import LinAlgError, solve_banded
from scipy.special import entr

from zador.errors import DataError, UsageError
from zador.theory.densities import as_standard
from zador.theory.rate_point import RatePoint
from zador.theory.scalar import ScalarQuantizer
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Density, Standard

__all__ = ["HIGH_RATE_EXCESS_BITS", "at_rate", "curve", "entropy_constrained", "uniform_threshold"]

HIGH_RATE_EXCESS_BITS = 0.5 * math.log2(2 * math.pi * math.e / 12)

_TAIL = 1e-12
_MOST_CELLS = 1 << 16
_NEAR = 40.0  # standard deviations: an exponential tail holds 1e-17 beyond
_GROWTH = 1.1
_SWEEPS = 200
_DONE, _ROUNDING = 1e-13, 1e-15
_OFFSETS = (0.5, 0.0, 0.25)
_WIDTHS = (1.0, 1.3)
_HALVINGS = 40
_CLOSE = 1e-4  # between points that near, time sharing costs about 1e-9 of the distortion
_HOW = "entropy-coded scalar quantizer"


@dataclass(frozen=True)
class _Partition:
    """Cells of a density with zero mean and unit variance: thresholds, masses, means, and D and H of them."""

    thresholds: NDArray[np.float64]
    masses: NDArray[np.float64]
    levels: NDArray[np.float64]

    @property
    def distortion(self) -> float:
        return max(0.0, 1.0 - math.fsum(self.masses * self.levels**2))

    @property
    def bits(self) -> float:
        return math.fsum(entr(self.masses)) / NATS_PER_BIT

    def cost(self, multiplier: float) -> float:
        return self.distortion + multiplier * self.bits


def entropy_constrained(density: str | Density, multiplier: float) -> ScalarQuantizer:
    """Return the quantizer that minimises `D + μ H`, H the entropy of its index in bits.

    Generalised Lloyd sweeps with Newton steps between them, from several grids; the best stationary point is kept. It is
    achievable whatever it is; that none is better is known only for the grids that were tried.

    Args:
        density: "gaussian", "laplace", "uniform" or "logistic" (zero mean, unit variance), or an object such as a frozen
            `scipy.stats` distribution (`zador.theory.densities`).
        multiplier: μ in squared units of the data per bit; at high rate μ = 2 ln 2 D.

    Returns:
        Levels, thresholds, probabilities, mean squared error, and the entropy of the index in bits per sample. One level
        when no bit is worth μ.

    Raises:
        UsageError: unknown density, or `multiplier` is not positive and finite.
        DataError: no finite mean and variance, no bounded density, or more than 65536 cells.

    >>> best = entropy_constrained("gaussian", 0.4)
    >>> round(best.entropy_bits, 3), round(best.distortion, 4)
    (1.105, 0.3039)
    """
    source, scale = _source(density, "multiplier", multiplier)
    return _returned(source, _best(source, float(multiplier) / scale**2))


def uniform_threshold(density: str | Density, step: float) -> ScalarQuantizer:
    """Return cells `[(k - ½) Δ, (k + ½) Δ]` around the mean, each decoded to its centroid: nearly the best at every rate.

    Args:
        density: a name or an object, see `entropy_constrained`.
        step: Δ, in units of the data.

    Raises:
        UsageError: unknown density, or `step` is not positive and finite.
        DataError: no finite mean and variance, no bounded density, or more than 65536 cells.

    >>> round(uniform_threshold("uniform", 12**0.5 / 3).entropy_bits, 6)
    1.584963
    """
    source, scale = _source(density, "step", step)
    return _returned(source, _partition(source, _grid(source, float(step) / scale, 0.5)))


def at_rate(density: str | Density, bits: float) -> RatePoint:
    """Return the least distortion that entropy-coded scalar quantization was found to reach at a rate.

    Bisects μ. Where the best quantizer jumps (a uniform density between log2 N and log2 (N + 1) bits), the rate is met by
    time sharing between the two sides of the jump.

    Args:
        density: a name or an object, see `entropy_constrained`.
        bits: rate in bits per sample, at least 0.

    Raises:
        UsageError: unknown density, or the rate is negative or not finite.
        DataError: no finite mean and variance, no bounded density, or more than 65536 cells.

    >>> point = at_rate("gaussian", 1.0)
    >>> round(point.distortion, 3), round(point.rate_bits - 0.5 * math.log2(1 / point.distortion), 2)
    (0.348, 0.24)
    """
    if not 0 <= float(bits) < math.inf:
        raise UsageError(f"bits: expected a finite rate of at least 0, got {bits!r}")
    source = as_standard(density)
    few, many = _around(source, float(bits))
    share = (float(bits) - few.bits) / (many.bits - few.bits) if many.bits > few.bits else 0.0
    error = (1 - share) * few.distortion + share * many.distortion
    return RatePoint(float(bits), source.scale**2 * error, _HOW)


def curve(density: str | Density, multipliers: Any) -> tuple[RatePoint, ...]:
    """Return a point (H, D) for each μ, lowest rate first: points of the lower convex hull of what was found.

    Args:
        density: a name or an object, see `entropy_constrained`.
        multipliers: (n,) values of μ, in squared units of the data per bit; geometric spacing spaces rates evenly.

    Raises:
        UsageError: unknown density, or a multiplier is not positive and finite.
        DataError: no finite mean and variance, no bounded density, or more than 65536 cells.

    >>> for point in curve("gaussian", [0.5, 0.1]):
    ...     print(point)
    0.851049 bits per vector, squared error 0.41848 (entropy-coded scalar quantizer)
    2.15068 bits per vector, squared error 0.07217 (entropy-coded scalar quantizer)
    """
    found = [entropy_constrained(density, multiplier) for multiplier in sorted(np.ravel(multipliers), reverse=True)]
    return tuple(RatePoint(one.entropy_bits, one.distortion, _HOW) for one in found)


def _source(density: str | Density, name: str, value: float) -> tuple[Standard, float]:
    if not 0 < float(value) < math.inf:
        raise UsageError(f"{name}: expected a positive finite number, got {value!r}")
    source = as_standard(density)
    return source, source.scale


def _returned(source: Standard, cells: _Partition) -> ScalarQuantizer:
    return ScalarQuantizer(
        levels=source.mean + source.scale * cells.levels,
        thresholds=source.mean + source.scale * cells.thresholds,
        probabilities=cells.masses,
        distortion=source.scale**2 * cells.distortion,
        entropy_bits=cells.bits,
    )


def _around(source: Standard, bits: float) -> tuple[_Partition, _Partition]:
    """Return two of the best quantizers, one of at most `bits` and one of at least that, as close as bisecting μ brings."""
    few = many = _partition(source, np.empty(0))
    low = high = math.log(2 * NATS_PER_BIT) - 2 * NATS_PER_BIT * bits  # μ of a Gaussian's D(R)
    while many.bits < bits:
        low -= 1.0
        many = _best(source, math.exp(low))
    while bits > 0:
        high += 1.0
        found = _best(source, math.exp(high))
        if found.bits <= bits:
            few = found
            break
        many, low = found, high
    for _ in range(_HALVINGS):
        if many.bits - few.bits <= _CLOSE * bits:
            break
        middle = 0.5 * (low + high)
        found = _best(source, math.exp(middle))
        if found.bits <= bits:
            few, high = found, middle
        else:
            many, low = found, middle
    return few, many


def _grid(source: Standard, step: float, offset: float) -> NDArray[np.float64]:
    """Return thresholds (k + offset) step over all but 1e-12 of the mass; a far, heavy tail in cells that grow."""
    ends = np.asarray(source.density.ppf(np.array([_TAIL, 1 - _TAIL])))
    inner = np.clip(ends, -_NEAR, _NEAR)
    if inner[1] - inner[0] > step * _MOST_CELLS:
        raise DataError(f"entropy_coded: a step of {step:.3g} standard deviations needs more than {_MOST_CELLS} cells")
    near = step * (np.arange(math.floor(inner[0] / step), math.ceil(inner[1] / step) + 1) + offset)
    near = near[(near > ends[0]) & (near < ends[1])]
    if not len(near):
        return np.asarray(near)
    far = [_growing(near[0], ends[0], -step)[::-1], near, _growing(near[-1], ends[1], step)]
    return np.asarray(np.concatenate(far))


def _growing(start: float, end: float, step: float) -> NDArray[np.float64]:
    if abs(end - start) <= 2 * abs(step):
        return np.empty(0)
    count = math.ceil(math.log1p((_GROWTH - 1) * (end - start) / step) / math.log(_GROWTH))
    points = start + step * (_GROWTH ** np.arange(1, count + 1) - 1) / (_GROWTH - 1)
    return np.asarray(points[np.abs(points - start) < abs(end - start)])


def _partition(source: Standard, thresholds: NDArray[np.float64]) -> _Partition:
    below = np.concatenate([[0.0], source.density.cdf(thresholds), [1.0]])
    above = np.concatenate([[1.0], source.density.sf(thresholds), [0.0]])
    masses = np.where(below[:-1] < 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - the median
    moments = np.diff(source.first_moment(thresholds), prepend=0.0, append=0.0)
    if (masses > 0).all():
        # In a far tail the moment of a cell may be all rounding; its mean is inside the cell.
        edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
        return _Partition(thresholds, masses, np.clip(moments / masses, edges[:-1], edges[1:]))
    kept = masses[:-1] > 0  # an empty cell joins the one to its right
    if masses[-1] <= 0 and kept.any():
        kept[np.flatnonzero(kept)[-1]] = False
    return _partition(source, thresholds[kept])


def _best(source: Standard, multiplier: float) -> _Partition:
    step = math.sqrt(6 * multiplier / NATS_PER_BIT)  # D = Δ²/12 and μ = 2 ln 2 D
    found = _partition(source, np.empty(0))
    for thresholds in _starts(source, step):
        trial = _descended(source, _partition(source, thresholds), multiplier)
        if trial.cost(multiplier) < found.cost(multiplier):
            found = trial
    return found


def _starts(source: Standard, step: float) -> list[NDArray[np.float64]]:
    starts = [_grid(source, step * width, offset) for offset in _OFFSETS for width in _WIDTHS]
    low, high = np.asarray(source.density.ppf(np.array([0.0, 1.0])))
    if math.isfinite(high - low):
        count = (high - low) / step
        starts += [np.linspace(low, high, n + 1)[1:-1] for n in {max(1, math.floor(count)), max(1, math.ceil(count))}]
    return starts


def _descended(source: Standard, cells: _Partition, multiplier: float) -> _Partition:
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


def _swept(source: Standard, cells: _Partition, multiplier: float) -> _Partition:
    """Move each threshold to where its neighbours cost the same; a level whose cell vanishes is dropped."""
    levels, masses = cells.levels, cells.masses
    while len(levels) > 1:
        gaps = np.diff(levels)
        lengths = -np.log2(masses)
        t = 0.5 * (levels[1:] + levels[:-1]) + 0.5 * multiplier * np.diff(lengths) / gaps
        crossed = np.flatnonzero(np.diff(t) <= 0)
        if not len(crossed):
            return _partition(source, t)
        # Of the levels squeezed out, the least probable one goes first: the others may live on without it.
        gone = crossed[np.argmin(masses[crossed + 1])] + 1
        levels, masses = np.delete(levels, gone), np.delete(masses, gone)
    return _partition(source, np.empty(0))


def _newton(source: Standard, cells: _Partition, multiplier: float) -> _Partition | None:
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
    trial = _partition(source, moved)
    return trial if len(trial.thresholds) == len(t) else None
