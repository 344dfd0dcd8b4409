"""The other processes that train the same codebook: what a step may ask of them, whoever carries it there."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ALONE", "Alone", "Peers", "enlisted", "first_row", "peers_of"]


class Peers(Protocol):
    """W processes that take the same steps, each with a batch of its own; every method is called by all of them together.

    Attributes:
        size: W.
        rank: number of this process, from 0.
        handle: finds them again inside an operator of torch, see `peers_of`.
    """

    @property
    def size(self) -> int:
        """W."""

    @property
    def rank(self) -> int:
        """From 0 to W - 1."""

    @property
    def handle(self) -> int:
        """See `peers_of`."""

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum of x, which has one shape everywhere, over all processes: the same bits on each.

        Differentiable, for a loss that all of them compute from the sum alike and whose gradients are then averaged over
        processes, as DDP does: from above comes g, and W·g goes on, so that the average is the derivative.
        """

    def gather(self, x: Tensor) -> Tensor:
        """Return the rows of x (n, …) of all processes, in the order of their ranks; n may differ. No gradient."""

    def agreed(self, x: Tensor) -> Tensor:
        """Return x of the process with rank 0; the same shape everywhere."""


class Alone:
    """One process: nobody to ask."""

    size = 1
    rank = 0
    handle = 0

    def sum(self, x: Tensor) -> Tensor:
        """Return x."""
        return x

    def gather(self, x: Tensor) -> Tensor:
        """Return x."""
        return x

    def agreed(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


ALONE = Alone()

# An operator takes numbers and tensors, no objects: it finds the object by its number. Nothing is kept alive here.
_ENLISTED: WeakValueDictionary[int, Peers] = WeakValueDictionary()
_HANDLES = count(1)


def enlisted(peers: Peers) -> int:
    """Return the handle under which `peers_of` finds these peers for as long as somebody holds them."""
    handle = next(_HANDLES)
    _ENLISTED[handle] = peers
    return handle


def peers_of(handle: int) -> Peers:
    """Return the peers with a handle; 0 is `ALONE`."""
    return _ENLISTED[handle] if handle else ALONE


def first_row(peers: Peers, x: Tensor) -> tuple[int, int]:
    """Return how many rows the processes before this one have, x (n, …) being this one's, and how many there are in all."""
    counts = peers.gather(torch.tensor([len(x)], device=x.device)).tolist()
    return sum(counts[: peers.rank]), sum(counts)
