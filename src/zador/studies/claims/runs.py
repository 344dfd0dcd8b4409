"""The rows of one study, found by arm, setting and metric."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from zador.studies.rows import Row

__all__ = ["Cell", "NotRunError", "Runs"]

DIVERGED = "diverged"
_FIRST = "reconstruction"
_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    " / ": lambda a, b: a / b if b else math.nan,
    " - ": lambda a, b: a - b,
}


class Cell(NamedTuple):
    """An arm under a setting."""

    arm: str
    setting: str = ""

    def __str__(self) -> str:
        """Return it as a sentence would call it."""
        return f"{self.arm} at {self.setting}" if self.setting else self.arm


class NotRunError(LookupError):
    """There are no rows for what a claim speaks of; the message names it."""


class Runs:
    """Values of one study by cell and metric. A run that diverged has no value, whatever number it printed."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._values: dict[tuple[Cell, str], dict[int, float]] = defaultdict(dict)
        for row in rows:
            self._values[Cell(row.arm, row.setting), row.metric][row.seed] = row.value

    def paired(self, metric: str, *cells: Cell) -> list[NDArray[np.float64]]:
        """Return, for each of `cells`, the metric of the seeds that all of them have, in order of the seeds; NaN: failed.

        Raises:
            NotRunError: a cell has no such rows, or they have no seed in common.
        """
        columns = [self._metric(cell, metric) for cell in cells]
        seeds = sorted(set.intersection(*(set(column) for column in columns)))
        if not seeds:
            raise NotRunError(f"{' and '.join(map(str, cells))} have no seed in common")
        return [np.array([column[seed] for seed in seeds], np.float64) for column in columns]

    def diverged(self, cell: Cell) -> NDArray[np.bool_]:
        """Return, in order of the seeds, which runs of `cell` diverged: they say so, or their error is not finite.

        Raises:
            NotRunError: there are no runs.
        """
        column = self._values.get((cell, _FIRST)) or self._values.get((cell, DIVERGED))
        if not column:
            raise NotRunError(f"{cell} has not been run")
        return np.array([self._failed(cell, seed) or not math.isfinite(column[seed]) for seed in sorted(column)], np.bool_)

    def _metric(self, cell: Cell, metric: str) -> dict[int, float]:
        for sign, operation in _OPERATIONS.items():
            left, found, right = metric.partition(sign)
            if found:
                first, second = self._metric(cell, left), self._metric(cell, right)
                return {seed: operation(first[seed], second[seed]) for seed in first.keys() & second.keys()}
        column = self._values.get((cell, metric))
        if not column:
            raise NotRunError(f"{cell} has no rows of {metric}")
        return {seed: math.nan if self._failed(cell, seed) else value for seed, value in column.items()}

    def _failed(self, cell: Cell, seed: int) -> bool:
        # NaN is no answer: an arm that cannot diverge has no such number.
        return self._values.get((cell, DIVERGED), {}).get(seed, 0.0) > 0
