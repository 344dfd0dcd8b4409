"""How often codewords are chosen, over a window of vectors instead of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zador.codebooks import ALONE, never_chosen, since_chosen, windowed_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from zador.codebooks import Peers

__all__ = ["Tally", "kept_wide", "usage_of"]

# A batch of n vectors cannot use more than n of K codewords; 64 vectors a codeword leave a fair one unseen once in e^64.
_VECTORS_A_CODEWORD = 64


class Tally(nn.Module):
    """Counts of K codewords over the last W = 64 K vectors, in two arrays of K numbers.

    `usage` is exact: the share of the codewords that one of the last W vectors chose. Counts fade instead, by `e^(-n / W)` a
    batch of n vectors; `perplexity` is `2^H` of them.

    Attributes:
        counts: (K,) float32 faded counts.
        since: (K,) int64 vectors seen since the codeword was chosen; negative for one that never was.
    """

    counts: Tensor
    since: Tensor

    def __init__(self, codebook_size: int) -> None:
        super().__init__()
        self.codebook_size = codebook_size
        self.window = _VECTORS_A_CODEWORD * codebook_size
        self.register_buffer("counts", torch.zeros(codebook_size))
        self.register_buffer("since", never_chosen(codebook_size))

    @torch.no_grad()
    def add(self, counts: Tensor, since: Tensor | None = None) -> None:
        """Take in a batch.

        Args:
            counts: (K,) of its valid vectors.
            since: (K,) what `since` is after it, if somebody else has found out; see `zador.codebooks.since_chosen`.
        """
        self.since.copy_(since_chosen(self.since, counts) if since is None else since)
        self.counts.mul_(torch.exp(-counts.sum() / self.window)).add_(counts)

    def hear(self, indices: Tensor, peers: Peers = ALONE) -> None:
        """Take in the indices (N,) of a batch, those of all processes; negative ones do not count."""
        numbers = torch.zeros_like(self.counts)
        self.add(peers.sum(numbers.index_add_(0, indices.clamp(min=0), (indices >= 0).to(numbers.dtype))))

    def usage(self) -> Tensor:
        """Return the share of the codewords chosen within the window, 0-d; 0 before the first batch."""
        return windowed_usage(self.since, self.window)

    def perplexity(self) -> Tensor:
        """Return `2^H` of the counts, 0-d; 1 before the first batch."""
        tiny = torch.finfo(torch.float32).tiny
        shares = self.counts / self.counts.sum().clamp(min=tiny)
        # Ten times as fast as torch.special.entr, which takes its logarithms one by one.
        return torch.exp2(-(shares * shares.clamp(min=tiny).log2()).sum())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Tally:  # noqa: FBT001, FBT002 - torch's
        """Follow a model to another device, or to float64, but never to a type in which counts stall."""
        super()._apply(kept_wide(fn), recurse)  # type: ignore[no-untyped-call]
        return self


def kept_wide(fn: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return what `nn.Module` is to do to statistics when it does `fn` to a model: the same, but never in 16 bits.

    What `fn` narrows is taken as it was, not as it came back: rounded once, it would stay so.
    """

    def widely(tensor: Tensor) -> Tensor:
        moved = fn(tensor)
        narrow = moved.is_floating_point() and moved.dtype.itemsize < 4  # noqa: PLR2004 - bytes of float32
        return tensor.to(moved.device, torch.float32) if narrow else moved

    return widely


def usage_of(tallies: list[Tally], like: Tensor) -> tuple[Tensor, Tensor]:
    """Return usage and perplexity (T,) of T tallies, on the device of `like`."""
    if not tallies:
        return like.new_zeros(0), like.new_zeros(0)
    return torch.stack([tally.usage() for tally in tallies]), torch.stack([tally.perplexity() for tally in tallies])
