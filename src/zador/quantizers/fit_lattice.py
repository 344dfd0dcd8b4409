"""Fitting a lattice quantizer: principal axes, and the step at which the streams cost so many bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from zador.errors import DataError
from zador.metrics import entropy_bits
from zador.quantizers.base import count_usage
from zador.quantizers.frame import Frame
from zador.quantizers.grid import Grid, scale_of
from zador.quantizers.lattice import LatticeQuantizer
from zador.quantizers.lattices import E8
from zador.quantizers.request import as_bits, varied_vectors
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from zador.quantizers.lattices import Lattice

__all__ = ["fit_lattice"]

_BLOCK_ROWS = 1 << 13
_SAMPLE_ROWS = 1 << 14
# Half the most whole numbers of an axis; a step that asks for more is refused, vectors that do are overloaded.
_HALF_RANGE = 1 << 15
# Room for other vectors, on each side: a quarter of the range of training. It costs nothing at 50 000 vectors, and with a
# thousand it saves up to a factor of three in distortion at high rate.
_MARGIN = 4
_SLACK = 1e-3
# Deviation of a block's weakest axis, in steps, from which on the block gains: measured 0.6 (D4) to 0.75 (E8) on Gaussian
# axes, 0.8 to 1 on Laplacian ones.
_WORTHWHILE = 0.8


def fit_lattice(x: Any, *, bits: float, lattice: Lattice = E8) -> LatticeQuantizer:
    """Return the quantizer on principal axes whose streams, each coded by itself, cost `bits` on x.

    All axes have the same step, hence the same error where that is small: reverse water-filling, with an entropy coder in
    place of an allocation. Leading axes whose deviation is at least 0.8 steps go in blocks of `lattice`, which saves up to
    `½ log2(1/12 / G)` bits a coordinate over whole numbers; on weaker ones its streams would depend on each other, and
    whole numbers are better. Axes on which every vector is in the same cell cost nothing and are left out.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        bits: summed entropy of the training streams, bits per vector; met to about 0.001, from below. It is below what
            other vectors cost by about (symbols in use) / (2 N ln 2).
        lattice: `Z`, `D4`, `E8` or `BW16` of `zador.quantizers.lattices`.

    Raises:
        UsageError: `bits` is not positive and finite.
        DataError: all vectors are alike, or do not carry `bits` at the finest step.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 16)) * np.geomspace(4, 0.1, 16)
        >>> quantizer = fit_lattice(x, bits=24.0)
        >>> quantizer.encode(x[:1]).shape, round(sum(map(entropy_bits, quantizer.usage)), 1)
        ((1, 14), 24.0)
    """
    rate, vectors = as_bits(bits), varied_vectors(x)
    frame = Frame.principal(vectors)
    axes = _Axes.of(frame.forward(vectors))
    sample = axes.z[:: -(-len(axes.z) // _SAMPLE_ROWS)]
    rough = _solve(lambda step: axes.grid(lattice, 0, step), sample, rate, axes.first_step(rate), axes.finest_step())
    blocks = int((axes.deviations >= _WORTHWHILE * rough).sum()) // lattice.dim if lattice.dim > 1 else 0
    step = _solve(lambda step: axes.grid(lattice, blocks, step), axes.z, rate, rough, axes.finest_step())
    return _assemble(vectors, frame, axes, axes.grid(lattice, blocks, step), rate)


@dataclass(frozen=True, eq=False)
class _Axes:
    """Vectors on principal axes (N, m), and where they lie on each."""

    z: NDArray[Any]
    lowest: NDArray[np.float64]
    middle: NDArray[np.float64]
    highest: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, z: NDArray[Any]) -> _Axes:
        lowest, middle, highest = (np.asarray(end(z, axis=0), np.float64) for end in (np.min, np.median, np.max))
        return cls(z, lowest, middle, highest, np.sqrt(z.var(axis=0, dtype=np.float64)))

    def first_step(self, bits: float) -> float:
        return math.sqrt(12 * gaussian.water_level(self.deviations**2, bits))

    def finest_step(self) -> float:
        """The step at which the most spread axis needs all the whole numbers there are, outliers aside."""
        spread = np.ptp(np.quantile(self.z, (0.001, 0.999), axis=0), axis=0).max()
        return float(spread or (self.highest - self.lowest).max()) / _HALF_RANGE

    def grid(self, lattice: Lattice, blocks: int, step: float) -> Grid:
        """A grid that reaches every vector, unless an axis would need too many whole numbers."""
        inside = blocks * lattice.dim
        steps = np.full(len(self.middle), step)
        steps[:inside] *= scale_of(lattice)
        centre = np.rint(self.middle / steps)
        low = np.maximum(np.floor(self.lowest / steps) - 1, centre - _HALF_RANGE).astype(np.int64)
        high = np.minimum(np.ceil(self.highest / steps) + 1, centre + _HALF_RANGE - 1).astype(np.int64)
        return _with_whole_pairs(Grid(lattice, blocks, step, low, high))


def _with_whole_pairs(grid: Grid) -> Grid:
    """Return `grid` with ranges from even to odd where a parity is left to the others of a block."""
    low, high = grid.low.copy(), grid.high.copy()
    low[grid.paired] -= low[grid.paired] % 2
    high[grid.paired] += 1 - high[grid.paired] % 2
    return replace(grid, low=low, high=high)


def _entropy(grid: Grid, z: NDArray[Any]) -> float:
    usage = [np.zeros(size) for size in grid.sizes]
    for block in _blocks(z):
        indices = grid.indices(grid.cells(block))
        for stream, counts in enumerate(count_usage(indices, grid.sizes)):
            usage[stream] += counts
    return math.fsum(entropy_bits(counts) for counts in usage)


def _blocks(z: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (z[start : start + _BLOCK_ROWS] for start in range(0, len(z), _BLOCK_ROWS))


def _solve(grid: Callable[[float], Grid], z: NDArray[Any], bits: float, first: float, finest: float) -> float:
    """Return the step at which the streams of z cost `bits`, or just below."""
    seen: dict[float, float] = {}

    def excess(log_step: float) -> float:
        seen[log_step] = _entropy(grid(math.exp(log_step)), z) - bits
        return 0.0 if -_SLACK <= seen[log_step] <= 0 else seen[log_step] + _SLACK / 2

    low = high = math.log(max(first, finest))
    while excess(low) > 0:
        low += math.log(2)
    while excess(high) < 0:
        if high <= math.log(finest):
            raise DataError(
                f"bits={bits:g}, but at the finest step, {finest:.3g}, these {len(z)} vectors carry only "
                f"{seen[high] + bits:.2f}; ask for fewer"
            )
        high = max(high - math.log(2), math.log(finest))
    if seen[high] > 0 > seen[low]:
        brentq(excess, high, low, xtol=1e-9)
    return math.exp(max((step for step in seen if seen[step] <= 0), key=lambda step: seen[step]))


def _assemble(x: NDArray[Any], frame: Frame, axes: _Axes, grid: Grid, bits: float) -> LatticeQuantizer:
    """Narrow the ranges to what is used and a margin, drop constant axes, and take the means of what is there."""
    cells = [grid.cells(block) for block in _blocks(axes.z)]
    least = np.min([part.whole.min(axis=0) for part in cells], axis=0)
    most = np.max([part.whole.max(axis=0) for part in cells], axis=0)
    inside = grid.blocks * grid.lattice.dim
    kept = np.flatnonzero((least < most) | (np.arange(len(least)) < max(inside, 1)))
    margin = np.where(least < most, 1 + (most - least) // _MARGIN, 0)
    ranges = (least - margin)[kept], (most + margin)[kept]
    narrow = _with_whole_pairs(Grid(grid.lattice, grid.blocks, grid.step, *ranges))
    coded = Frame(frame.mean, np.ascontiguousarray(frame.directions[:, kept]))
    return _filled(x, coded, narrow, bits)


def _filled(x: NDArray[Any], frame: Frame, grid: Grid, bits: float) -> LatticeQuantizer:
    z = frame.forward(x)
    counts = [np.zeros(len(points)) for points in grid.points()]
    sums = [np.zeros(len(points)) for points in grid.points()]
    overloaded = 0
    free = replace(grid, low=np.full_like(grid.low, -(1 << 62)), high=np.full_like(grid.high, 1 << 62))
    for block in _blocks(z):
        cells = grid.cells(block)
        overloaded += int((free.cells(block).whole != cells.whole).any(axis=1).sum())
        places = grid.places(cells)
        for axis in range(places.shape[1]):
            counts[axis] += np.bincount(places[:, axis], minlength=len(counts[axis]))
            sums[axis] += np.bincount(places[:, axis], block[:, axis], minlength=len(counts[axis]))
    variances = z.var(axis=0, dtype=np.float64)
    values = tuple(
        _shrunk_means(sums[axis], counts[axis], points, 12 * variances[axis] / grid.step**2).astype(x.dtype)
        for axis, points in enumerate(grid.points())
    )
    blank = tuple(np.zeros(size) for size in grid.sizes)
    quantizer = LatticeQuantizer(frame=frame, grid=grid, values=values, usage=blank)
    indices = quantizer.encode(x)
    usage = count_usage(indices, grid.sizes)
    error = float(((x - quantizer.decode(indices)) ** 2).sum(axis=1, dtype=np.float64).mean())
    origin: dict[str, str | int | float | bool] = {
        "target_bits": bits,
        "entropy_bits": math.fsum(map(entropy_bits, usage)),
        "training_distortion": error,
        "overloaded": overloaded,
    }
    return replace(quantizer, usage=usage, origin=origin)


def _shrunk_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], points: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Return means of cells, drawn to the lattice point with the `weight` of so many vectors.

    On a Gaussian axis of variance v the mean of a cell at t lies about `s² t / (12 v)` from the point, and a mean of n
    vectors has the variance s² / (12 n): at t = √v it is worth believing once n exceeds 12 v / s².
    """
    return (sums + weight * points) / (counts + weight)
