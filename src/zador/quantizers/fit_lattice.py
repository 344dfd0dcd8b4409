"""Fitting a lattice quantizer: which axes, what step, and the means to decode to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.metrics import entropy_bits
from zador.quantizers.base import count_usage
from zador.quantizers.frame import Frame
from zador.quantizers.grid import Grid, with_whole_pairs
from zador.quantizers.lattice import LatticeQuantizer
from zador.quantizers.lattices import E8, Z
from zador.quantizers.request import as_bits, varied_vectors
from zador.quantizers.steps import Axes, row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.lattices import Lattice

__all__ = ["fit_lattice"]

_SAMPLE_ROWS = 1 << 13
# Axes are left out by such steps; rates that are met to 0.001 bits leave the errors to be compared so uncertain.
_FEWER, _NOISE = 0.85, 2e-3
# Deviation of a block's weakest axis, in steps, from which on the block gains: measured 0.6 (D4) to 0.75 (E8) on Gaussian
# axes, 0.8 to 1 on Laplacian ones.
_WORTHWHILE = 0.8
# Room for other vectors, on each side: a quarter of the range of training. It costs nothing at 50 000 vectors, and with a
# thousand it saves up to a factor of three in distortion at high rate.
_MARGIN = 4


def fit_lattice(x: Any, *, bits: float, lattice: Lattice = E8) -> LatticeQuantizer:
    """Return the quantizer on principal axes whose streams, each coded by itself, cost `bits` on x.

    All axes have the same step, hence the same error where that is small: reverse water-filling, with an entropy coder in
    place of an allocation. Weak axes are left out where the bits for their rare excursions do more good on the others.
    Leading axes whose deviation is at least 0.8 steps go in blocks of `lattice`, which saves up to `½ log2(1/12 / G)` bits a
    coordinate over whole numbers; on weaker ones its streams would depend on each other, and whole numbers are better. No
    choice is random.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        bits: summed entropy of the training streams, bits per vector; met to about 0.001, from below. It is below what
            other vectors cost by about (symbols in use) / (2 N ln 2).
        lattice: `Z`, `D4`, `E8` or `BW16` of `zador.quantizers`.

    Raises:
        UsageError: `bits` is not positive and finite.
        DataError: all vectors are alike, or do not carry `bits` at the finest step.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 16)) * np.geomspace(4, 0.1, 16)
        >>> quantizer = fit_lattice(x, bits=24.0)
        >>> quantizer.encode(x[:1]).shape, round(sum(map(entropy_bits, quantizer.usage)), 1)
        ((1, 9), 24.0)
    """
    rate, vectors = as_bits(bits), varied_vectors(x)
    frame = Frame.principal(vectors)
    axes = Axes.of(frame.forward(vectors))
    count, near = _worthwhile_axes(axes.sample(_SAMPLE_ROWS), rate)
    axes = axes.leading(count)
    step = near or axes.solve(Z, 0, rate).step
    blocks = int((axes.deviations >= _WORTHWHILE * step).sum()) // lattice.dim if lattice.dim > 1 else 0
    grid = _narrowed(axes.solve(lattice, blocks, rate, near=step), axes.z)
    coded = Frame(frame.mean, np.ascontiguousarray(frame.directions[:, :count]))
    return _filled(vectors, coded, grid, rate)


def _worthwhile_axes(axes: Axes, bits: float) -> tuple[int, float | None]:
    """Return how many of the leading axes to code, and the step for whole numbers on them.

    From all axes on, ever fewer ones are given the bits, until the error rises or they do not carry them. An axis that is
    left out counts with the variance of all vectors: what is rare may be missing among those that are looked at.
    """
    count, step, least = len(axes.middle), None, math.inf
    best: tuple[int, float | None] = (count, None)
    while count > 0:
        coded = axes.leading(count)
        try:
            grid = coded.solve(Z, 0, bits, near=step)
        except DataError:
            break
        step = grid.step
        inside = float((coded.z.astype(np.float64) ** 2).sum()) - _means(grid, coded.z).energy
        error = inside / len(coded.z) + float((axes.deviations[count:] ** 2).sum())
        if error > (1 + _NOISE) * least:
            break
        beyond = np.flatnonzero(np.maximum(coded.highest, -coded.lowest) > step / 2)
        used = 1 + int(beyond.max(initial=0))
        if error < least:
            least, best = error, (used, step)
        count = min(int(_FEWER * count), used)
    return best


@dataclass(frozen=True, eq=False)
class _Means:
    """Counts and sums of the coordinates z (N, m), for every place on every axis."""

    counts: list[NDArray[np.float64]]
    sums: list[NDArray[np.float64]]

    @property
    def energy(self) -> float:
        """By how much less than to 0 the squared error is, if every place is decoded to its mean."""
        pairs = zip(self.counts, self.sums, strict=True)
        return math.fsum(float((sums**2 / np.maximum(counts, 1)).sum()) for counts, sums in pairs)


def _means(grid: Grid, z: NDArray[Any]) -> _Means:
    sizes = [len(points) for points in grid.points()]
    found = _Means([np.zeros(size) for size in sizes], [np.zeros(size) for size in sizes])
    for block in row_blocks(z):
        places = grid.places(grid.cells(block))
        for axis, size in enumerate(sizes):
            found.counts[axis] += np.bincount(places[:, axis], minlength=size)
            found.sums[axis] += np.bincount(places[:, axis], block[:, axis], minlength=size)
    return found


def _narrowed(grid: Grid, z: NDArray[Any]) -> Grid:
    """Return `grid` with ranges that hold what is used and a margin; a constant axis has no room for more."""
    cells = [grid.cells(block).whole for block in row_blocks(z)]
    least = np.min([whole.min(axis=0) for whole in cells], axis=0)
    most = np.max([whole.max(axis=0) for whole in cells], axis=0)
    margin = np.where(least < most, 1 + (most - least) // _MARGIN, 0)
    return with_whole_pairs(replace(grid, low=least - margin, high=most + margin))


def _filled(x: NDArray[Any], frame: Frame, grid: Grid, bits: float) -> LatticeQuantizer:
    """Return the quantizer that decodes to means of x (N, D), with what it says of itself."""
    z = frame.forward(x)
    means, variances = _means(grid, z), z.var(axis=0, dtype=np.float64)
    values = tuple(
        _shrunk(means.sums[axis], means.counts[axis], points, 12 * variances[axis] / grid.step**2).astype(x.dtype)
        for axis, points in enumerate(grid.points())
    )
    blank = tuple(np.zeros(size) for size in grid.sizes)
    quantizer = LatticeQuantizer(frame=frame, grid=grid, values=values, usage=blank)
    indices = quantizer.encode(x)
    usage = count_usage(indices, grid.sizes)
    origin: dict[str, str | int | float | bool] = {
        "target_bits": bits,
        "entropy_bits": math.fsum(map(entropy_bits, usage)),
        "training_distortion": float(((x - quantizer.decode(indices)) ** 2).sum(axis=1, dtype=np.float64).mean()),
        "overloaded": _overloaded(grid, z),
    }
    return replace(quantizer, usage=usage, origin=origin)


def _shrunk(
    sums: NDArray[np.float64], counts: NDArray[np.float64], points: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Return means of cells, drawn to the lattice point with the `weight` of so many vectors.

    On a Gaussian axis of variance v the mean of a cell at t lies about `s² t / (12 v)` from the point, and a mean of n
    vectors has the variance s² / (12 n): at t = √v it is worth believing once n exceeds 12 v / s².
    """
    return (sums + weight * points) / (counts + weight)


def _overloaded(grid: Grid, z: NDArray[Any]) -> int:
    """Return how many rows of z (N, m) are nearer to a lattice point out of range."""
    free = replace(grid, low=np.full_like(grid.low, -(1 << 62)), high=np.full_like(grid.high, 1 << 62))
    return sum(int((free.cells(block).whole != grid.cells(block).whole).any(axis=1).sum()) for block in row_blocks(z))
