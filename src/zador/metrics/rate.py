"""What an index costs: entropies of a codebook's usage, in bits per vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import entr

from zador.errors import DataError, UsageError
from zador.units import NATS_PER_BIT
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RatePoint", "cross_entropy_bits", "entropy_bits", "miller_madow_bits"]


@dataclass(frozen=True)
class RatePoint:
    """A point of the rate-distortion plane, and how its rate was counted.

    Attributes:
        rate_bits: bits per vector.
        distortion: mean squared error per vector, summed over coordinates.
        how: what `rate_bits` counts, such as "log2 K", "entropy", "cross-entropy" or "file".
    """

    rate_bits: float
    distortion: float
    how: str


def entropy_bits(counts: Any) -> float:
    """Return `-Σ p_k log2 p_k` with p = counts / Σ counts: the plug-in entropy of usage.

    Below the entropy of the source by about (K - 1) / (2 N ln 2) bits on average: see `miller_madow_bits`.

    Args:
        counts: (K,) how often each codeword was chosen; zeros count nothing.

    Returns:
        Bits per vector, from 0 to log2 K.

    Raises:
        DataError: counts are not a vector of numbers that are at least 0, or all are 0.

    >>> entropy_bits([2, 1, 1, 0])
    1.5
    """
    usage = _as_counts(counts, "counts")
    return float(entr(usage / usage.sum()).sum()) / NATS_PER_BIT


def miller_madow_bits(counts: Any) -> float:
    """Return `entropy_bits + (m - 1) / (2 N ln 2)`, m the codewords in use: the first-order bias taken out.

    Not capped: it may exceed log2 K. Source: miller1955note.

    Args:
        counts: (K,) how often each codeword was chosen, N choices in all.

    Returns:
        Bits per vector.

    Raises:
        DataError: counts are not a vector of numbers that are at least 0, or all are 0.

    >>> round(miller_madow_bits([2, 1, 1, 0]), 4)
    1.8607
    """
    usage = _as_counts(counts, "counts")
    used = int(np.count_nonzero(usage))
    return entropy_bits(usage) + (used - 1) / (2 * float(usage.sum()) * NATS_PER_BIT)


def cross_entropy_bits(held_out_counts: Any, training_counts: Any, *, pseudocount: float = 0.5) -> float:
    """Return `-Σ p_k log2 q_k`: bits per held-out vector that an entropy coder fitted to training usage spends.

    q is (training_counts + pseudocount) / their sum, over all K codewords. A half (krichevsky1981performance) keeps the cost
    of a codeword that training never chose finite; with `pseudocount=0` one such index on held-out vectors costs infinity.

    Args:
        held_out_counts: (K,) how often each codeword was chosen by the vectors that are coded.
        training_counts: (K,) the same for the vectors that the coder was fitted to.
        pseudocount: added to every training count; at least 0.

    Returns:
        Bits per held-out vector; never below their `entropy_bits`.

    Raises:
        DataError: counts are not vectors of the same length K of numbers that are at least 0, or all are 0.
        UsageError: `pseudocount` is negative or not finite.

    >>> cross_entropy_bits([1, 1], [3, 1], pseudocount=0.0) > entropy_bits([1, 1])
    True
    """
    if not 0 <= pseudocount < math.inf:
        raise UsageError(f"pseudocount: expected a finite number that is at least 0, got {pseudocount!r}")
    held_out, training = _as_counts(held_out_counts, "held_out_counts"), _as_counts(training_counts, "training_counts")
    if held_out.shape != training.shape:
        raise DataError(
            f"held_out_counts has {len(held_out)} codewords but training_counts {len(training)}; "
            "count both with the same codebook_size"
        )
    used = held_out > 0
    model = (training + pseudocount)[used] / (training + pseudocount).sum()
    with np.errstate(divide="ignore"):  # an index that the model calls impossible costs infinitely many bits
        costs = -np.log2(model)
    return float(held_out[used] @ costs) / float(held_out.sum())


def _as_counts(counts: Any, name: str) -> NDArray[np.float64]:
    shape = np.shape(counts)
    if len(shape) != 1 or shape[0] == 0:
        raise DataError(f"{name}: expected shape (K,) with K >= 1, got {shape}; count with usage_counts(indices, K)")
    row = as_matrix(counts[None] if hasattr(counts, "dtype") else [counts], name)
    check_finite(row.T, name)
    usage = np.asarray(row[0], np.float64)
    if (usage < 0).any() or not usage.any():
        raise DataError(f"{name}: expected counts that are at least 0 and not all 0, got a least of {usage.min():g}")
    return usage
