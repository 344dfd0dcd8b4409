"""A uniform sample of everything that went by, kept in one table."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

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


def with_batch(reservoir: Reservoir, x: Tensor, valid: Tensor, key: Tensor) -> Reservoir:
    """Offer the rows of x (N, d) marked in `valid` (N,), one after the other [vitter1985random, algorithm R].

    Vector number t > R takes the place of a random one with probability R / t; of several for one place the last has it.
    All at once: no loop over rows, and nothing that depends on how many there are.

    Args:
        reservoir: what is kept so far.
        x: (N, d); rows that are not valid may hold anything.
        valid: (N,) bool.
        key: (2,) of the random numbers.
    """
    if len(x) == 0:
        return reservoir
    size = len(reservoir.vectors)
    number = reservoir.offered + valid.to(torch.int64).cumsum(0)
    # Two numbers: one alone, of 24 bits, would no longer reach every place after 2^24 vectors.
    accept, place = uniform(key, [2, len(x)])
    accepted = valid & ((number <= size) | (accept * number < size))
    slot = torch.where(number <= size, number - 1, (place * size).to(torch.int64).clamp(max=size - 1))
    rows = torch.arange(len(x), device=x.device)
    # One slot more than there is takes what is not accepted. The last row for a slot is the largest: an order-free choice.
    last = torch.full((size + 1,), -1, dtype=torch.int64, device=x.device)
    last = last.scatter_reduce(0, torch.where(accepted, slot, size), torch.where(accepted, rows, -1), "amax")[:size]
    fresh = x[last.clamp(min=0)].detach().to(reservoir.vectors.dtype)
    return Reservoir(torch.where((last >= 0)[:, None], fresh, reservoir.vectors), number[-1])
