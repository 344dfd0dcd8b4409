"""Which codewords are used, and how evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.metrics.rate import entropy_bits
from zador.validation import as_count, is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dead_codes", "perplexity", "usage_counts", "utilisation"]

_NAMED = 5


def usage_counts(indices: Any, codebook_size: int) -> NDArray[np.int64]:
    """Return how often each of K codewords occurs among `indices`.

    Args:
        indices: whole numbers from 0 to K - 1, of any shape: NumPy array, CPU tensor, or nested sequence.
        codebook_size: number K of codewords.

    Returns:
        (K,) int64 counts.

    Raises:
        DataError: indices are not whole numbers, or some are out of range; the message counts them.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> usage_counts([0, 2, 2], 4)
    array([1, 0, 2, 0])
    """
    size = as_count(codebook_size, "codebook_size")
    flat = np.asarray(indices.detach().cpu() if is_torch(indices) else indices).ravel()
    if flat.size == 0:
        return np.zeros(size, np.int64)
    if flat.dtype.kind not in "iu":
        raise DataError(f"indices: expected whole numbers, got dtype {flat.dtype}; pass the indices, not the codewords")
    outside = flat[(flat < 0) | (flat >= size)]
    if len(outside):
        first = ", ".join(str(index) for index in outside[:_NAMED]) + (", ..." if len(outside) > _NAMED else "")
        raise DataError(
            f"indices: expected 0 to {size - 1}, got {len(outside)} of {flat.size} outside ({first}); "
            "is codebook_size that of the codebook they came from?"
        )
    return np.bincount(flat.astype(np.int64, copy=False), minlength=size).astype(np.int64, copy=False)


def dead_codes(counts: Any) -> int:
    """Return the number of codewords that nothing chose.

    Args:
        counts: (K,) from `usage_counts`.

    >>> dead_codes([2, 1, 1, 0])
    1
    """
    return int((np.asarray(counts) == 0).sum())


def utilisation(counts: Any) -> float:
    """Return the share of codewords that something chose, from 0 to 1.

    Args:
        counts: (K,) from `usage_counts`, K at least 1.

    >>> utilisation([2, 1, 1, 0])
    0.75
    """
    return 1.0 - dead_codes(counts) / len(counts)


def perplexity(counts: Any) -> float:
    """Return `2 ** entropy_bits(counts)`: the codebook size that, evenly used, would have this entropy.

    Args:
        counts: (K,) from `usage_counts`.

    Raises:
        DataError: counts are not a vector of numbers that are at least 0, or all are 0.

    >>> perplexity([5, 5, 5, 5, 0, 0])
    4.0
    """
    return float(2.0 ** entropy_bits(counts))
