"""Codewords drawn from a Gaussian law along the principal axes: the law differs, drawing and predicting do not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.axes import principal_axes
from zador.codebooks.initialise.prediction import controlled_mean, some_rows
from zador.theory.nearest_draw import nearest_draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.random_codebook import Expected

__all__ = ["GaussianCodewords"]

_WORK = 1 << 12  # rows times axes
_FEWEST_ROWS = 64


class GaussianCodewords(ABC):
    """Draw K codewords from `N(mean, U diag(s) Uᵀ)`, mean and U those of the data; a subclass says what s is."""

    @abstractmethod
    def variances(self, eigenvalues: NDArray[np.float64], codebook_size: int) -> NDArray[np.float64]:
        """Return s (d,) for the variances λ (d,) of the data along their principal axes, descending."""

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords for mean and covariance of x (N, d)."""
        axes = principal_axes(x, weights)
        deviation = np.sqrt(self.variances(axes.eigenvalues, codebook_size))
        return axes.place(rng.standard_normal((codebook_size, len(deviation))) * deviation)

    def predicted_distortion(
        self,
        x: NDArray[Any],
        codebook_size: int,
        weights: NDArray[np.float64] | None = None,
        *,
        seed: int = 0,
    ) -> Expected:
        """Return the expected mean squared error of the first codewords on x (N, d), whatever the law of x.

        `∫ P(|x - Y|² > t)^K dt` at up to 4096/d rows, with |x|² as control variate; axes without codeword variance are
        exact.
        """
        axes = principal_axes(x, weights)
        variances = self.variances(axes.eigenvalues, codebook_size)
        spread = variances > 0
        most = max(_FEWEST_ROWS, _WORK // max(1, int(spread.sum())))
        rows, share, complete = some_rows(x, weights, most, np.random.default_rng(seed))
        along = (x[rows] - axes.mean) @ axes.directions[:, spread]
        values = nearest_draw(along, variances[spread], codebook_size) + axes.eigenvalues[~spread].sum()
        explained = float(axes.eigenvalues[spread].sum())
        return controlled_mean(values, share, (along**2).sum(axis=1), explained, complete=complete)
