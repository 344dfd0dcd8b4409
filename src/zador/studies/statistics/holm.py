"""Holm's correction: many questions asked of one table, and still at most 5 % chance of a single false alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["holm"]


def holm(p_values: Any, *, family: int | None = None) -> NDArray[np.float64]:
    """Return adjusted p-values: for p_(1) <= ... <= p_(m), max over i <= j of min(1, (m - i + 1) p_(i)) (holm1979simple).

    Args:
        p_values: (k,) p-values; NaN where no test was possible, and NaN it stays.
        family: m, the number of tests of the family; by default those that are not NaN.

    Raises:
        DataError: not a vector, or a p-value outside [0, 1].
        UsageError: `family` is smaller than the number of tests.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    given = np.asarray(p_values, np.float64)
    if given.ndim != 1 or np.any((given < 0) | (given > 1)):
        raise DataError(f"holm: expected a vector of probabilities, or NaN where there is none, got {p_values!r}")
    tested = np.flatnonzero(~np.isnan(given))
    size = len(tested) if family is None else as_count(family, "family", least=0)
    if size < len(tested):
        raise UsageError(f"family: expected at least the {len(tested)} tests that there are, got {family}")
    order = tested[np.argsort(given[tested], kind="stable")]
    adjusted = np.full(len(given), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate((size - np.arange(len(order))) * given[order]), 1.0)
    return adjusted
