"""Threads for compiled code that holds no lock: how many, and who gets which rows."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_threads", "thread_count"]

_TASKS_PER_THREAD = 4
_SMALLEST_TASK = 256


def thread_count() -> int:
    """Return how many threads to work with: torch's number, if torch is there, and no more than `NUMBA_NUM_THREADS`.

    So `OMP_NUM_THREADS`, `torch.set_num_threads` and `torchrun` are heeded. numba itself is not asked: to answer it would
    start its own pool, which on some systems sets torch's number of threads as it does so.
    """
    torch = sys.modules.get("torch")
    most = int(numba.config.NUMBA_NUM_THREADS)
    return most if torch is None else min(most, int(torch.get_num_threads()))


def in_threads(work: Callable[[int, int], Any], count: int, *, smallest: int = _SMALLEST_TASK) -> list[Any]:
    """Call `work(start, stop)` over ranges that cover 0..count in order, on `thread_count()` threads.

    A range holds at least `smallest` items. `work` must not call `in_threads` itself.
    """
    threads = thread_count()
    step = max(smallest, -(-count // (threads * _TASKS_PER_THREAD)))
    starts = range(0, count, step)
    if threads == 1 or len(starts) < 2:  # noqa: PLR2004 - one range needs no second thread
        return [work(start, min(count, start + step)) for start in starts]
    return list(_pool(os.getpid(), threads).map(lambda start: work(start, min(count, start + step)), starts))


@lru_cache(maxsize=1)
def _pool(_process: int, threads: int) -> ThreadPoolExecutor:
    """Return the threads of this process: a forked child inherits the object but not its threads, so it gets its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="zador")
