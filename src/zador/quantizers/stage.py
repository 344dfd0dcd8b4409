"""One stage of a residual quantizer: k-means that starts on few axes, and codewords drawn back by what they cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import KMeansPlusPlus, Lloyd, principal_axes
from zador.codebooks.fit import distinct_rows
from zador.search import nearest_of_clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_stage", "shrunk"]

_FEW_AXES = 8
_PASS = Lloyd(iterations=10, tolerance=1e-4)


def fit_stage(x: NDArray[Any], codebook_size: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return at most K codewords (K, d) for residuals x (N, d).

    Residuals are spread over many axes, and k-means over all of them at once ends in a poor optimum. So it begins on the 8
    axes of largest variance and goes on with twice as many, until all are in (as [liu2015improved] do).
    At the end the means are shrunk.

    Args:
        x: (N, d) finite, contiguous.
        codebook_size: K; no more codewords than distinct residuals are returned.
        rng: draws the start.
    """
    axes = principal_axes(x)
    directions, mean = axes.directions.astype(x.dtype), axes.mean.astype(x.dtype)
    z = (x - mean) @ directions
    width = min(_FEW_AXES, z.shape[1])
    if distinct_rows(z[:, :width], codebook_size) < codebook_size:  # what tells these vectors apart is on the other axes
        width = z.shape[1]
    here = np.ascontiguousarray(z[:, :width])
    codewords = KMeansPlusPlus()(here, min(codebook_size, distinct_rows(here, codebook_size)), rng)
    while True:
        codewords = _PASS.fit(here, np.ascontiguousarray(codewords, x.dtype)).codewords
        indices = nearest_of_clean(here, codewords).indices
        if width == z.shape[1]:
            return np.asarray(shrunk(codewords, here, indices) @ directions.T + mean)
        width = min(2 * width, z.shape[1])
        here = np.ascontiguousarray(z[:, :width])
        codewords = _widened(codewords, here, indices)


def _widened(codewords: NDArray[Any], x: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[Any]:
    """Return the means of the same cells on more axes; a codeword without vectors stays, at 0 on the new ones."""
    counts = np.bincount(indices, minlength=len(codewords))
    wide = np.zeros((len(codewords), x.shape[1]))
    wide[:, : codewords.shape[1]] = codewords
    for axis in range(codewords.shape[1], x.shape[1]):
        sums = np.bincount(indices, x[:, axis], minlength=len(codewords))
        wide[:, axis] = sums / np.maximum(counts, 1)
    return wide


def shrunk(codewords: NDArray[Any], x: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[Any]:
    """Return `c_kj τ_j² / (τ_j² + σ_j² / n_k)`: the means of cells, drawn to 0 by the part that is sampling noise.

    On axis j the means of cells vary by τ_j² in truth and by σ_j² / n_k because a cell holds only n_k vectors; σ_j² is the
    variance within cells and τ_j² what the observed means vary beyond it (empirical Bayes, [efron1973stein]). On the many
    axes that a late stage knows nothing about, means are noise, and new vectors are served better without it.

    Args:
        codewords: (K, d) means of the cells of x, whose mean is 0.
        x: (N, d) the vectors.
        indices: (N,) the cell of each.
    """
    count, size = len(x), len(codewords)
    if count <= size:
        return codewords
    members = np.bincount(indices, minlength=size).astype(np.float64)
    within = ((x - codewords[indices]) ** 2).sum(axis=0, dtype=np.float64) / (count - size)
    observed = (members @ codewords.astype(np.float64) ** 2) / count
    true = np.maximum(observed - within * size / count, 0.0)
    noise = within / np.maximum(members, 1.0)[:, None]
    return np.asarray(codewords * (true / np.where(true + noise > 0, true + noise, 1.0))).astype(codewords.dtype)
