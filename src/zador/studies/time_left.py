"""How long a study still takes, from what finished cells of the same kind took."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zador.studies.plan import Alike

__all__ = ["Step", "TimeLeft"]


class Step(NamedTuple):
    """Where a study is.

    Attributes:
        label: what was finished last.
        done: cells that are there.
        total: cells that there will be.
        seconds_left: until the end; None before anything is known.
    """

    label: str
    done: int
    total: int
    seconds_left: float | None


class TimeLeft:
    """Seconds left = cost of the missing cells / cost that is worked off in a second.

    A missing cell costs what finished cells of the same work took on average, else of the same kind of work, else of all.
    The speed is what this run showed; before it showed anything, one second of cost a second in each slot.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots, self._clock = slots, clock
        self._started = math.nan
        self._worked = 0.0
        self._seconds: dict[object, float] = {}
        self._cells: Counter[object] = Counter()

    def known(self, alike: Alike, seconds: float) -> None:
        """Count a cell that was there before."""
        for name in _names(alike):
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
            self._cells[name] += 1

    def finished(self, block: Sequence[tuple[Alike, float]]) -> None:
        """Count cells that were computed just now, together."""
        seconds = sum(seconds for _, seconds in block)
        if math.isnan(self._started):  # the first block began so long ago; what was before it, comes but once
            self._started = self._clock() - seconds
        self._worked += seconds
        for alike, share in block:
            self.known(alike, share)

    def left(self, missing: Mapping[Alike, int]) -> float | None:
        """Return the seconds until as many cells of each sort are done as are `missing`; None if there is no telling."""
        if not self._cells:
            return None
        cost = sum(count * self._cost(alike) for alike, count in missing.items() if count)
        elapsed = self._clock() - self._started
        speed = self._worked / elapsed if self._worked > 0 and elapsed > 0 else float(self._slots)
        return cost / min(speed, float(self._slots))

    def _cost(self, alike: Alike) -> float:
        found = next(name for name in _names(alike) if self._cells[name])
        return self._seconds[found] / self._cells[found]


def _names(alike: Alike) -> tuple[object, ...]:
    """Return what else a cell has its cost in common with, most alike first."""
    return alike, alike.kind, None
