"""Fair timings on a shared machine: contestants take turns, and what counts is the ratio within a turn."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ratio", "take_turns"]


def take_turns(contestants: dict[str, Callable[[], object]], *, turns: int = 7) -> dict[str, list[float]]:
    """Return the seconds of each contestant in each of `turns` turns, after one turn that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(turns + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            elapsed = time.perf_counter() - start
            if turn > 0:
                seconds[name].append(elapsed)
    return seconds


def ratio(ours: list[float], *peers: list[float]) -> float:
    """Return the median over turns of our time over the best peer's in the same turn."""
    return median(mine / min(others) for mine, *others in zip(ours, *peers, strict=True))
