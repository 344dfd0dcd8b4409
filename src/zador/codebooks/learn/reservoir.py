"""A uniform sample of everything that went by, kept in one table."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zador.codebooks.learn.peers import ALONE, Peers, first_row, peers_of
from zador.noise import uniform

__all__ = ["Reservoir", "empty_reservoir", "with_batch"]


class Reservoir(NamedTuple):
    """Vectors, each of those offered so far with the same probability.

    Attributes:
        vectors: (R, d); the first min(R, offered) rows hold something.
        offered: 0-d int64, vectors that were offered so far.
    """

    vectors: Tensor
    offered: Tensor


def empty_reservoir(codewords: Tensor, size: int) -> Reservoir:
    """Return a reservoir for `size` vectors like the codewords (K, d)."""
    return Reservoir(
        codewords.new_zeros((size, codewords.shape[1])), torch.zeros((), dtype=torch.int64, device=codewords.device)
    )


def with_batch(reservoir: Reservoir, x: Tensor, valid: Tensor, key: Tensor, peers: Peers = ALONE) -> Reservoir:
    """Offer the rows of x (N, d) marked in `valid` (N,), one after the other [vitter1985random, algorithm R].

    Vector number t > R takes the place of a random one with probability R / t; of several for one place the last has it.
    All at once: no loop over rows, and nothing that depends on how many there are.

    Args:
        reservoir: what is kept so far.
        x: (N, d); rows that are not valid may hold anything.
        valid: (N,) bool.
        key: (2,) of the random numbers.
        peers: the processes whose rows are offered, those of rank 0 first; afterwards all hold the same sample.
    """
    if peers.size > 1:
        return Reservoir(*_offered_by_all(*reservoir, x.detach(), valid, key, peers.handle))
    if len(x) == 0:
        return reservoir
    number = reservoir.offered + valid.to(torch.int64).cumsum(0)
    slot = _slots(number, valid, uniform(key, [2, len(x)]), len(reservoir.vectors))
    return Reservoir(_filled(reservoir.vectors, x.detach(), slot), number[-1])


def _slots(number: Tensor, valid: Tensor, draws: Tensor, size: int) -> Tensor:
    """Return (N,) the place that each row takes, `size` for none; `number` counts the vectors offered, with this one."""
    # Two draws: one alone, of 24 bits, would no longer reach every place after 2^24 vectors.
    accept, place = draws
    accepted = valid & ((number <= size) | (accept * number < size))
    slot = torch.where(number <= size, number - 1, (place * size).to(torch.int64).clamp(max=size - 1))
    return torch.where(accepted, slot, size)


def _filled(vectors: Tensor, x: Tensor, slot: Tensor) -> Tensor:
    """Return the vectors (R, d) after the rows of x (N, d), N > 0, have taken their places, the last one for each."""
    size = len(vectors)
    rows = torch.arange(len(x), device=x.device)
    # One slot more than there is takes what is not accepted. The last row for a slot is the largest: an order-free choice.
    last = torch.full((size + 1,), -1, dtype=torch.int64, device=x.device)
    last = last.scatter_reduce(0, slot, torch.where(slot < size, rows, -1), "amax")[:size]
    return torch.where((last >= 0)[:, None], x[last.clamp(min=0)].to(vectors.dtype), vectors)


@torch.library.custom_op("zador::offered_by_all", mutates_args=())
def _offered_by_all(
    vectors: Tensor, offered: Tensor, x: Tensor, valid: Tensor, key: Tensor, handle: int
) -> tuple[Tensor, Tensor]:
    """Return the reservoir after the rows of all processes; only rows that are taken in are sent around."""
    peers = peers_of(handle)
    first, total = first_row(peers, x)
    counts = peers.gather(valid.sum().view(1))
    before = offered + counts[: peers.rank].sum()
    draws = uniform(key, [2, total])[:, first : first + len(x)]
    slot = _slots(before + valid.to(torch.int64).cumsum(0), valid, draws, len(vectors))
    taken = slot < len(vectors)
    slots, rows = peers.gather(slot[taken]), peers.gather(x[taken])
    return (_filled(vectors, rows, slots) if len(rows) else vectors.clone()), offered + counts.sum()


@_offered_by_all.register_fake
def _(vectors: Tensor, offered: Tensor, x: Tensor, valid: Tensor, key: Tensor, handle: int) -> tuple[Tensor, Tensor]:
    del x, valid, key, handle
    return torch.empty_like(vectors), torch.empty_like(offered)
