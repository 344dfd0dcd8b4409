"""The most memory that a piece of work holds at once, in NumPy arrays and torch tensors."""

from __future__ import annotations

import tracemalloc
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["peak_mib"]

_MIB = 1 << 20


def peak_mib(work: Callable[[], Any]) -> float:
    """Return the most that NumPy and torch held at once beyond what they held before: their peaks, added, in MiB.

    >>> import numpy as np
    >>> round(peak_mib(lambda: np.zeros(1 << 20).sum() + torch.zeros(1 << 20).sum().item()), 2)
    12.0
    """
    work()  # what is loaded and compiled once is no part of it
    tracemalloc.start()
    try:
        work()
        _, arrays = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    with _Live() as tensors:
        work()
    return float(arrays + tensors.peak) / _MIB


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follow the storages that operators return until they are gone; the resident set would hide them in torch's pools."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._held: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return made

    def _follow(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._held:  # noqa: SLF001 - a storage's address is its only name
            self._held[storage._cdata] = storage.nbytes()  # noqa: SLF001
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, storage._cdata)  # noqa: SLF001

    def _gone(self, name: int) -> None:
        self.now -= self._held.pop(name, 0)
