"""Codewords drawn from the reproduction law of an isotropic Gaussian, whatever the data: reported as R(D)-optimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks.initialise.gaussian_codewords import GaussianCodewords

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IsotropicRateDistortion"]


@dataclass(frozen=True)
class IsotropicRateDistortion(GaussianCodewords):
    """Draw codewords from `N(mean, σ² (1 - K^(-2/d)) I)` with σ² the mean of the d variances: for comparison only.

    It takes the source for isotropic. On a steep spectrum most of the spread goes to axes that hold next to nothing: it
    starts 2.6 times as high as `RateDistortion` on variances 8, 1, 0.3, 0.1 at K = 16, and leaves cells empty. On an
    isotropic source the two are the same.

    Example:
        >>> IsotropicRateDistortion().variances(np.array([8.0, 1.0, 0.3, 0.1]), 16)
        array([1.7625, 1.7625, 1.7625, 1.7625])
    """

    def variances(self, eigenvalues: NDArray[np.float64], codebook_size: int) -> NDArray[np.float64]:
        """Return `σ² (1 - K^(-2/d))` for every axis."""
        dim = len(eigenvalues)
        return np.full(dim, eigenvalues.mean() * -np.expm1(-2.0 * np.log(codebook_size) / dim))
