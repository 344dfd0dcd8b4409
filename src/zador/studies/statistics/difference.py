"""Two arms, the same seeds: what the difference is, and whether it is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from zador.errors import DataError
from zador.studies.statistics.interval import (
    FEW,
    as_values,
    check_confidence,
    interval_of_mean,
    interval_of_median,
    is_constant,
    median_of,
)
from zador.studies.statistics.sign_flips import sign_flip_p, signed_ranks
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Difference", "compare", "reversed_arms"]

_EPS = float(np.finfo(np.float64).eps)
_NAN = float("nan")


@dataclass(frozen=True)
class Difference:
    """Paired differences a - b of n runs with equal seeds.

    Attributes:
        n: number of pairs, those with failed runs included.
        mean: of a - b, in the metric's own unit; NaN if a run failed.
        median: of a - b, a failed run taken for worst, so it may be infinite.
        relative: mean as a share of the mean of b; NaN if a run failed, or that mean is zero.
        low: lower end of the interval of the mean, of the median if a run failed; NaN for a single pair.
        high: upper end.
        p: two-sided p-value of "no difference", unadjusted; NaN for a single pair: one seed decides nothing.
        standardised: d_z = mean / standard deviation of the differences; infinite where they are all alike; NaN for a single
            pair and if a run failed.
        method: test and interval, in words.
        failures_a: runs of a without a finite value.
        failures_b: the same of b.
        differences: (n,) a - b of each pair, infinite where one of the two failed, 0 where both did.
    """

    n: int
    mean: float
    median: float
    relative: float
    low: float
    high: float
    p: float
    standardised: float
    method: str
    failures_a: int
    failures_b: int
    differences: tuple[float, ...]

    @property
    def failures(self) -> int:
        """Failed runs of both arms."""
        return self.failures_a + self.failures_b

    @property
    def effect(self) -> float:
        """The mean difference, or the median one if a run failed."""
        return self.median if self.failures else self.mean


def compare(
    a: Any,
    b: Any,
    *,
    confidence: float = 0.95,
    family: int = 1,
    lower_is_better: bool = True,
    seed: int | np.random.Generator = 0,
) -> Difference:
    """Return what arm a gives less or more than arm b, seed by seed.

    Below 10 pairs: Student's paired t. From 10 on: BCa interval of the mean, sign-flip permutation p. If runs failed: they
    count as worst and are never dropped, a pair in which both failed is a tie; the test is that of signed ranks
    (wilcoxon1945individual) by sign flips, the interval that of the median, and there is no standardised effect.

    Args:
        a: (n,) one number a run; NaN or infinite where the run failed.
        b: (n,) the other arm with the same seeds in the same order.
        confidence: probability with which the interval is to cover.
        family: number of comparisons that are read together: the interval is widened to `1 - (1 - confidence) / family`
            (Bonferroni), so that all of them cover at once. The p-value is never adjusted here, see `holm`.
        lower_is_better: which way worst is, for runs that failed.
        seed: of bootstrap and random sign flips.

    Raises:
        DataError: the arms have no runs, or different numbers of them.
        UsageError: `confidence` is not between 0 and 1, or `family` not a count.

    >>> compare([2.0, 3.0, 4.0], [2.0, 3.0, 4.0]).p
    1.0
    >>> one = compare([2.0, 3.1, 4.0], [2.5, 3.5, 4.6])
    >>> round(one.mean, 6), round(one.low, 2), round(one.high, 2)
    (-0.5, -0.75, -0.25)
    """
    first, second = as_values(a, "a"), as_values(b, "b")
    if len(first) != len(second):
        raise DataError(f"compare: expected one run of each arm a seed, got {len(first)} of a and {len(second)} of b")
    check_confidence(confidence)
    level = 1 - (1 - confidence) / as_count(family, "family")
    failed_a, failed_b = ~np.isfinite(first), ~np.isfinite(second)
    counts = (int(failed_a.sum()), int(failed_b.sum()))
    if any(counts):
        worst = np.inf if lower_is_better else -np.inf
        return _by_ranks(_extended(first, second, worst), counts, level, seed)
    differences = _without_rounding(first, second)
    low, high, interval = interval_of_mean(differences, level, seed)
    p, test = _test(differences, seed)
    mean, scale = float(differences.mean()), abs(float(second.mean()))
    return Difference(
        n=len(differences),
        mean=mean,
        median=median_of(differences),
        relative=mean / scale if scale > 0 else _NAN,
        low=low,
        high=high,
        p=p,
        standardised=_standardised(differences),
        method=test if interval == test else f"{test}; interval: {interval}",
        failures_a=0,
        failures_b=0,
        differences=tuple(differences.tolist()),
    )


def reversed_arms(difference: Difference) -> Difference:
    """Return b - a; `relative` becomes NaN, since the mean of a is not known here."""
    return replace(
        difference,
        mean=-difference.mean,
        median=-difference.median,
        relative=_NAN,
        low=-difference.high,
        high=-difference.low,
        standardised=-difference.standardised,
        failures_a=difference.failures_b,
        failures_b=difference.failures_a,
        differences=tuple(-each for each in difference.differences),
    )


def _by_ranks(
    differences: NDArray[np.float64], failures: tuple[int, int], level: float, seed: int | np.random.Generator
) -> Difference:
    alone = len(differences) == 1
    low, high, interval = (_NAN, _NAN, "one run has no interval") if alone else interval_of_median(differences, level)
    return Difference(
        n=len(differences),
        mean=_NAN,
        median=median_of(differences),
        relative=_NAN,
        low=low,
        high=high,
        p=_NAN if alone else sign_flip_p(signed_ranks(differences), seed=seed),
        standardised=_NAN,
        method=f"signed ranks, failed runs worst; interval: {interval}",
        failures_a=failures[0],
        failures_b=failures[1],
        differences=tuple(differences.tolist()),
    )


def _extended(first: NDArray[np.float64], second: NDArray[np.float64], worst: float) -> NDArray[np.float64]:
    """Return a - b with failed runs at `worst`, and 0 where both failed."""
    a, b = (np.where(np.isfinite(values), values, worst) for values in (first, second))
    both = ~np.isfinite(first) & ~np.isfinite(second)
    return np.subtract(a, b, out=np.zeros(len(a)), where=~both)


def _without_rounding(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a - b; no more than the rounding of a and b is zero, and what varies by no more is constant."""
    differences = first - second
    rounding = 4 * _EPS * np.maximum(np.abs(first), np.abs(second))
    differences[np.abs(differences) <= rounding] = 0.0
    if np.ptp(differences) <= 2 * rounding.max():
        differences[:] = np.median(differences)
    return differences


def _test(differences: NDArray[np.float64], seed: int | np.random.Generator) -> tuple[float, str]:
    if len(differences) == 1:
        return _NAN, "one seed decides nothing"
    if not differences.any():
        return 1.0, "all runs alike"
    if len(differences) < FEW and not is_constant(differences):
        return float(stats.ttest_1samp(differences, 0.0).pvalue), "Student's t"
    return sign_flip_p(differences, seed=seed), "sign flips"


def _standardised(differences: NDArray[np.float64]) -> float:
    if len(differences) == 1:
        return _NAN
    if is_constant(differences):
        return float(np.copysign(np.inf, differences[0])) if differences.any() else 0.0
    return float(differences.mean() / differences.std(ddof=1))
