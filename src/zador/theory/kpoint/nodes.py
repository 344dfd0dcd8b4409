"""What stands for a source in an expectation: weighted points, one of each set of mirror images."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

__all__ = ["REPLICATES", "Nodes", "of_gaussian", "of_rows"]

REPLICATES = 8
_FLIPPED = 4


class Nodes(NamedTuple):
    """`E f(X) ≈ Σ_n w_n mean_σ f(σ x_n)`, σ over the flips.

    Attributes:
        x: (N, d) points.
        weights: (N,) positive, together 1.
        flips: (M, d) of ±1, a group of mirror symmetries of the source; ones for none.
    """

    x: Matrix
    weights: NDArray[np.float64]
    flips: Matrix

    def whole(self) -> Nodes:
        """Return the same source with its M N mirror images spelled out, images as the slow axis."""
        images = (self.flips[:, None] * self.x).reshape(-1, self.x.shape[1])
        return Nodes(images, np.tile(self.weights / len(self.flips), len(self.flips)), np.ones((1, self.x.shape[1])))

    def replicates(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (REPLICATES,) means of (N,) values, one for each independent set of nodes."""
        shares = (self.weights * values).reshape(REPLICATES, -1).sum(axis=1)
        return np.asarray(shares * REPLICATES)


def of_rows(x: Matrix) -> Nodes:
    """Return the rows of x, all alike, no symmetry.

    >>> of_rows(np.zeros((4, 2))).weights
    array([0.25, 0.25, 0.25, 0.25])
    """
    return Nodes(x, np.full(len(x), 1.0 / len(x)), np.ones((1, x.shape[1])))


def of_gaussian(eigenvalues: NDArray[np.float64], count: int, spread: float, rng: np.random.Generator) -> Nodes:
    """Return nodes of N(0, diag λ), drawn from N(0, spread diag λ) and weighted by the ratio of the two densities.

    With `spread = (d + 2) / d` nodes lie as densely as codewords do at high rate [zador1982asymptotic], so that the far
    ones of few codewords get their share. They are `REPLICATES` independently scrambled Sobol sequences, one after the
    other, folded onto the positive half of the leading axes.

    Args:
        eigenvalues: (d,) positive variances, descending.
        count: number of nodes, `REPLICATES` times a power of 2.
        spread: at least 1.
        rng: scrambles.
    """
    from scipy.stats import qmc

    dim = len(eigenvalues)
    each = count // REPLICATES
    unit = np.concatenate([qmc.Sobol(dim, rng=rng).random(each) for _ in range(REPLICATES)])
    folded = np.arange(dim) < _FLIPPED
    z = ndtri(np.clip(np.where(folded, 0.5 + 0.5 * unit, unit), 1e-15, 1.0 - 1e-15))
    weights = np.exp(-0.5 * (spread - 1.0) * np.square(z).sum(axis=1))
    sets = weights.reshape(REPLICATES, -1)
    # Weights of each set sum to the same: the constant of the ratio, and its noise, drop out.
    weights = (sets / sets.sum(axis=1, keepdims=True) / REPLICATES).ravel()
    return Nodes(z * np.sqrt(spread * eigenvalues), weights, _flips(dim))


def _flips(dim: int) -> Matrix:
    flipped = min(dim, _FLIPPED)
    signs = 1.0 - 2.0 * ((np.arange(1 << flipped)[:, None] >> np.arange(flipped)) & 1)
    return np.concatenate([signs, np.ones((len(signs), dim - flipped))], axis=1)
