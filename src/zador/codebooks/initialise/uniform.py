"""Codewords drawn uniformly from a cube around the origin, as many VQ-VAE implementations start."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.prediction import nearest_of_draws, some_rows, squared_distances
from zador.theory.random_codebook import Expected

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Uniform"]

_POOLS, _ROWS, _SMALLEST_POOL, _TIMES_K = 8, 256, 2048, 4


@dataclass(frozen=True)
class Uniform:
    """Draw every coordinate from `U(-a, a)`; the data are not looked at, apart from their dimension.

    Attributes:
        half_width: a; None means `1/K`, the custom of the VQ-VAE literature [oord2017neural].

    Example:
        >>> bool(abs(Uniform()(np.zeros((1, 2)), 10, np.random.default_rng(0))).max() <= 0.1)
        True
    """

    half_width: float | None = None

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - data-free
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords."""
        half = 1.0 / codebook_size if self.half_width is None else self.half_width
        return rng.uniform(-half, half, (codebook_size, x.shape[1]))

    def predicted_distortion(
        self,
        x: NDArray[Any],
        codebook_size: int,
        weights: NDArray[np.float64] | None = None,
        *,
        seed: int = 0,
    ) -> Expected:
        """Return the expected mean squared error on x (N, d), by eight independent pools of rows and of uniform codewords.

        Within a pool the mean is over all ways to draw K of its codewords; the scatter of the pools is the standard error.
        """
        rng, found = np.random.default_rng(seed), []
        half = 1.0 / codebook_size if self.half_width is None else self.half_width
        squares = (x.astype(np.float64) ** 2).sum(axis=1)
        mean_square = float(np.average(squares, weights=weights))
        for _ in range(_POOLS):
            rows, share, _ = some_rows(x, weights, _ROWS, rng)
            pool = rng.uniform(-half, half, (max(_SMALLEST_POOL, _TIMES_K * codebook_size), x.shape[1]))
            values = nearest_of_draws(squared_distances(x[rows].astype(np.float64), pool), codebook_size)
            # Around a small cube the distance is little else than |x|², of which the mean over all rows is known.
            found.append(mean_square + float(share @ (values - squares[rows])))
        return Expected(float(np.mean(found)), float(np.std(found, ddof=1) / sqrt(_POOLS)))
