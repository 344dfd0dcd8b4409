"""A grid along the principal axes: the best scalar quantizer on each, levels shared out to minimise the total error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.axes import principal_axes
from zador.theory import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LloydMaxGrid", "allocate_levels"]

_TABULATED = 64
_PANTER_DITE = np.pi * np.sqrt(3.0) / 2.0


@dataclass(frozen=True)
class LloydMaxGrid:
    """Take the product of Lloyd–Max quantizers of N(0, λ_i), with `Π n_i <= K` levels chosen to minimise `Σ λ_i D(n_i)`.

    It starts far closer to a good codebook than random codewords do, but it is a saddle of the distortion: jitter lets a
    learner leave it. Codewords that the product leaves over are drawn from the data.

    Attributes:
        jitter: standard deviation of noise on every codeword, as a share of the root of each axis's own scalar error.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((5000, 1))
        >>> np.sort(LloydMaxGrid(jitter=0.0)(x, 2, np.random.default_rng(0)).ravel()).round(1)  # ± √(2/π)
        array([-0.8,  0.8])
    """

    jitter: float = 0.1

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords for the covariance of x (N, d)."""
        axes = principal_axes(x, weights)
        levels = allocate_levels(axes.eigenvalues, codebook_size)
        scale = np.sqrt(axes.eigenvalues)
        grids = [scale[i] * scalar.lloyd_max("gaussian", n).levels for i, n in enumerate(levels)]
        product = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(levels))
        coordinates = np.zeros((len(product), x.shape[1]))
        coordinates[:, : len(levels)] = product
        error = [_scalar_distortion(n) for n in levels] + [0.0] * (x.shape[1] - len(levels))
        noise = rng.standard_normal(coordinates.shape) * (scale * np.sqrt(error))
        grid = axes.place(coordinates + self.jitter * noise)
        share = None if weights is None else weights / weights.sum()
        left = rng.choice(len(x), codebook_size - len(grid), p=share)
        return np.concatenate([grid, x[left].astype(np.float64)])


def allocate_levels(eigenvalues: NDArray[np.float64], codebook_size: int) -> tuple[int, ...]:
    """Return the levels n_1 >= n_2 >= ... of the leading axes that minimise `Σ λ_i D(n_i)` with `Π n_i <= K`.

    Args:
        eigenvalues: (d,) variances, descending.
        codebook_size: K.

    Returns:
        Levels of the leading axes with more than one level; at least one axis is named.

    Example:
        >>> allocate_levels(np.geomspace(4.0, 0.25, 6), 16)
        (4, 2, 2)
    """
    variances = tuple(float(v) for v in eigenvalues[: max(1, int(np.log2(codebook_size)))])

    # Exact, by dynamic programming: what is left after an axis is one of the quotients K // n, of which there are few.
    @cache
    def best(axis: int, budget: int) -> tuple[float, tuple[int, ...]]:
        if axis == len(variances) or budget == 1:
            return sum(variances[axis:]), ()
        options = []
        for levels in _largest_with_each_quotient(budget):
            error, rest = best(axis + 1, budget // levels)
            options.append((variances[axis] * _scalar_distortion(levels) + error, (levels, *rest)))
        return min(options)

    chosen = best(0, codebook_size)[1]
    while len(chosen) > 1 and chosen[-1] == 1:
        chosen = chosen[:-1]
    return chosen or (1,)


def _largest_with_each_quotient(budget: int) -> list[int]:
    levels, found = 1, []
    while levels <= budget:
        quotient = budget // levels
        found.append(budget // quotient)
        levels = found[-1] + 1
    return found


@cache
def _scalar_distortion(levels: int) -> float:
    """Return the Lloyd–Max distortion of N(0, 1); beyond the table, Panter–Dite with its first correction (to 0.1 %)."""
    if levels <= _TABULATED:
        return scalar.lloyd_max("gaussian", levels).distortion
    return float(_PANTER_DITE / levels**2 * (1 - 2.0 / levels))
