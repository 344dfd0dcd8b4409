"""Several processes that train one model: torch.distributed, asked when a pass runs and never before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from zador.codebooks import ALONE, Peers, enlisted
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["World", "abandoned_if_refused", "members", "present"]

# What a process adds to the number of vectors to say that it has refused its batch: more than all others can have.
_REFUSED = -(1 << 48)


class World:
    """All processes of the default group of torch.distributed, as it is when a method is called."""

    def __init__(self) -> None:
        self.handle = enlisted(self)

    @property
    def size(self) -> int:
        """W."""
        return dist.get_world_size()

    @property
    def rank(self) -> int:
        """From 0 to W - 1."""
        return dist.get_rank()

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over all processes, see `zador.codebooks.Peers`."""
        summed: Tensor = _summed(x)
        return summed

    def gather(self, x: Tensor) -> Tensor:
        """Return the rows of x (n, …) of all processes, in the order of their ranks."""
        rows: Tensor = _gathered(x.detach())
        return rows

    def agreed(self, x: Tensor) -> Tensor:
        """Return x of the process with rank 0."""
        copy: Tensor = _agreed(x.detach())
        return copy


_WORLD = World()


def present() -> Peers:
    """Return the processes that train together at this moment: one, unless a process group is at work."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        return _WORLD
    return ALONE


def members(vectors: Tensor | int, peers: Peers, device: torch.device) -> Tensor | int:
    """Return how many vectors all processes have together.

    Args:
        vectors: how many this one has.
        peers: the processes.
        device: where the layer computes.

    Raises:
        DataError: another process has refused its batch, and would never come to the next exchange.
    """
    if peers.size == 1:
        return vectors
    total = peers.sum(torch.as_tensor(vectors, dtype=torch.int64, device=device))
    if not torch.compiler.is_compiling() and bool(total < 0):
        raise DataError("another process has refused its batch; its own message says why")
    return total


@contextmanager
def abandoned_if_refused(peers: Peers, device: torch.device) -> Iterator[None]:
    """Surround the checks of a batch: if this process refuses its own, the others learn of it in `members`."""
    try:
        yield
    except Exception:
        if peers.size > 1:
            peers.sum(torch.tensor(_REFUSED, device=device))
        raise


@torch.library.custom_op("zador::summed", mutates_args=())
def _summed(x: Tensor) -> Tensor:
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


@_summed.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _backward(ctx: Any, from_above: Tensor) -> Tensor:  # noqa: ARG001 - torch passes the context
    # Every process asks for the same gradient, and they will be averaged; nothing is exchanged here, so nobody can wait.
    return from_above * dist.get_world_size()


_summed.register_autograd(_backward)


@torch.library.custom_op("zador::gathered", mutates_args=())
def _gathered(x: Tensor) -> Tensor:
    world = dist.get_world_size()
    counts = [torch.zeros(1, dtype=torch.int64, device=x.device) for _ in range(world)]
    dist.all_gather(counts, torch.tensor([len(x)], device=x.device))
    lengths = [int(each) for each in counts]
    padded = x.new_zeros((max(lengths), *x.shape[1:]))
    padded[: len(x)] = x
    parts = [torch.empty_like(padded) for _ in range(world)]
    if padded.numel():
        dist.all_gather(parts, padded)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


@_gathered.register_fake
def _(x: Tensor) -> Tensor:
    return x.new_empty((torch.library.get_ctx().new_dynamic_size(), *x.shape[1:]))


@torch.library.custom_op("zador::agreed", mutates_args=())
def _agreed(x: Tensor) -> Tensor:
    copy = x.clone(memory_format=torch.contiguous_format)
    dist.broadcast(copy, src=0)
    return copy


@_agreed.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
