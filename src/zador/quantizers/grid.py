"""A lattice laid over axes: which cell a vector is in, and how that is written as streams of small whole numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.quantizers.lattices import Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.lattices import Lattice

__all__ = ["Cells", "Grid", "scale_of", "with_whole_pairs"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Which cells vectors are in.

    Attributes:
        words: (N, blocks) number of the translate of each block.
        whole: (N, m) whole numbers y, one an axis.
    """

    words: NDArray[np.int64]
    whole: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grid:
    """The leading axes in blocks of a lattice, the others by whole numbers, all with the same error where cells are small.

    Streams of a block are the word c of its translate, if there are several, the whole numbers of all coordinates but the
    last, and of that one the half that their parity leaves open: `y_n = 2 w + Σ y_i mod 2`. At high rate these are
    independent if the axes are, and coding each by itself loses nothing.

    Attributes:
        lattice: of the blocks.
        blocks: how many.
        step: side of the cell of an axis without block, in units of the data.
        low: (m,) least whole number of each axis; even on the last axis of a block if the lattice is.
        high: (m,) greatest; odd there.
    """

    lattice: Lattice
    blocks: int
    step: float
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def of_sizes(cls, lattice: Lattice, blocks: int, step: float, low: NDArray[np.int64], sizes: tuple[int, ...]) -> Grid:
        """Return the grid whose streams have these `sizes`; ValueError if there is none."""
        inside = blocks * lattice.dim
        words = blocks if len(lattice.code) > 1 else 0
        if not (0 < step < math.inf and 0 <= inside <= len(low) and len(sizes) == words + len(low)):
            raise ValueError(f"{len(sizes)} streams, {blocks} blocks and a step of {step} make no grid on {len(low)} axes")
        grid = cls(lattice, blocks, step, low, low)
        room = np.array(sizes, np.int64)[grid._of_axes]
        room[grid.paired] *= 2
        grid = cls(lattice, blocks, step, low, low + room - 1)
        if grid.sizes != tuple(sizes) or (low[grid.paired] % 2 != 0).any():
            raise ValueError(f"the sizes and least numbers of the streams do not fit the lattice {lattice.name}")
        return grid

    @property
    def sizes(self) -> tuple[int, ...]:
        """Alphabets of the streams."""
        room = self.high - self.low + 1
        room[self.paired] //= 2
        return tuple(self._woven(np.full(self.blocks, len(self.lattice.code)), room).tolist())

    def cells(self, z: NDArray[Any]) -> Cells:
        """Return the cells (n, …) of z (n, m) whose lattice point is nearest, among those in range."""
        n, inside = self.lattice.dim, self.blocks * self.lattice.dim
        scaled = z.astype(np.float64) / self._steps
        words, whole = np.empty((len(z), self.blocks), np.int64), np.empty(z.shape, np.int64)
        for block in range(self.blocks):
            here = slice(block * n, (block + 1) * n)
            words[:, block], whole[:, here] = self.lattice.nearest_between(
                np.ascontiguousarray(scaled[:, here]), self.low[here].astype(np.float64), self.high[here].astype(np.float64)
            )
        rest = np.floor(scaled[:, inside:] + 0.5)
        whole[:, inside:] = np.clip(rest, self.low[inside:], self.high[inside:]).astype(np.int64)
        return Cells(words, whole)

    def indices(self, cells: Cells) -> NDArray[np.int64]:
        """Return the streams (n, S) of cells."""
        numbers = cells.whole - self.low
        if self.paired.size:
            numbers[:, self.paired] = (cells.whole[:, self.paired] - self._parity(cells.whole) - self.low[self.paired]) // 2
        return self._woven(cells.words, numbers)

    def cells_of(self, indices: NDArray[np.int64]) -> Cells:
        """Return the cells that streams (n, S) stand for."""
        numbers = indices[:, self._of_axes]
        whole = numbers + self.low
        if self.paired.size:
            whole[:, self.paired] += numbers[:, self.paired] + self._parity(whole)
        words = np.zeros((len(indices), self.blocks), np.int64)
        if len(self.lattice.code) > 1:
            words = indices[:, ~self._of_axes]
        return Cells(words, whole)

    def places(self, cells: Cells) -> NDArray[np.int64]:
        """Return (n, m) where each lattice point lies on each axis: a number from 0 on, of halves if the lattice has any."""
        numbers = cells.whole - self.low
        if len(self.lattice.code) > 1:
            inside = self.blocks * self.lattice.dim
            bits = np.array(self.lattice.code, np.int64)[cells.words].reshape(len(numbers), inside)
            numbers[:, :inside] = 2 * numbers[:, :inside] + bits
        return numbers

    def points(self) -> tuple[NDArray[np.float64], ...]:
        """Return for each axis the coordinates, in units of the data, of the `places` 0, 1, …."""
        halves = np.ones(len(self.low))
        halves[: self.blocks * self.lattice.dim] = 2 if len(self.lattice.code) > 1 else 1
        return tuple(
            step * (low + np.arange((high - low + 1) * parts) / parts)
            for step, low, high, parts in zip(self._steps, self.low, self.high, halves, strict=True)
        )

    @cached_property
    def _steps(self) -> NDArray[np.float64]:
        steps = np.full(len(self.low), self.step)
        steps[: self.blocks * self.lattice.dim] *= scale_of(self.lattice)
        return steps

    @cached_property
    def paired(self) -> NDArray[np.int64]:
        """The axes whose parity the others of their block give."""
        return (np.arange(self.blocks if self.lattice.even else 0) + 1) * self.lattice.dim - 1

    @cached_property
    def _of_axes(self) -> NDArray[np.bool_]:
        """Whether a stream (S,) is that of an axis, rather than the word that comes before a block."""
        words = self.blocks if len(self.lattice.code) > 1 else 0
        of_axes = np.ones(words + len(self.low), bool)
        of_axes[np.arange(words) * (self.lattice.dim + 1)] = False
        return of_axes

    def _parity(self, whole: NDArray[np.int64]) -> NDArray[np.int64]:
        inside = whole[:, : self.blocks * self.lattice.dim].reshape(len(whole), self.blocks, self.lattice.dim)
        return np.asarray(inside[:, :, :-1].sum(axis=2) % 2)

    def _woven(self, words: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (…, S): the word of each block before the numbers of its axes."""
        streams = np.empty((*numbers.shape[:-1], len(self._of_axes)), np.int64)
        streams[..., self._of_axes] = numbers
        if len(self.lattice.code) > 1:
            streams[..., ~self._of_axes] = words
        return streams


def with_whole_pairs(grid: Grid) -> Grid:
    """Return `grid` with ranges widened to even … odd where a parity is left to the others of a block."""
    low, high = grid.low.copy(), grid.high.copy()
    low[grid.paired] -= low[grid.paired] % 2
    high[grid.paired] += 1 - high[grid.paired] % 2
    return replace(grid, low=low, high=high)


def scale_of(lattice: Lattice) -> float:
    """Return the step of `lattice`, in steps of the whole numbers, at which both have the same error per coordinate.

    >>> scale_of(Z)
    1.0
    """
    return math.sqrt(Z.second_moment / (lattice.second_moment * lattice.volume ** (2 / lattice.dim)))
