"""Where a measured error comes from: five terms that add up to it exactly.

Vectors x in R^D pass a linear encoder z = W x of m dimensions, get an index I of K, and are decoded to x̂_I. With the
moments of the sample, y the best affine prediction of x from z, and m_I the mean of the vectors with the same index,

    E|x - x̂_I|²  =  Σ_{i>m} λ_i                          dropped: what every linear encoder to m dimensions loses
                  + E|x - y|² - Σ_{i>m} λ_i               misalignment: what this one loses beyond that, >= 0
                  + floor(Cov y, K)                       what no K points do better on a Gaussian with the spectrum of y
                  + E|x - m_I|² - E|x - y|² - floor       codebook sub-optimality
                  + Σ_k p_k |m_k - x̂_k|²                  decoder mismatch: x̂_k is not the mean of its cell, >= 0

Lines 1, 2 and 5 are identities of any sample (Pythagoras, twice), whatever the source. The floor is a theorem about a
Gaussian, so the fourth term may be negative: on the vectors that the codebook was fitted to, for a source that is easier
than a Gaussian, and for indices that know more of x than z does. It is never clipped. Source of the two conditions that
make the last two terms vanish: lloyd1982least; of the encoder's share: berger1971rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zador.errors import DataError, UsageError
from zador.theory import gaussian
from zador.theory.cautions import floor_warnings, measured_warnings, sample_warnings
from zador.theory.gap.cells import cells_of, squared_errors
from zador.theory.gap.terms import GapDecomposition
from zador.theory.kpoint import KPointBound, lower_bound
from zador.theory.linear_encoder import EncodedGaussian, encoded
from zador.theory.spectrum import spectrum_of
from zador.validation import as_count, as_indices, as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.gap.cells import Cells

__all__ = ["Floor", "decompose", "shannon_floor"]

Floor: TypeAlias = float | KPointBound | Callable[[Any, int], KPointBound]

_SIGMAS = 2.0
_PER_CELL = 10


def decompose(
    vectors: Any, indices: Any, reconstructions: Any, *, encoder: Any = None, floor: Floor | None = None
) -> GapDecomposition:
    """Return dropped + misalignment + floor + codebook sub-optimality + decoder mismatch = mean of |x - x̂|².

    Computed from the centred sample in float64, a block of rows at a time. `dropped` and `misalignment` come from
    eigenvalues and are known to about D eps λ_1; a misalignment within D² eps λ_1 of zero is zero.

    Args:
        vectors: (N, D) vectors x that were measured, N >= 1.
        indices: (N,) the index that each of them got, from 0 to K - 1. Indices that nobody got are fine.
        reconstructions: (K, D) what the decoder answers to each index, in the space of x; a code's table itself, if the
            code is one of x. A table of z has to be decoded first.
        encoder: (m, D) matrix W, m <= D, of the linear encoder z = W x that the quantizer stands behind; None for none.
            An offset of z changes nothing. Rows that repeat others count in m, so that what they waste is misalignment.
        floor: squared error that no K points go below, in the units of x: a number, a bound, or a function of
            (eigenvalues, K) such as `shannon_floor`, called with the spectrum of y. None calls `kpoint.lower_bound`, which
            may take half a minute.

    Returns:
        The terms, with warnings about units, leakage, too small samples, and a floor that is not certified.

    Raises:
        DataError: no vectors, shapes that do not fit, indices that are no whole numbers from 0 to K - 1, or squares that
            overflow.
        NonFiniteError: NaN or infinity, also in a reconstruction that is not used.
        UsageError: a floor that is negative or not finite.

    >>> x = np.random.default_rng(0).normal(size=(4000, 2)) * [2.0, 1.0]
    >>> side = (x[:, 0] > 0).astype(int)
    >>> result = decompose(x, side, [[-1.5, 0.0], [1.5, 0.0]], encoder=[[1.0, 0.0]])
    >>> [round(value, 2) for value in (result.dropped, result.misalignment, result.floor, result.measured)]
    [0.99, 0.0, 1.48, 2.47]
    >>> math.fsum(term.value for term in result.terms()) == result.measured
    True
    """
    x, table = _vectors(vectors, "vectors"), _vectors(reconstructions, "reconstructions")
    if table.shape[1] != x.shape[1]:
        raise DataError(
            f"reconstructions: expected shape (K, {x.shape[1]}) in the space of the vectors {x.shape}, got {table.shape}; "
            "decode the codewords first"
        )
    chosen = as_indices(indices, len(table))
    if chosen.shape != (len(x),):
        raise DataError(f"indices: expected shape ({len(x)},), one for each vector, got {chosen.shape}")
    cells, errors = cells_of(x, chosen, len(table)), squared_errors(x, chosen, table)
    seen = _seen(cells.covariance, encoder)
    bound, given = _floor(floor, seen.spectrum, len(table))
    offsets = _mismatches(cells, table)
    losses = (seen.dropped, seen.misalignment, bound.distortion, math.fsum(cells.counts / len(x) * offsets))
    mean = math.fsum(errors) / len(errors)
    rest = math.fsum((mean, *(-loss for loss in losses)))
    spread = float(errors.std(ddof=1)) / math.sqrt(len(x)) if len(x) > 1 else math.nan
    return GapDecomposition(
        # The sum is `mean` but for a tie in rounding. Beside a much larger floor its last digits would be the floor's.
        measured=math.fsum((*losses, rest)) if abs(rest) <= mean else mean,
        standard_error=spread,
        dropped=losses[0],
        misalignment=losses[1],
        floor=losses[2],
        suboptimality=rest,
        mismatch=losses[3],
        mismatch_noise=_noise(cells, chosen, errors, offsets),
        certified=None if given else bound.certified,
        how=bound.how,
        count=len(x),
        dim=x.shape[1],
        encoder_dim=len(seen.spectrum),
        codebook_size=len(table),
        used=int(np.count_nonzero(cells.counts)),
        spectrum=tuple(seen.spectrum.tolist()),
        warnings=_warnings(mean, spread, losses, cells) + (() if given else floor_warnings(bound)),
    )


def shannon_floor(eigenvalues: Any, codebook_size: int) -> KPointBound:
    """Return Shannon's `D(log2 K)` as a floor: certified, at once, in any dimension, and far below what K points can do.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> print(shannon_floor([4.0, 2.0, 1.0, 0.25], 8))
    squared error at least 1.75 (Shannon, certified)
    """
    bits = math.log2(as_count(codebook_size, "codebook_size"))
    return KPointBound(gaussian.distortion_rate(eigenvalues, bits), certified=True, how="Shannon")


def _vectors(array: Any, name: str) -> NDArray[Any]:
    matrix = as_matrix(array, name)
    if not len(matrix):
        raise DataError(f"{name}: expected at least one row, got shape {matrix.shape}")
    check_finite(matrix, name)
    return matrix


def _seen(covariance: NDArray[np.float64], encoder: Any) -> EncodedGaussian:
    return EncodedGaussian(spectrum_of(covariance), 0.0, 0.0) if encoder is None else encoded(covariance, encoder)


def _floor(floor: Floor | None, spectrum: NDArray[np.float64], size: int) -> tuple[KPointBound, bool]:
    """Return the floor as a bound, and whether it was given as a number, of which nobody knows if it is one."""
    if floor is None or callable(floor):
        return (lower_bound if floor is None else floor)(spectrum, size), False
    if isinstance(floor, KPointBound):
        return floor, False
    try:
        number = float(floor)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"floor: expected a squared error of at least 0, a KPointBound, or a function, got {floor!r}")
    return KPointBound(number, certified=False, how="given as a number"), True


def _mismatches(cells: Cells, table: NDArray[Any]) -> NDArray[np.float64]:
    """Return (K,) |m_k - x̂_k|², and 0 where a cell is empty."""
    offset = np.where(cells.counts[:, None] > 0, cells.means - (table - cells.origin), 0.0)
    return np.asarray(np.einsum("ij,ij->i", offset, offset))


def _noise(cells: Cells, indices: NDArray[np.int64], errors: NDArray[np.float64], offsets: NDArray[np.float64]) -> float:
    """Return Σ_k s_k² / N, with s_k² the unbiased variance within cell k, which the sum of its errors contains."""
    within = np.bincount(indices, errors, len(offsets)) - cells.counts * offsets
    several = cells.counts > 1
    return float((np.maximum(within[several], 0.0) / (cells.counts[several] - 1)).sum() / len(indices))


def _warnings(mean: float, spread: float, losses: tuple[float, ...], cells: Cells) -> tuple[str, ...]:
    # The error was summed here, so it is no mean over coordinates: dim=1 asks no such question.
    count, bound = int(cells.counts.sum()), math.fsum(losses[:3])
    lines = measured_warnings(mean, floor=bound, dim=1, standard_error=spread)
    if not lines and mean - losses[3] + _SIGMAS * spread < bound:
        lines = (f"cell means below the K-point floor ({mean - losses[3]:.6g} < {bound:.6g}): fitted to these vectors?",)
    if count < _PER_CELL * len(cells.counts):
        few = f"cell means from n = {count} < 10 K = {_PER_CELL * len(cells.counts)} vectors"
        lines += (f"{few}: sub-optimality too low, mismatch too high",)
    return lines + sample_warnings(count, len(cells.origin))
