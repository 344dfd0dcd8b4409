"""Codewords that are vectors of the data, drawn without looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.prediction import controlled_mean, nearest_of_draws, squared_distances
from zador.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.random_codebook import Expected

__all__ = ["FromData"]

_ROWS, _OTHERS, _BLOCK = 1024, 1 << 13, 64


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

    def predicted_distortion(
        self,
        x: NDArray[Any],
        codebook_size: int,
        weights: NDArray[np.float64] | None = None,
        *,
        seed: int = 0,
    ) -> Expected:
        """Return the expected mean squared error on x (N, d): `(1 - K/N)` times that to the nearest of K other rows.

        The second factor is a sum over sorted distances, at up to 1024 rows and to up to 8192 others (or K, if that is
        more), without bias.

        Raises:
            UsageError: the positive weights differ; no formula is known for drawing by weight without replacement.
        """
        if weights is not None:
            if np.ptp(weights[weights > 0]) > 0:
                raise UsageError("FromData.predicted_distortion: no prediction is known for unequal weights; pass None")
            x = x[weights > 0]
        count, rng = len(x), np.random.default_rng(seed)
        if codebook_size >= count:
            from zador.theory.random_codebook import Expected

            return Expected(0.0)
        centred = x - x.mean(axis=0, dtype=np.float64)
        rows = rng.permutation(count)[:_ROWS]
        others = min(count - 1, max(_OTHERS, codebook_size))
        values = np.empty(len(rows))
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            # Drawn beside the block itself; each row of it is struck out of its own list.
            pool = np.union1d(rng.choice(count, others + 1, replace=False), block)
            distances = squared_distances(centred[block], centred[pool])
            own = np.searchsorted(pool, block)
            keep = np.ones(distances.shape, bool)
            keep[np.arange(len(block)), own] = False
            values[start : start + _BLOCK] = nearest_of_draws(distances[keep].reshape(len(block), -1), codebook_size)
        values *= 1.0 - codebook_size / count
        squares = (centred**2).sum(axis=1)
        share = np.full(len(rows), 1.0 / len(rows))
        complete = len(rows) == count and others == count - 1
        return controlled_mean(values, share, squares[rows], float(squares.mean()), complete=complete)
