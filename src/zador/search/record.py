"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Nearest"]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest codeword of each vector.

    Attributes:
        indices: (N,) int64, the number of the nearest codeword; the lowest one on ties.
        squared_distances: (N,) `||x - c||²`, summed over coordinates, right to 1e-5 relative; float64 for float64
            input, float32 otherwise.
        rechecked: share of the rows that an error bound in single precision could not decide, and that double precision
            decided; 0.0 when `exact=False`.
    """

    indices: Any
    squared_distances: Any
    rechecked: float = 0.0
