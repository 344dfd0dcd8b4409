"""The door of every fit that is asked for a rate: so many bits per vector, of vectors that differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zador.errors import DataError, UsageError
from zador.validation import as_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_bits", "varied_vectors"]


def as_bits(bits: Any, name: str = "bits") -> float:
    """Return `bits` as a float that is positive and finite.

    Raises:
        UsageError: anything else.

    >>> as_bits(3)
    3.0
    """
    try:
        rate = math.nan if isinstance(bits, bool | str) else float(bits)
    except (TypeError, ValueError, OverflowError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise UsageError(f"{name}: expected a positive, finite number of bits per vector, got {bits!r}")
    return rate


def varied_vectors(x: Any, name: str = "x") -> NDArray[Any]:
    """Return x as vectors to compute with, see `as_vectors`; at least two of them differ.

    Raises:
        DataError: no matrix, no vectors, or all alike.
        NonFiniteError: NaN or infinity.
    """
    vectors = as_vectors(x, name)
    if len(vectors) == 0:
        raise DataError(f"{name}: expected at least two different vectors, got none")
    if (vectors.min(axis=0) == vectors.max(axis=0)).all():
        raise DataError(f"{name}: expected at least two different vectors, got {len(vectors)} that are all alike")
    return vectors
