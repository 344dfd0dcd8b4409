"""Fitting a residual quantizer: stage by stage, then all stages together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from zador.codebooks.fit import check_size
from zador.errors import UsageError
from zador.quantizers.base import count_usage
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.stage import fit_stage
from zador.search import nearest_of_clean
from zador.validation import as_count, as_counts, as_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.quantizers.base import Origin

__all__ = ["fit_residual", "refit"]

# Of the mean count of a codeword: the stages can shift a constant among themselves, which has to be held somewhere.
_RIDGE = 1e-3
_MOST_CODEWORDS = 1 << 13
# Training vectors a codeword of a stage from which the re-fit lowered the error of new vectors too; below, only that of
# the training vectors (measured on Gaussian data; on photographs already from 800).
_PLENTY, _ROUNDS = 1500, 5


def fit_residual(
    x: Any,
    *,
    stages: int = 8,
    codebook_size: int | Sequence[int] = 256,
    beam: int = 5,
    refits: int | None = None,
    seed: int = 0,
) -> ResidualQuantizer:
    """Return a residual quantizer of `Σ log2 codebook_size` bits, fitted to x.

    First each stage is fitted to the residuals of the stages before it, by k-means that starts on few axes, its codewords
    shrunk by their sampling noise. Then `refits` times all vectors are encoded with the beam, and all codewords of all
    stages are moved at once to where the training error of these indices is least (`refit`); the best round is kept.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        stages: S, any number.
        codebook_size: K of every stage, or one number a stage; a stage with fewer distinct residuals gets only as many
            codewords.
        beam: sums that are carried from stage to stage, here and in `encode`; 1 is greedy.
        refits: rounds of encoding and joint re-fit; with 0 the stages stay as they were fitted one by one. By default 5
            where there are 1500 training vectors a codeword of a stage, and 0 where there are fewer: there the re-fit
            still lowers the training error, but learns the noise of the training vectors.
        seed: of all random choices; same input, same seed, same machine: same bits.

    Raises:
        UsageError: counts that make no sense, or more than 8192 codewords in all with `refits` > 0.
        DataError: fewer distinct vectors than `codebook_size`, not a matrix.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((2000, 8))
        >>> quantizer = fit_residual(x, stages=4, codebook_size=16)
        >>> quantizer.bits, quantizer.encode(x[:1]).shape
        (16.0, (1, 4))
    """
    vectors = as_vectors(x, "x")
    as_count(beam, "beam")
    sizes = as_counts(codebook_size, "codebook_size", as_count(stages, "stages"))
    check_size(vectors, max(sizes))
    rounds = _rounds(len(vectors), sizes, refits)
    mean = vectors.mean(axis=0, dtype=np.float64).astype(vectors.dtype)
    centred = vectors - mean
    rng = np.random.default_rng(as_count(seed, "seed", least=0))
    codebooks = _stage_by_stage(centred, sizes, rng)
    usage = tuple(np.zeros(len(codebook)) for codebook in codebooks)
    quantizer = ResidualQuantizer(mean=mean, codebooks=codebooks, beam=beam, usage=usage)
    best, indices = quantizer, quantizer.encode(vectors)
    error, latest = _error(best, centred, indices), indices
    for _ in range(rounds):
        quantizer = replace(quantizer, codebooks=refit(centred, latest, quantizer.codebooks))
        latest = quantizer.encode(vectors)
        found = _error(quantizer, centred, latest)
        # A beam may miss sums that it found before, so a round can lose; from there the next ones may still gain.
        if found < error:
            best, indices, error = quantizer, latest, found
    origin: Origin = {"beam": beam, "refits": rounds, "training_distortion": error, "seed": int(seed)}
    return replace(best, usage=count_usage(indices, best.sizes), origin=origin)


def refit(x: NDArray[Any], indices: NDArray[np.int64], codebooks: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """Return the codebooks that minimise `Σ_n ||x_n - Σ_s c_s,i_ns||²` for given indices: a linear least-squares problem.

    With Z (N, ΣK_s) the indicator of the indices, the change Δ of all codewords solves `(ZᵀZ + εI) Δ = Zᵀ(X - Z C)`
    (additive codebook update, [babenko2014additive]). The small ridge ε keeps codewords that no vector chose where they
    are, and settles the constants that stages could pass to one another.

    Args:
        x: (N, d) vectors.
        indices: (N, S) of the codewords that each is the sum of.
        codebooks: S tables (K_s, d), where the change starts from.
    """
    sizes = [len(codebook) for codebook in codebooks]
    first = np.concatenate([[0], np.cumsum(sizes)])
    columns = (indices + first[:-1]).ravel()
    rows = np.arange(0, len(columns) + 1, len(sizes))
    chosen = csr_array((np.ones(len(columns)), columns, rows), shape=(len(x), int(first[-1])))
    table = np.concatenate(codebooks).astype(np.float64)
    gram = (chosen.T @ chosen).toarray()
    slope = chosen.T @ (x - chosen @ table)
    gram[np.diag_indices_from(gram)] += _RIDGE * len(x) * len(sizes) / first[-1]
    moved = table + cho_solve(cho_factor(gram, overwrite_a=True), slope)
    return tuple(part.astype(x.dtype) for part in np.split(moved, first[1:-1]))


def _rounds(count: int, sizes: tuple[int, ...], refits: int | None) -> int:
    codewords = sum(sizes)
    if refits is None:
        return _ROUNDS if count >= _PLENTY * max(sizes) and codewords <= _MOST_CODEWORDS else 0
    if as_count(refits, "refits", least=0) and codewords > _MOST_CODEWORDS:
        raise UsageError(
            f"{len(sizes)} stages hold {codewords} codewords, too many to re-fit at once (at most {_MOST_CODEWORDS}); "
            "pass refits=0, or smaller codebooks in more stages"
        )
    return refits


def _stage_by_stage(x: NDArray[Any], sizes: tuple[int, ...], rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    residual, codebooks = x.copy(), []
    for size in sizes:
        codebook = fit_stage(residual, size, rng)
        residual -= codebook[nearest_of_clean(residual, codebook).indices]
        codebooks.append(codebook)
    return tuple(codebooks)


def _error(quantizer: ResidualQuantizer, centred: NDArray[Any], indices: NDArray[np.int64]) -> float:
    residual = centred - (quantizer.decode(indices) - quantizer.mean)
    return float((residual**2).sum(axis=1, dtype=np.float64).mean())
