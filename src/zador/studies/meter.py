"""What a piece of work cost: wall time, and memory above what the process held before."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Meter"]

_PERIOD_SECONDS = 0.005
_MIB = 1 << 20


@dataclass
class Meter:
    """Measure the block of a `with` statement.

    Memory is the process's resident set, sampled every 5 ms: what a user would see in a system monitor. Memory that an
    earlier piece of work left in the allocator's pools is not counted again.

    Attributes:
        seconds: wall time.
        memory_mib: highest resident set seen, above that at the start, in MiB.
    """

    seconds: float = 0.0
    memory_mib: float = 0.0

    def __enter__(self) -> Self:
        self._process = psutil.Process()
        self._before = self._peak = self._process.memory_info().rss
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self._start = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._start
        self._done.set()
        self._watcher.join()
        self._look()
        self.memory_mib = (self._peak - self._before) / _MIB

    def _watch(self) -> None:
        while not self._done.wait(_PERIOD_SECONDS):
            self._look()

    def _look(self) -> None:
        self._peak = max(self._peak, self._process.memory_info().rss)
