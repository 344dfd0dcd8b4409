"""So many threads, for as long as a test needs them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from zador.search.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["threads"]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let the package work on `count` threads, or on as many as the machine allows."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        assert thread_count() <= count
        yield
    finally:
        torch.set_num_threads(before)
