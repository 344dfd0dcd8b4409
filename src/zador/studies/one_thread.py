"""One thread for everything: sums in another order are other bits."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the libraries that are loaded to one thread: NumPy's and torch's, and with that our own searches."""
    # Workers of ours start with OMP_NUM_THREADS=1, which torch heeds when it comes later.
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 1
    try:
        if torch is not None:
            torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
