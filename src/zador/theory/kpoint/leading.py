"""How many leading axes codewords should spread along."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zador.theory import gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_AXES", "worth_coding"]

MOST_AXES = 10
"""How many axes are searched at most: beyond, a search would learn noise, and no tree would help it."""


def worth_coding(eigenvalues: NDArray[np.float64], codebook_size: int) -> int:
    """Return how many axes have more variance than half the water level at log2 K bits: at least 1, at most 10.

    Below half the level an axis is far from being worth any bits.

    Args:
        eigenvalues: (d,) positive variances, descending.
        codebook_size: K.

    >>> worth_coding(np.array([4.0, 1.0, 1e-3]), 8)
    2
    """
    level = gaussian.water_level(eigenvalues, math.log2(codebook_size))
    return int(np.clip((eigenvalues > 0.5 * level).sum(), 1, MOST_AXES))
