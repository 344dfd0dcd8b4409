"""What `zador encode` counts as the vectors go by: usage, squared error. NumPy is loaded with it, on use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.metrics import cross_entropy_bits, distortion, entropy_bits
from zador.units import decibels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zador.quantizers import Quantizer

__all__ = ["Tally", "rows_at_once"]

_BLOCK_BYTES = 1 << 23
_MOST_ROWS = 1 << 16


def rows_at_once(dim: int, itemsize: int) -> int:
    """Return how many vectors of `dim` coordinates are worked on together: some megabytes."""
    return min(_MOST_ROWS, max(1, _BLOCK_BYTES // (dim * itemsize)))


class Tally:
    """Running totals of an encoding, in bits per vector and squared error per vector, summed over coordinates."""

    def __init__(self, quantizer: Quantizer) -> None:
        self._quantizer = quantizer
        self._counts = [np.zeros(size, np.int64) for size in quantizer.sizes]
        self._errors: list[float] = []
        self._rows = 0

    def blocks(self, array: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield `array` in pieces of some megabytes; a memory-mapped one is read as they are taken."""
        step = self._step(array)
        for start in range(0, len(array), step):
            yield array[start : start + step]

    def blocks_of(self, array: NDArray[Any]) -> int:
        """Return how many pieces these are."""
        return -(-len(array) // self._step(array))

    def add(self, block: NDArray[Any], indices: NDArray[np.int64]) -> None:
        """Count the indices (n, S) of a block (n, D), and what was lost."""
        self._errors.append(distortion(block, self._quantizer.decode(indices)).mean * len(block))
        self._rows += len(block)
        for stream, total in enumerate(self._counts):
            np.add(total, np.bincount(indices[:, stream], minlength=len(total)), out=total)

    @property
    def distortion(self) -> float:
        """Mean squared error per vector."""
        return math.fsum(self._errors) / self._rows

    @property
    def entropy_bits(self) -> float:
        """Entropy of the indices, added up over streams."""
        return math.fsum(entropy_bits(counts) for counts in self._counts)

    @property
    def cross_entropy_bits(self) -> float | None:
        """What the indices cost with a code made for the training usage; None where that is unknown."""
        usage = self._quantizer.usage
        if not all(weights.any() for weights in usage):
            return None
        return math.fsum(cross_entropy_bits(counts, weights) for counts, weights in zip(self._counts, usage, strict=True))

    def psnr_db(self, peak: float) -> float:
        """Peak signal-to-noise ratio for values that range over `peak`; infinite without error."""
        error = self.distortion / self._quantizer.dim
        return decibels(peak**2 / error) if error > 0 else math.inf

    def _step(self, array: NDArray[Any]) -> int:
        return rows_at_once(array.shape[1], max(array.itemsize, self._quantizer.dtype.itemsize))
