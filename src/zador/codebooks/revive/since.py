"""How long ago each codeword was chosen, in vectors: one number a codeword tells usage over a window, and who is dead."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["age", "never_chosen", "restarted", "since_chosen", "windowed_usage"]


def never_chosen(codebook_size: int) -> Tensor:
    """Return the (K,) int64 `since` of a codebook that has seen nothing.

    `since[k]` = vectors seen since codeword k was last chosen, to the batch. A codeword not chosen since it began, or began
    again, counts the other way: -1, minus the vectors since then. So it is not called used, nor dead at once.

    >>> since = since_chosen(never_chosen(3), torch.tensor([4.0, 2.0, 0.0]))
    >>> since.tolist(), since_chosen(since, torch.tensor([6.0, 0.0, 0.0])).tolist()
    ([0, 0, -7], [0, 6, -13])
    """
    return torch.full((codebook_size,), -1, dtype=torch.int64)


def since_chosen(since: Tensor, counts: Tensor) -> Tensor:
    """Return `since` (K,) after a batch of which codeword k was chosen by `counts[k]` vectors."""
    passed = counts.sum().round().to(since.dtype)
    # -1 for negative numbers, else 1: twice as fast as two choices, which counts where codes are many and vectors few.
    sign = (since >> 63) | 1
    return (since + sign * passed) * (counts <= 0)


def age(since: Tensor) -> Tensor:
    """Return (K,) the vectors that passed since each codeword was chosen, began, or began again."""
    return torch.where(since < 0, -1 - since, since)


def windowed_usage(since: Tensor, window: int) -> Tensor:
    """Return, 0-d, the share of the codewords that one of the last `window` vectors chose.

    To the batch: a codeword chosen in a batch of which the window reaches the end only counts as used.

    >>> windowed_usage(torch.tensor([0, 6, -13, 200]), 100)
    tensor(0.5000)
    """
    return ((since >= 0) & (since < window)).to(torch.float32).mean()


def restarted(since: Tensor, revived: Tensor) -> Tensor:
    """Return `since` (K,) in which the codewords marked in `revived` (K,) begin again."""
    return torch.where(revived, -1, since)
