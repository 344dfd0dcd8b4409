"""The step at which a grid on given axes costs so many bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from zador.errors import DataError
from zador.metrics import entropy_bits
from zador.quantizers.base import count_usage
from zador.quantizers.grid import Grid, scale_of, with_whole_pairs
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zador.quantizers.lattices import Lattice

__all__ = ["Axes", "entropy", "row_blocks"]

_BLOCK_ROWS = 1 << 13
# Half the most whole numbers of an axis; a step that asks for more is refused, vectors that do are overloaded.
_HALF_RANGE = 1 << 15
_SLACK = 1e-3


@dataclass(frozen=True, eq=False)
class Axes:
    """Vectors along orthonormal axes.

    Attributes:
        z: (N, m) centred coordinates.
        lowest: (m,) least coordinate on each axis.
        middle: (m,) median.
        highest: (m,) greatest.
        deviations: (m,) standard deviations, falling.
    """

    z: NDArray[Any]
    lowest: NDArray[np.float64]
    middle: NDArray[np.float64]
    highest: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, z: NDArray[Any]) -> Axes:
        """Return the axes of coordinates z (N, m)."""
        lowest, middle, highest = (np.asarray(end(z, axis=0), np.float64) for end in (np.min, np.median, np.max))
        return cls(z, lowest, middle, highest, np.sqrt(z.var(axis=0, dtype=np.float64)))

    def leading(self, count: int) -> Axes:
        """Return the first `count` axes."""
        return Axes(
            np.ascontiguousarray(self.z[:, :count]),
            self.lowest[:count],
            self.middle[:count],
            self.highest[:count],
            self.deviations[:count],
        )

    def sample(self, rows: int) -> Axes:
        """Return the axes with at most about `rows` of the vectors, evenly spaced."""
        return replace(self, z=np.ascontiguousarray(self.z[:: -(-len(self.z) // rows)]))

    def grid(self, lattice: Lattice, blocks: int, step: float) -> Grid:
        """Return a grid that reaches every vector, unless an axis would need more than 2^16 whole numbers."""
        steps = np.full(len(self.middle), step)
        steps[: blocks * lattice.dim] *= scale_of(lattice)
        centre = np.rint(self.middle / steps)
        low = np.maximum(np.floor(self.lowest / steps) - 1, centre - _HALF_RANGE).astype(np.int64)
        high = np.minimum(np.ceil(self.highest / steps) + 1, centre + _HALF_RANGE - 1).astype(np.int64)
        return with_whole_pairs(Grid(lattice, blocks, step, low, high))

    def solve(self, lattice: Lattice, blocks: int, bits: float, *, near: float | None = None) -> Grid:
        """Return the grid of which the streams of z, each coded by itself, cost `bits`, or up to 0.001 less.

        Args:
            lattice: of the blocks.
            blocks: how many.
            bits: summed entropy, bits per vector.
            near: a step to begin with; by default that of the Gaussian water level.

        Raises:
            DataError: the vectors do not carry so many bits at the finest step.
        """
        seen: dict[float, float] = {}

        def excess(log_step: float) -> float:
            seen[log_step] = entropy(self.grid(lattice, blocks, math.exp(log_step)), self.z) - bits
            return 0.0 if -_SLACK <= seen[log_step] <= 0 else seen[log_step] + _SLACK / 2

        finest = math.log(self._finest_step())
        level = gaussian.water_level(self.deviations**2, bits)
        coarse = fine = max(math.log(near or math.sqrt(12 * level)), finest)
        while excess(coarse) > 0:
            coarse += math.log(2)
        while excess(fine) < 0:
            if fine <= finest:
                raise DataError(
                    f"bits={bits:g}, but at the finest step, {math.exp(finest):.3g}, these {len(self.z)} vectors carry only "
                    f"{seen[fine] + bits:.2f}; ask for fewer"
                )
            fine = max(fine - math.log(2), finest)
        if seen[fine] > 0 > seen[coarse]:
            brentq(excess, fine, coarse, xtol=1e-9)
        best = max((step for step in seen if seen[step] <= 0), key=lambda step: seen[step])
        return self.grid(lattice, blocks, math.exp(best))

    def _finest_step(self) -> float:
        """Return the step at which the most spread axis needs half of all the whole numbers, outliers aside."""
        spread = np.ptp(np.quantile(self.z, (0.001, 0.999), axis=0), axis=0).max()
        return float(spread or (self.highest - self.lowest).max()) / _HALF_RANGE


def entropy(grid: Grid, z: NDArray[Any]) -> float:
    """Return the summed entropy of the streams of z (N, m), in bits per vector."""
    usage = [np.zeros(size) for size in grid.sizes]
    for block in row_blocks(z):
        for stream, counts in enumerate(count_usage(grid.indices(grid.cells(block)), grid.sizes)):
            usage[stream] += counts
    return math.fsum(entropy_bits(counts) for counts in usage)


def row_blocks(z: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield z (N, m) in blocks of rows whose cells fit into memory together."""
    return (z[start : start + _BLOCK_ROWS] for start in range(0, len(z), _BLOCK_ROWS))
