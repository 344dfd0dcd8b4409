"""A Gaussian, the sizes at which its distortion is wanted, and what is read off such a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.design import Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LEAST", "MEASURES", "Curve", "exponent"]

_SLOPE = "Least-squares slope of −log D over log K"
MEASURES = (
    Metric("exponent", "exponent", f"{_SLOPE}, over all sizes.", 4, lower_is_better=None),
    Metric("exponent, lower half", "lower half", f"{_SLOPE}, over the smaller half of the sizes.", 4, lower_is_better=None),
    Metric("exponent, upper half", "upper half", f"{_SLOPE}, over the larger half of the sizes.", 4, lower_is_better=None),
    Metric("share of 2/d", "exponent · d/2", "The exponent over all sizes as a share of Zador's.", 4, lower_is_better=None),
    Metric("gain 8 to 16", "8 → 16", "Share by which the error falls from 8 to 16 codewords.", 4, lower_is_better=None),
    Metric("gain 32 to 64", "32 → 64", "Share by which the error falls from 32 to 64 codewords.", 4, lower_is_better=None),
    Metric("distortion", "D at the largest K", "Mean of ‖x − q‖² on evaluation vectors, the largest codebook.", 5),
)

LEAST = 20_000
"""Vectors that the smallest codebook is fitted to."""


@dataclass(frozen=True)
class Curve:
    """A Gaussian, and the sizes at which its distortion is wanted.

    Attributes:
        variances: of the coordinates that are quantized.
        sizes: K, from 8, each twice the one before.
        per_codeword: vectors to fit on for each codeword, and never fewer than 20,000.
        dropped: variance that never reaches the codebook, and belongs to the error.
    """

    variances: tuple[float, ...]
    sizes: tuple[int, ...]
    per_codeword: int
    dropped: float = 0.0

    def outcome(self, quantized: Sequence[float]) -> Outcome:
        """Return the metrics above of the distortions of the quantized coordinates at the sizes, and the curve."""
        distortions = np.asarray(quantized) + self.dropped
        at = dict(zip(self.sizes, distortions.tolist(), strict=True))
        half = len(self.sizes) // 2
        whole = exponent(self.sizes, distortions)
        return Outcome(
            {
                "exponent": whole,
                "exponent, lower half": exponent(self.sizes[: half + 1], distortions[: half + 1]),
                "exponent, upper half": exponent(self.sizes[-half - 1 :], distortions[-half - 1 :]),
                "share of 2/d": whole * len(self.variances) / 2.0,
                "gain 8 to 16": 1.0 - at[16] / at[8],
                "gain 32 to 64": 1.0 - at[64] / at[32],
                "distortion": at[self.sizes[-1]],
            },
            (Series("distortion", self.sizes, tuple(distortions.tolist())),),
        )

    def count(self, size: int) -> int:
        """Return how many vectors `size` codewords are fitted to."""
        return max(LEAST, self.per_codeword * size)


def exponent(sizes: Sequence[int], distortions: NDArray[np.float64]) -> float:
    """Return the least-squares slope of −log D over log K.

    >>> exponent((8, 16, 32), np.array([8.0, 4.0, 2.0]))
    1.0
    """
    x = np.log2(np.array(sizes, float))
    x -= x.mean()
    return round(float(-(x @ np.log2(distortions)) / (x @ x)), 12)
