"""How far a measured distortion is from a limit, in decibels and in bits.

`gap_bits` and `effective_bits` compare with the Gaussian source that has the data's covariance. For such a source a gap
below zero means a mistake: a per-coordinate mean compared with a sum, or vectors that the codebook was fitted to. Other
sources can be easier than it.
"""

from __future__ import annotations

import math
from typing import Any

from zador.errors import UsageError
from zador.theory.gaussian import rate_distortion
from zador.units import decibels

__all__ = ["effective_bits", "gap_bits", "gap_db"]


def gap_db(distortion: float, reference: float) -> float:
    """Return `10 log10(distortion / reference)`: 3 dB is twice the error, 6 dB a bit per dimension at high rate.

    Args:
        distortion: measured squared error, at least 0, counted as `reference` is: both summed, or both per dim.
        reference: the limit that it is held against, above 0.

    Returns:
        Decibels; positive when `distortion` is worse than `reference`.

    Raises:
        UsageError: a negative distortion, or a reference that is not positive.

    >>> round(gap_db(2.0, 1.0), 4)
    3.0103
    """
    if not (0 <= distortion < math.inf and 0 < reference < math.inf):
        raise UsageError(
            f"gap_db: expected a finite distortion >= 0 and a finite reference > 0, got {distortion!r} and {reference!r}"
        )
    return decibels(distortion / reference)


def effective_bits(eigenvalues: Any, distortion: float) -> float:
    """Return `R(distortion)`, the rate at which an ideal code for the Gaussian source would make that error.

    Near 0 it says that the codes tell almost nothing about the vectors, whatever log2 K is.

    Args:
        eigenvalues: (D,) of the data's covariance, in any order.
        distortion: measured squared error summed over coordinates, at least 0.

    Returns:
        Bits per vector; 0 from the trace on, infinite without error.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `distortion` is negative or NaN.

    >>> effective_bits([4.0, 2.0, 1.0, 0.25], 1.75)
    3.0
    """
    return float(rate_distortion(eigenvalues, distortion))


def gap_bits(eigenvalues: Any, distortion: float, rate_bits: float) -> float:
    """Return `rate_bits - R(distortion)`: the bits spent that an ideal code for the Gaussian source would not need.

    Args:
        eigenvalues: (D,) of the data's covariance, in any order.
        distortion: measured squared error summed over coordinates, at least 0.
        rate_bits: the rate that was spent, in bits per vector: log2 K, or an entropy.

    Returns:
        Bits per vector; positive when there is something to gain.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `distortion` is negative or NaN.

    >>> gap_bits([4.0, 2.0, 1.0, 0.25], 1.75, rate_bits=5.0)
    2.0
    """
    return rate_bits - effective_bits(eigenvalues, distortion)
