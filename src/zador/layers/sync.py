"""Several processes that train one model: torch.distributed, asked when a pass runs and never before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import Tensor

from zador.codebooks import ALONE, Peers, enlisted, peers_of
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["World", "abandoned_if_refused", "members", "present"]

# What a process adds to the number of vectors to say that it has refused its batch: more than all others can have.
_REFUSED = -(1 << 48)


class World:
    """The processes of a group of torch.distributed, as it is when a method is called.

    Args:
        group: None for the default group, whichever that is by then.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self.group = group
        self.handle = enlisted(self)

    @property
    def size(self) -> int:
        """W."""
        return dist.get_world_size(self.group)

    @property
    def rank(self) -> int:
        """From 0 to W - 1."""
        return dist.get_rank(self.group)

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x over all processes, see `zador.codebooks.Peers`."""
        summed: Tensor = _summed(x, self.handle)
        return summed

    def gather(self, x: Tensor) -> Tensor:
        """Return the rows of x (n, …) of all processes, in the order of their ranks."""
        rows: Tensor = _gathered(x.detach(), self.handle)
        return rows

    def agreed(self, x: Tensor) -> Tensor:
        """Return x of the process with rank 0."""
        copy: Tensor = _agreed(x.detach(), self.handle)
        return copy

    def __deepcopy__(self, memo: dict[int, object]) -> World:
        """Return the same: a copy of a model belongs to the same processes, and a group cannot be copied."""
        return self


_WORLD = World()


def present(world: World | None = None) -> Peers:
    """Return the processes that train together at this moment: one, unless a process group is at work.

    Args:
        world: of which group; None for all processes.
    """
    if dist.is_available() and dist.is_initialized() and (world or _WORLD).size > 1:
        return world or _WORLD
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
def _summed(x: Tensor, handle: int) -> Tensor:
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total, group=_group(handle))
    return total


@_summed.register_fake
def _(x: Tensor, handle: int) -> Tensor:  # noqa: ARG001 - the signature of the operator
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _remember(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:  # noqa: ARG001 - torch's signature
    ctx.handle = inputs[1]


def _backward(ctx: Any, from_above: Tensor) -> tuple[Tensor, None]:
    # Every process asks for the same gradient, and they will be averaged; nothing is exchanged here, so nobody can wait.
    return from_above * peers_of(ctx.handle).size, None


_summed.register_autograd(_backward, setup_context=_remember)


@torch.library.custom_op("zador::gathered", mutates_args=())
def _gathered(x: Tensor, handle: int) -> Tensor:
    group, world = _group(handle), peers_of(handle).size
    counts = [torch.zeros(1, dtype=torch.int64, device=x.device) for _ in range(world)]
    dist.all_gather(counts, torch.tensor([len(x)], device=x.device), group=group)
    lengths = [int(each) for each in counts]
    padded = x.new_zeros((max(lengths), *x.shape[1:]))
    padded[: len(x)] = x
    parts = [torch.empty_like(padded) for _ in range(world)]
    if padded.numel():
        dist.all_gather(parts, padded, group=group)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


@_gathered.register_fake
def _(x: Tensor, handle: int) -> Tensor:  # noqa: ARG001 - as above
    return x.new_empty((torch.library.get_ctx().new_dynamic_size(), *x.shape[1:]))


@torch.library.custom_op("zador::agreed", mutates_args=())
def _agreed(x: Tensor, handle: int) -> Tensor:
    copy = x.clone(memory_format=torch.contiguous_format)
    dist.broadcast(copy, group=_group(handle), group_src=0)
    return copy


@_agreed.register_fake
def _(x: Tensor, handle: int) -> Tensor:  # noqa: ARG001 - as above
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _group(handle: int) -> dist.ProcessGroup | None:
    return cast("World", peers_of(handle)).group
