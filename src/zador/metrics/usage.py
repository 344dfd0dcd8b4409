"""Which codewords are used, and how evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.metrics.rate import entropy_bits
from zador.validation import as_count, as_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dead_codes", "perplexity", "usage_counts", "utilisation"]


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
    return np.bincount(as_indices(indices, size).ravel(), minlength=size).astype(np.int64, copy=False)


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
