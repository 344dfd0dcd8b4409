"""Several data sets, several runs on each: one number, with an interval that knows how it came about (agarwal2021deep).

Scores of different data sets must be comparable before they are pooled: gaps to the bound are, squared errors are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zador.errors import DataError
from zador.studies.statistics.interval import as_values, check_confidence
from zador.validation import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Aggregate",
    "Profile",
    "Statistic",
    "aggregate",
    "interquartile_mean",
    "performance_profile",
    "probability_of_improvement",
]

_RESAMPLES = 2_000


class Statistic(Protocol):
    """A number from pooled scores, worked out along an axis."""

    def __call__(self, scores: NDArray[np.float64], /, *, axis: int) -> NDArray[np.float64]:
        """Return the statistic of each slice of `scores` along `axis`."""


@dataclass(frozen=True)
class Aggregate:
    """One number over data sets.

    Attributes:
        value: in the unit of the scores.
        low: lower end of its interval.
        high: upper end.
        runs: number of runs in all, failed ones included.
        failures: how many of them failed.
    """

    value: float
    low: float
    high: float
    runs: int
    failures: int


@dataclass(frozen=True)
class Profile:
    """Which share of runs is at least as good as a score.

    Attributes:
        thresholds: (T,) scores.
        share: (T,) of runs that are as good or better.
        low: (T,) lower end of the interval of each share, one by one.
        high: (T,) upper end.
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def interquartile_mean(scores: NDArray[np.float64], /, *, axis: int = -1) -> NDArray[np.float64]:
    """Return the mean of the middle half of `scores` along `axis`: a quarter, rounded down, is cut off at either end.

    Infinite scores (failed runs) do no harm until they are more than a quarter.

    >>> float(interquartile_mean(np.array([1.0, 2.0, 3.0, np.inf])))
    2.5
    """
    ordered = np.sort(np.moveaxis(np.asarray(scores, np.float64), axis, -1), axis=-1)
    cut = ordered.shape[-1] // 4
    return np.asarray(ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1), np.float64)


def aggregate(
    scores: Sequence[Any],
    statistic: Statistic = interquartile_mean,
    *,
    confidence: float = 0.95,
    lower_is_better: bool = True,
    seed: int | np.random.Generator = 0,
) -> Aggregate:
    """Return `statistic` of all runs pooled, with a stratified percentile bootstrap: runs are drawn within each data set.

    With fewer than about 20 runs in all the interval is too narrow.

    Args:
        scores: for each data set the (n_i,) scores of its runs; NaN or infinite where a run failed, which counts as worst.
        statistic: of the pooled scores; the interquartile mean by default.
        confidence: probability with which the interval is to cover.
        lower_is_better: which way worst is.
        seed: of the bootstrap.

    Raises:
        DataError: no data set, or one without runs.
        UsageError: `confidence` is not between 0 and 1.

    >>> aggregate([[1.0, 2.0], [1.5, 2.5]]).value
    1.75
    """
    strata = _strata(scores, lower_is_better=lower_is_better)
    pooled = np.concatenate(strata)
    limits = _limits(statistic(np.hstack(_resampled(strata, generator(seed))), axis=1), confidence)
    value = float(statistic(pooled[None], axis=1)[0])
    return Aggregate(value, float(limits[0]), float(limits[1]), len(pooled), int((~np.isfinite(pooled)).sum()))


def performance_profile(
    scores: Sequence[Any],
    thresholds: Any,
    *,
    confidence: float = 0.95,
    lower_is_better: bool = True,
    seed: int | np.random.Generator = 0,
) -> Profile:
    """Return the share of runs as good as each of `thresholds` or better, with a stratified percentile bootstrap band.

    Args:
        scores: for each data set the (n_i,) scores of its runs, as in `aggregate`.
        thresholds: (T,) scores.
        confidence: probability with which the interval at each threshold is to cover.
        lower_is_better: which way good is.
        seed: of the bootstrap.

    >>> performance_profile([[1.0, 2.0], [3.0, 4.0]], [2.0, 9.0]).share
    array([0.5, 1. ])
    """
    strata = _strata(scores, lower_is_better=lower_is_better)
    levels = as_values(thresholds, "thresholds")
    sign = 1.0 if lower_is_better else -1.0
    pooled, drawn = np.concatenate(strata), np.hstack(_resampled(strata, generator(seed)))
    shares = np.stack([(sign * drawn <= sign * level).mean(axis=1) for level in levels], axis=1)
    low, high = _limits(shares, confidence)
    return Profile(levels, (sign * pooled[None] <= sign * levels[:, None]).mean(axis=1), low, high)


def probability_of_improvement(
    a: Sequence[Any],
    b: Sequence[Any],
    *,
    confidence: float = 0.95,
    lower_is_better: bool = True,
    seed: int | np.random.Generator = 0,
) -> Aggregate:
    """Return the chance that a run of a is better than a run of b, ties counted half, averaged over data sets.

    The mean over data sets of U / (n m), U the Mann-Whitney statistic, with a bootstrap stratified by data set and arm.

    Args:
        a: for each data set the (n_i,) scores of the runs of arm a, as in `aggregate`.
        b: for the same data sets, those of arm b, (m_i,).
        confidence: probability with which the interval is to cover.
        lower_is_better: which way good is.
        seed: of the bootstrap.

    Raises:
        DataError: different numbers of data sets.

    >>> probability_of_improvement([[1.0, 2.0]], [[2.0, 3.0]]).value
    0.875
    """
    first, second = (_strata(arm, lower_is_better=lower_is_better) for arm in (a, b))
    if len(first) != len(second):
        raise DataError(f"probability_of_improvement: expected the same data sets twice, got {len(first)} and {len(second)}")
    rng = generator(seed)
    sign = 1.0 if lower_is_better else -1.0
    value = float(np.mean([_better(sign * x[None], sign * y[None])[0] for x, y in zip(first, second, strict=True)]))
    pairs = zip(_resampled(first, rng), _resampled(second, rng), strict=True)
    low, high = _limits(np.mean([_better(sign * x, sign * y) for x, y in pairs], axis=0), confidence)
    every = np.concatenate(first + second)
    return Aggregate(value, float(low), float(high), len(every), int((~np.isfinite(every)).sum()))


def _better(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each row, the share of pairs with x below y, ties counted half."""
    less = x[:, :, None] < y[:, None, :]
    equal = x[:, :, None] == y[:, None, :]
    return np.asarray((less + equal / 2).mean(axis=(1, 2)), np.float64)


def _strata(scores: Sequence[Any], *, lower_is_better: bool) -> list[NDArray[np.float64]]:
    strata = [as_values(runs, "scores of a data set") for runs in scores]
    if not strata:
        raise DataError("scores: expected the runs of at least one data set, got none")
    worst = np.inf if lower_is_better else -np.inf
    return [np.where(np.isfinite(runs), runs, worst) for runs in strata]


def _resampled(strata: list[NDArray[np.float64]], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return, for each data set, (resamples, n_i) runs drawn from its own with replacement."""
    return [runs[rng.integers(0, len(runs), (_RESAMPLES, len(runs)))] for runs in strata]


def _limits(resampled: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    check_confidence(confidence)
    tail = (1 - confidence) / 2
    # An order statistic, since between two infinite values there is nothing to interpolate.
    return np.asarray(np.quantile(resampled, [tail, 1 - tail], axis=0, method="nearest"), np.float64)
