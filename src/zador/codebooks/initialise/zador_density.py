"""Codewords drawn from the point density that is optimal at high rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks.initialise.gaussian_codewords import GaussianCodewords

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ZadorDensity"]


@dataclass(frozen=True)
class ZadorDensity(GaussianCodewords):
    """Draw codewords from `p^{d/(d+2)}`, normalised: for a Gaussian, `N(mean, (d+2)/d Σ)` [zador1982asymptotic].

    d counts the directions in which the data vary. The law is that of the codewords of an optimal quantizer as K grows;
    below about 1 bit per direction it is too wide.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 1))
        >>> float(ZadorDensity()(x, 5000, np.random.default_rng(1)).var().round(1))  # (1 + 2) / 1
        3.0
    """

    def variances(self, eigenvalues: NDArray[np.float64], codebook_size: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Return `(d + 2)/d λ`, whatever K."""
        active = max(int(np.count_nonzero(eigenvalues)), 1)
        return eigenvalues * (active + 2) / active
