"""How many seeds would settle it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from zador.errors import UsageError
from zador.studies.statistics.interval import is_constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.statistics.difference import Difference

__all__ = ["CEILING", "needed", "power", "unresolved"]

CEILING = 10_000


def power(seeds: int, standardised: float, *, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided paired t-test with `seeds` pairs resolves an effect of `standardised` = mean / s.d.

    P(|T| > t_{1 - alpha/2, n-1}) for T noncentral t with n - 1 degrees of freedom and noncentrality sqrt(n) d_z.

    Raises:
        UsageError: fewer than 2 seeds, or `alpha` not between 0 and 1.

    >>> round(power(20, 0.5), 3)
    0.565
    """
    if seeds < 2 or not 0 < alpha < 1:  # noqa: PLR2004 - one pair has no spread
        raise UsageError(f"power: expected at least 2 seeds and 0 < alpha < 1, got seeds={seeds!r}, alpha={alpha!r}")
    freedom, shift = seeds - 1, math.sqrt(seeds) * abs(standardised)
    limit = float(stats.t.isf(alpha / 2, freedom))
    upper = float(stats.nct.sf(limit, freedom, shift))
    lower = float(stats.nct.cdf(-limit, freedom, shift))
    if math.isnan(upper):  # far beyond the limit, where the series of the noncentral t gives up
        upper = float(stats.norm.sf(limit - shift))
    return min(1.0, upper + (0.0 if math.isnan(lower) else lower))


def needed(
    difference: Difference, threshold: float | NDArray[np.float64] = 0.0, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Return the number of seeds with which an effect of the size observed would be resolved with probability `power`.

    From the noncentral t of the paired test; with failed runs from Noether's formula for the sign test
    (noether1987sample). It is an estimate from the runs at hand, and as uncertain as the effect that they show.

    Args:
        difference: from `compare`.
        threshold: what it is to be told from, in the metric's own unit, one number or one a pair.
        power: chance to resolve it.
        alpha: level of the two-sided test; in a family of m comparisons 0.05 / m.

    Returns:
        The number, `CEILING + 1` where it is more than 10,000, None where one seed tells nothing about the spread.

    Raises:
        UsageError: `power` or `alpha` not between 0 and 1.

    >>> from zador.studies.statistics import compare
    >>> needed(compare([1.0, 1.3, 0.9, 1.2], [1.0, 1.0, 1.0, 1.0]))
    29
    """
    if not (0 < power < 1 and 0 < alpha < 1):
        raise UsageError(f"needed: expected power and alpha between 0 and 1, got {power!r} and {alpha!r}")
    if difference.n == 1:
        return None
    distances = np.asarray(difference.differences) - threshold
    if difference.failures:
        return _by_signs(distances, power, alpha)
    if not distances.any():
        return CEILING + 1
    if is_constant(distances):
        return _least_for_signs(alpha)
    return _by_t(float(distances.mean() / distances.std(ddof=1)), power, alpha)


def unresolved(seeds: int, more: int | None) -> str:
    """Return the words for a comparison that decided nothing.

    >>> unresolved(5, 37)
    'not resolved with 5 seeds, about 37 needed'
    >>> unresolved(1, None), unresolved(20, 10_001)
    ('not resolved: one seed decides nothing', 'not resolved with 20 seeds, more than 10,000 needed')
    """
    if seeds == 1 or more is None:
        return "not resolved: one seed decides nothing"
    wanted = "more than 10,000" if more > CEILING else f"about {more:,}"
    return f"not resolved with {seeds} seeds, {wanted} needed"


def _by_t(standardised: float, wanted: float, alpha: float) -> int:
    if power(CEILING, standardised, alpha=alpha) < wanted:
        return CEILING + 1
    low, high = 1, CEILING
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, standardised, alpha=alpha) >= wanted else (middle, high)
    return high


def _by_signs(differences: NDArray[np.float64], wanted: float, alpha: float) -> int:
    share = float(np.mean(differences > 0) + np.mean(differences == 0) / 2)
    if share == 1 / 2:
        return CEILING + 1
    sum_of_quantiles = float(stats.norm.isf(alpha / 2) + stats.norm.ppf(wanted))
    count = math.ceil(sum_of_quantiles**2 / (4 * (share - 1 / 2) ** 2))
    return min(max(count, _least_for_signs(alpha)), CEILING + 1)


def _least_for_signs(alpha: float) -> int:
    """Return the smallest n with 2 / 2^n <= alpha: with fewer pairs no sign test resolves anything."""
    return max(2, math.ceil(1 - math.log2(alpha)))
