"""Codewords drawn from the point density that is optimal at high rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.axes import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ZadorDensity"]


@dataclass(frozen=True)
class ZadorDensity:
    """Draw codewords from `p^{d/(d+2)}`, normalised: for a Gaussian, `N(mean, (d+2)/d Σ)` [zador1982asymptotic].

    d counts the directions in which the data vary. The law is that of the codewords of an optimal quantizer as K grows;
    below about 1 bit per direction it is too wide.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 1))
        >>> float(ZadorDensity()(x, 5000, np.random.default_rng(1)).var().round(1))  # (1 + 2) / 1
        3.0
    """

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords for the covariance of x (N, d)."""
        axes = principal_axes(x, weights)
        active = max(axes.rank, 1)
        deviation = np.sqrt(axes.eigenvalues * (active + 2) / active)
        return axes.place(rng.standard_normal((codebook_size, len(deviation))) * deviation)
