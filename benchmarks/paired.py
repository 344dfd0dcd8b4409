"""Fair timings on a shared machine: contestants take turns, and what counts is the ratio within a turn.

Each contestant lives in a process of its own: libraries that bring their own thread pools slow each other down in one.
"""

from __future__ import annotations

import multiprocessing
import time
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

__all__ = ["ratio", "take_turns"]

# Idle threads of an OpenMP pool go on spinning for a while and would eat into the next one's turn.
_PAUSE_SECONDS = 0.1

# (function, arguments): a module-level function that prepares the work and returns it as a callable; what the callable
# returns (an objective, say) comes back with its time.
Contestant = tuple["Callable[..., Callable[[], Any]]", tuple[Any, ...]]


def take_turns(contestants: dict[str, Contestant], *, turns: int = 7) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    """Return the seconds and the results of each contestant in each of `turns` turns, after one that is not counted."""
    context = multiprocessing.get_context("spawn")
    lines: dict[str, Connection] = {}
    for name, contestant in contestants.items():
        lines[name], theirs = context.Pipe()
        context.Process(target=_serve, args=(contestant, theirs), daemon=True).start()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    results: dict[str, list[Any]] = {name: [] for name in contestants}
    for turn in range(turns + 1):
        for name, line in lines.items():
            time.sleep(_PAUSE_SECONDS)
            line.send("go")
            elapsed, result = line.recv()
            if turn > 0:
                seconds[name].append(elapsed)
                results[name].append(result)
    for line in lines.values():
        line.send("stop")
    return seconds, results


def _serve(contestant: Contestant, line: Connection) -> None:
    prepare, arguments = contestant
    work = prepare(*arguments)
    while line.recv() == "go":
        start = time.perf_counter()
        result = work()
        line.send((time.perf_counter() - start, result))


def ratio(ours: list[float], *peers: list[float]) -> float:
    """Return the median over turns of our time over the best peer's in the same turn."""
    return median(mine / min(others) for mine, *others in zip(ours, *peers, strict=True))
