"""What a study measures: outcomes of runs, and the rows that every table, verdict and curve is made from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Outcome", "Row", "Series", "Stamp", "rows_of"]


class Row(NamedTuple):
    """One number.

    Attributes:
        study: name of the study.
        arm: what was done, e.g. "autograd STE".
        seed: of everything that was drawn.
        metric: what was measured, e.g. "reconstruction".
        value: in the metric's own unit; NaN where the run failed before there was one, which counts as worst.
        setting: level of the study's factor, e.g. "K = 32"; empty where the study has none.
    """

    study: str
    arm: str
    seed: int
    metric: str
    value: float
    setting: str = ""


@dataclass(frozen=True)
class Series:
    """A metric along a run.

    Attributes:
        metric: what was measured.
        steps: where, ascending.
        values: there; NaN where there was none.
    """

    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What one arm gave with one seed. A run that failed is an outcome like any other.

    Attributes:
        metrics: numbers by the name of their metric.
        series: metrics along the run, to be drawn.
        failure: what happened, e.g. "diverged at step 41, loss 3e+08"; empty if nothing did.
    """

    metrics: Mapping[str, float]
    series: tuple[Series, ...] = ()
    failure: str = ""


class Stamp(NamedTuple):
    """Which run an outcome belongs to: the first fields of each of its rows."""

    study: str
    setting: str
    arm: str
    seed: int


def rows_of(outcomes: Iterable[tuple[Stamp, Outcome]], metrics: Iterable[str]) -> Iterator[Row]:
    """Yield one row for every outcome and metric, in the order given; NaN where a run has no such number.

    >>> [row.value for row in rows_of([(Stamp("s", "", "a", 1), Outcome({"error": 2.0}))], ["error", "dead"])]
    [2.0, nan]
    """
    names = tuple(metrics)
    for stamp, outcome in outcomes:
        for metric in names:
            value = outcome.metrics.get(metric, math.nan)
            yield Row(stamp.study, stamp.arm, stamp.seed, metric, value, stamp.setting)
