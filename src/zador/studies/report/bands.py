"""Curves along runs: the mean over seeds at every step, with an interval; what failed leaves it and is kept apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.report.results import Results
    from zador.studies.rows import Outcome, Series

__all__ = ["Band", "bands", "drawn_metrics"]

_MOST_STEPS = 100
"""Points of a line; more cannot be seen, and make the page heavy."""


@dataclass(frozen=True)
class Band:
    """One metric of one arm under one setting along its runs.

    Attributes:
        arm: its name.
        steps: (T,) where.
        mean: (T,) over the runs that did not fail; empty if all did.
        low: (T,) lower end of Student's 95 % interval at each step by itself; NaN where there is one run.
        high: (T,) upper end.
        runs: number of runs that the mean is over.
        lost: (steps, values) of each run that failed, as far as it has numbers.
        end: mean and interval at the end of an arm that has no series, such as one without steps; then there is no curve.
    """

    arm: str
    steps: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    runs: int
    lost: tuple[tuple[NDArray[np.int64], NDArray[np.float64]], ...]
    end: tuple[float, float, float] | None = None


def drawn_metrics(results: Results) -> list[str]:
    """Return the names of the metrics that any run has as a series: those of the design first, in its order."""
    found = dict.fromkeys(
        one.metric for runs in results.outcomes.values() for outcome in runs.values() for one in outcome.series
    )
    ordered = [metric.name for metric in results.design.metrics if metric.name in found]
    return [*ordered, *(name for name in found if name not in ordered)]


def bands(results: Results, setting: str, metric: str) -> list[Band]:
    """Return the curves of a metric under a setting, in table order; of arms without the series, their end."""
    made: list[Band] = []
    for arm in results.arms(setting, limits=False):
        runs = results.outcomes.get((setting, arm.name), {}).values()
        whole = [series for run in runs if not run.failure and (series := _series(run, metric))]
        lost = [series for run in runs if run.failure and (series := _series(run, metric))]
        if whole or lost:
            made.append(_band(arm.name, whole, lost))
        elif (sample := results.samples.get((setting, arm.name, metric))) and math.isfinite(sample.centre):
            none = np.array([])
            average = sample.average
            low, high = (average.low, average.high) if average else (math.nan, math.nan)
            made.append(Band(arm.name, none.astype(np.int64), none, none, none, 0, (), (sample.centre, low, high)))
    return made if any(band.end is None for band in made) else []


def _series(outcome: Outcome, metric: str) -> Series | None:
    return next((one for one in outcome.series if one.metric == metric and one.steps), None)


def _band(arm: str, whole: list[Series], lost: list[Series]) -> Band:
    steps = np.array(sorted({step for series in whole for step in series.steps}), np.int64)
    steps = steps[_thinned(len(steps))]
    values = np.full((len(whole), len(steps)), np.nan)
    for row, series in zip(values, whole, strict=True):
        known = dict(zip(series.steps, series.values, strict=True))
        row[:] = [known.get(step, np.nan) for step in steps.tolist()]
    mean, low, high = _intervals(values)
    return Band(arm, steps, mean, low, high, len(whole), tuple(_points(series) for series in lost))


def _intervals(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and Student's interval of each column, over its finite values."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    filled = np.where(there, values, 0.0)
    mean = np.where(count > 0, filled.sum(axis=0) / np.maximum(count, 1), np.nan)
    squares = (np.where(there, values - mean, 0.0) ** 2).sum(axis=0)
    freedom = np.maximum(count - 1, 1)
    half = stats.t.isf(0.025, freedom) * np.sqrt(squares / freedom / np.maximum(count, 1))
    half = np.where(count > 1, half, np.nan)
    return mean, mean - half, mean + half


def _points(series: Series) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    values = np.asarray(series.values, np.float64)
    finite = np.isfinite(values)
    steps, values = np.asarray(series.steps, np.int64)[finite], values[finite]
    kept = _thinned(len(steps))
    return steps[kept], values[kept]


def _thinned(count: int) -> NDArray[np.int64]:
    """Return the places of at most `_MOST_STEPS` of `count` points, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_STEPS)).round().astype(np.int64)) if count else np.arange(0)
