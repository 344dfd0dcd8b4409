"""Differences over random splits of one data set, whose parts overlap and so are not independent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from zador.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Resampled", "resampled"]


class Resampled(NamedTuple):
    """A mean over n random splits.

    Attributes:
        mean: in the unit of the values.
        standard_error: of the mean, for the overlap corrected; NaN for one split.
        p: two-sided p-value of "the mean is zero"; NaN for one split: it decides nothing.
    """

    mean: float
    standard_error: float
    p: float


def resampled(values: ArrayLike, held_out: float) -> Resampled:
    """Return the corrected resampled t-test [nadeau2003inference]: s.e.² = (1/n + h / (1 - h)) s², n - 1 degrees of freedom.

    Splits draw their parts from the same vectors. Taken for independent, n of them would shrink the standard error by √n
    however few vectors there are; with the second term it never falls below √(h / (1 - h)) s.

    Args:
        values: (n,) one number a split, finite: an error, or a difference of two.
        held_out: h, share of the vectors that a split judges on, between 0 and 1.

    Raises:
        UsageError: no values, or a share out of range.

    >>> found = resampled([1.0, 1.2, 0.8, 1.1], 0.25)
    >>> round(found.mean, 3), round(found.standard_error, 3), round(found.p, 4)
    (1.025, 0.13, 0.0043)
    """
    given = np.asarray(values, np.float64)
    if given.ndim != 1 or not len(given) or not 0 < held_out < 1:
        raise UsageError(f"resampled: expected values (n,) and a share between 0 and 1, got {given.shape} and {held_out}")
    mean, count = float(given.mean()), len(given)
    if count == 1:
        return Resampled(mean, math.nan, math.nan)
    error = float(given.std(ddof=1)) * math.sqrt(1 / count + held_out / (1 - held_out))
    if error == 0:
        return Resampled(mean, 0.0, 0.0 if mean else 1.0)
    return Resampled(mean, error, float(2 * stats.t.sf(abs(mean) / error, count - 1)))
