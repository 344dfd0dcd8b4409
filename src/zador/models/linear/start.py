"""Where training starts, and what it has to beat: principal axes, k-means++ and Lloyd's algorithm behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import KMeansPlusPlus, Lloyd, keep_empty, principal_axes
from zador.codebooks.fit import check_size
from zador.errors import DataError, UsageError
from zador.models.linear.autoencoder import LinearAutoencoder
from zador.models.linear.members import as_members, as_seeds, each_once
from zador.validation import as_count, check_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["converged", "pca_lloyd", "start"]

# The original algorithm: one draw a round, as protocol A has it.
_SEEDING = KMeansPlusPlus(candidates=1)
_FINALISTS = 3


def start(
    x: Any,
    *,
    codebook_size: int,
    encoder_dim: int,
    seeds: Sequence[int],
    sample: int | None = 8000,
    iterations: int = 20,
    mean: Any = None,
) -> LinearAutoencoder:
    """Return W = the m leading principal axes, E = k-means++ and some rounds of Lloyd on the first projected vectors.

    The axes are eigenvectors of the biased covariance of the centred data, of all N vectors. k-means++ is the original
    one [arthur2007kmeans] on `numpy.random.default_rng(seed)`: the first codeword `integers(0, N)`, the others
    `choice(N, p=d² / Σ d²)`. A codeword whose cell is empty stays.

    Args:
        x: (N, D) for all seeds, or (S, N, D), one matrix a seed.
        codebook_size: K.
        encoder_dim: m, at most D.
        seeds: S seeds, one a member.
        sample: how many vectors, from the first, the codebook sees; None for all.
        iterations: updates of Lloyd's algorithm.
        mean: μ (D,) or (S, D), subtracted before the encoder; zeros if None, as in protocol A.

    Returns:
        `LinearAutoencoder` of S members.

    Raises:
        UsageError: a size that no data could satisfy.
        DataError: fewer than K distinct vectors, or shapes that do not fit.
        NonFiniteError: NaN or infinity.

    Example:
        >>> from zador.data import low_rank_gaussian
        >>> x = low_rank_gaussian(dim=8, rank=4, train=500).train
        >>> model = start(x, codebook_size=4, encoder_dim=2, seeds=[42, 43])
        >>> model.encoder.shape, model.codewords.shape
        ((2, 2, 8), (2, 4, 2))
    """
    learner = Lloyd(iterations=as_count(iterations, "iterations", least=0), tolerance=0, empty=keep_empty)
    limit = None if sample is None else as_count(sample, "sample")

    def fit(z: NDArray[np.float64], seed: int) -> NDArray[Any]:
        check_size(z[:limit], codebook_size)
        return learner.fit(z[:limit], _SEEDING(z[:limit], codebook_size, np.random.default_rng(seed))).codewords

    return _behind_axes(x, as_count(codebook_size, "codebook_size"), encoder_dim, (as_seeds(seeds), mean), fit)


def pca_lloyd(
    x: Any,
    *,
    codebook_size: int,
    encoder_dim: int,
    seeds: Sequence[int],
    iterations: int = 30,
    mean: Any = None,
) -> LinearAutoencoder:
    """Return the baseline of protocol A: `start` on all vectors, with 30 updates of Lloyd's algorithm.

    Arguments, returns and raises as `start`.
    """
    return start(
        x,
        codebook_size=codebook_size,
        encoder_dim=encoder_dim,
        seeds=seeds,
        sample=None,
        iterations=iterations,
        mean=mean,
    )


def converged(
    x: Any,
    *,
    codebook_size: int,
    encoder_dim: int,
    seeds: Sequence[int],
    restarts: int = 1,
    mean: Any = None,
) -> LinearAutoencoder:
    """Return principal axes and Lloyd's algorithm run until no update lowers the training distortion any more.

    Of `restarts` runs from independent k-means++ starts the one with the lowest training distortion is kept; the first
    starts where `pca_lloyd` does. All are run until an update gains less than 3e-4 of the distortion, and the three that are
    lowest there are run to the end: the others, which rarely would have won, cost half as much. Arguments, returns and
    raises as `start`.

    Args:
        x: (N, D) for all seeds, or (S, N, D), one matrix a seed.
        codebook_size: K.
        encoder_dim: m.
        seeds: S seeds, one a member.
        restarts: runs a member.
        mean: μ (D,) or (S, D); zeros if None.
    """
    runs = as_count(restarts, "restarts")
    learner = Lloyd(iterations=100_000, tolerance=0, empty=keep_empty)
    sketch = Lloyd(iterations=100_000, tolerance=3e-4, empty=keep_empty)

    def fit(z: NDArray[np.float64], seed: int) -> NDArray[Any]:
        check_size(z, codebook_size)
        generators = [np.random.default_rng(seed), *map(np.random.default_rng, np.random.SeedSequence(seed).spawn(runs - 1))]
        starts = [_SEEDING(z, codebook_size, generator) for generator in generators]
        if runs > _FINALISTS:
            sketches = sorted((sketch.fit(z, begun) for begun in starts), key=lambda result: result.distortion)
            starts = [result.codewords for result in sketches[:_FINALISTS]]
        return min((learner.fit(z, begun) for begun in starts), key=lambda result: result.distortion).codewords

    return _behind_axes(x, as_count(codebook_size, "codebook_size"), encoder_dim, (as_seeds(seeds), mean), fit)


def _behind_axes(
    x: Any,
    codebook_size: int,
    encoder_dim: int,
    members: tuple[list[int], Any],
    fit: Callable[[NDArray[np.float64], int], NDArray[Any]],
) -> LinearAutoencoder:
    seeds, mean = members
    data = as_members(x, len(seeds), "x")
    dim, kept = data[0].shape[1], as_count(encoder_dim, "encoder_dim")
    if kept > dim:
        raise UsageError(f"encoder_dim: expected at most the {dim} coordinates of the data, got {kept}")
    middle = means_of(mean, len(seeds), dim)
    encoder = np.stack(each_once(data, lambda matrix: principal_axes(matrix).directions[:, :kept].T))
    codewords = np.empty((len(seeds), codebook_size, kept))
    for number, (matrix, seed) in enumerate(zip(data, seeds, strict=True)):
        z = np.ascontiguousarray((matrix - middle[number]) @ encoder[number].T, np.float64)
        codewords[number] = fit(z, seed)
    return LinearAutoencoder(np.ascontiguousarray(encoder), codewords, middle)


def means_of(mean: Any, members: int, dim: int) -> NDArray[np.float64]:
    """Return μ (S, D) for what a caller gave: None, (D,) or (S, D); checked, and a copy."""
    given = np.zeros(dim) if mean is None else np.asarray(mean, np.float64)
    if given.shape not in ((dim,), (members, dim)):
        raise DataError(f"mean: expected shape ({dim},) or ({members}, {dim}), got {given.shape}")
    means = np.array(np.broadcast_to(given, (members, dim)))
    check_finite(means, "mean")
    return means
