"""Codewords that are vectors of the data, drawn without looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FromData"]


@dataclass(frozen=True)
class FromData:
    """Draw K different rows of the data, with probability proportional to their weights (Forgy's start).

    Example:
        >>> sorted(FromData()(np.array([[1.0], [2.0], [3.0]]), 3, np.random.default_rng(0)).ravel().tolist())
        [1.0, 2.0, 3.0]
    """

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Return (K, d) codewords, rows of x (N, d); N or the number of positive weights has to be at least K."""
        share = None if weights is None else weights / weights.sum()
        rows = rng.choice(len(x), codebook_size, replace=False, p=share)
        return np.ascontiguousarray(x[rows])
