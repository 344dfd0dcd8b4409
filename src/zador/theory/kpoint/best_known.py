"""The best codebook of K points that is known or found: what the floor is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import UsageError
from zador.theory import scalar
from zador.theory.kpoint import simplex
from zador.theory.kpoint.leading import worth_coding
from zador.theory.kpoint.lloyd import best_of_starts, lloyd
from zador.theory.kpoint.nodes import of_gaussian
from zador.theory.kpoint.particles import nearest
from zador.theory.spectrum import numerical_zero, spectrum_of
from zador.validation import as_count, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LARGEST", "BestKnown", "best_known"]

LARGEST = 4096
_LEVELS = 1024
_SAME = 1e-9
_STARTS = 6
_NODES_A_CODEWORD = 16
_FEW, _MANY = (1 << 10, 1 << 13), 1 << 14


@dataclass(frozen=True)
class BestKnown:
    """A distortion that a codebook of K points reaches.

    Attributes:
        distortion: squared error summed over coordinates, in squared units of the data.
        how: which codebook: `"Lloyd-Max"`, `"regular simplex"`, `"Lloyd, best of 6 starts"`.
        standard_error: of `distortion`, where it is a mean over nodes; 0 where it is exact.
    """

    distortion: float
    how: str
    standard_error: float = 0.0


def best_known(eigenvalues: Any, codebook_size: int, *, seed: int | np.random.Generator = 0) -> BestKnown:
    """Return what the best known codebook of K points reaches for X ~ N(μ, Σ).

    Exact where a formula is known: K up to 2, one axis (Lloyd–Max), equal variances with K up to d + 1 (regular simplex,
    conjectured to be optimal). Elsewhere the best of six runs of Lloyd's algorithm on many nodes, along the axes
    that are worth coding, measured on fresh ones: at the testbed's spectrum within 0.5 % of what long searches have found.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order, or a (D, D) covariance.
        codebook_size: number K of codewords, at most 4096 where a search is needed.
        seed: draws nodes and starts.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or neither spectrum nor covariance.
        UsageError: `codebook_size` is not a whole number of at least 1, or too large to search.

    >>> best_known([1.0, 1.0], 3).how
    'regular simplex'
    """
    size = as_count(codebook_size, "codebook_size")
    spectrum = spectrum_of(eigenvalues)
    variances = spectrum[spectrum > numerical_zero(spectrum)]
    if size == 1 or not len(variances):
        return BestKnown(float(spectrum.sum()) if size == 1 else 0.0, "the mean")
    if size == 2:  # noqa: PLR2004 - two
        return BestKnown(simplex.two_points(spectrum), "two half-spaces")
    if len(variances) == 1 and size <= _LEVELS:
        return BestKnown(float(variances[0]) * scalar.lloyd_max("gaussian", size).distortion, "Lloyd-Max")
    if variances[-1] >= variances[0] * (1.0 - _SAME) and size <= len(variances) + 1:
        return BestKnown(simplex.distortion(len(variances), float(variances[0]), size), "regular simplex")
    if size > LARGEST:
        raise UsageError(f"best_known: searches for at most {LARGEST} codewords, got {size}; fit a codebook instead")
    return _searched(variances, size, generator(seed))


def _searched(variances: NDArray[np.float64], size: int, rng: np.random.Generator) -> BestKnown:
    kept = worth_coding(variances, size)
    variances, rest = variances[:kept], float(variances[kept:].sum())
    spread = (kept + 2) / kept
    few_count = 1 << (int(np.clip(_NODES_A_CODEWORD * size, *_FEW)) - 1).bit_length()
    few, many, fresh = (of_gaussian(variances, count, spread, rng) for count in (few_count, _MANY, _MANY))
    codebook = lloyd(many.whole(), best_of_starts(few.whole(), size, _STARTS, rng)).codebook
    squared = nearest(fresh.whole().x, codebook, 1)[0].reshape(len(fresh.flips), -1)
    values = fresh.replicates(squared.mean(axis=0))
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return BestKnown(rest + float(values.mean()), f"Lloyd, best of {_STARTS} starts", error)
