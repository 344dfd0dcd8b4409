"""Dead codewords share the work of the busiest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from zador.codebooks.revive.base import Proposal, Reviver
from zador.codebooks.revive.draw import eligible, sub_key
from zador.errors import UsageError
from zador.noise import uniform

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["SplitMostLoaded"]


@dataclass(frozen=True, kw_only=True)
class SplitMostLoaded(Reviver):
    """The j-th dead codeword goes where the j-th most loaded of the batch is; both move apart, `c ± δ` [linde1980algorithm].

    δ has a random sign in every coordinate, and length `shift` times the root mean squared error of the members in this
    batch: far above rounding, far below the cell; which vectors go to which side depends on its direction alone. Codewords
    without members in the batch, or that all members lie on, are not split; the dead in excess wait for the next batch.

    Attributes:
        shift: in (0, 1].
    """

    shift: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what no batch could make sense of."""
        super().__post_init__()
        if not 0 < self.shift <= 1:
            raise UsageError(f"SplitMostLoaded: expected 0 < shift <= 1, got {self.shift}")

    def propose(self, state: Any, seen: Seen, codewords: Tensor, dead: Tensor) -> Proposal:
        """Return the codebook with the busiest cells cut in two; see `Reviver.propose`."""
        del state
        spread = _spread(seen, codewords)
        able = ~dead & (spread > 0)
        order = torch.where(able, seen.cells.counts, -torch.inf).argsort(descending=True, stable=True)
        donor = order[(dead.cumsum(0) - 1).clamp(min=0)]
        revived = dead & able[donor]
        signs = torch.where(uniform(sub_key(seen.key, 3), list(codewords.shape)) < 0.5, -1, 1)  # noqa: PLR2004 - a coin
        delta = torch.where(revived[:, None], self.shift * (spread[donor] / codewords.shape[1] ** 0.5)[:, None] * signs, 0)
        # Each donor serves one dead codeword: every sum below has at most one term that is not 0.
        moved = codewords.index_add(0, donor, -delta)
        donors = torch.zeros_like(codewords[:, 0]).index_add(0, donor, revived.to(codewords.dtype)) > 0
        return Proposal(torch.where(revived[:, None], codewords[donor] + delta, moved), revived, donors)


def _spread(seen: Seen, codewords: Tensor) -> Tensor:
    """Return (K,) the root mean squared error of the members of each cell in this batch; 0 without members."""
    counted = eligible(seen)
    cell = seen.indices.clamp(min=0)
    zeros = torch.zeros_like(codewords[:, 0])
    total = seen.peers.sum(zeros.index_add(0, cell, torch.where(counted, seen.squared.detach(), 0).to(zeros.dtype)))
    return (total / seen.cells.counts.to(zeros.dtype).clamp(min=1)).sqrt()
