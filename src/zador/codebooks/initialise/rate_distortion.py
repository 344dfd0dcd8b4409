"""Codewords drawn from the reproduction law that achieves Shannon's R(D) for a Gaussian of the data's covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks.initialise.gaussian_codewords import GaussianCodewords
from zador.theory import gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RateDistortion"]


@dataclass(frozen=True)
class RateDistortion(GaussianCodewords):
    """Draw codewords from `N(mean, U diag((λ - θ)₊) Uᵀ)`, θ the water level at `log2 K` bits [cover2006elements, ch. 10].

    This is the law of random coding: optimal for long blocks, not for one vector at a time, where a random codebook of
    this law stays far above D(R). Directions below the water level get no spread at all, so a learner that follows
    gradients can never leave that subspace; `jitter` gives them some.

    Attributes:
        jitter: standard deviation added along every axis, as a share of that axis's own.

    Example:
        At 2 bits the weaker of these two axes lies below the water level, and no codeword spreads along it.

        >>> x = np.random.default_rng(0).standard_normal((500, 2)) * [4.0, 0.5]
        >>> float(np.ptp(RateDistortion()(x, 4, np.random.default_rng(1))[:, 1]).round(2))
        0.0
    """

    jitter: float = 0.0

    def variances(self, eigenvalues: NDArray[np.float64], codebook_size: int) -> NDArray[np.float64]:
        """Return `(λ - θ)₊ + jitter² λ`."""
        return gaussian.reproduction_variances(eigenvalues, np.log2(codebook_size)) + self.jitter**2 * eigenvalues
