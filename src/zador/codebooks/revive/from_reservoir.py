"""Dead codewords go where vectors have been for a long time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from zador.codebooks.learn.reservoir import Reservoir, empty_reservoir, with_batch
from zador.codebooks.revive.base import Load, Proposal, Reviver
from zador.codebooks.revive.draw import eligible, proposal_from, sub_key
from zador.errors import UsageError

if TYPE_CHECKING:
    from zador.codebooks.learn.cells import Seen

__all__ = ["FromReservoir", "ReservoirLoad"]


class ReservoirLoad(NamedTuple):
    """What the reviver remembers: hits as in `Load`, and a reservoir: vectors (R, d), and how many were offered (0-d)."""

    hits: Tensor
    vectors: Tensor
    offered: Tensor


@dataclass(frozen=True, kw_only=True)
class FromReservoir(Reviver):
    """A dead codeword moves onto a vector of a uniform sample of all so far: for small or one-sided batches.

    Attributes:
        per_codeword: vectors that are kept a codeword.
    """

    per_codeword: int = 4

    def __post_init__(self) -> None:
        """Refuse what no batch could make sense of."""
        super().__post_init__()
        if self.per_codeword < 1:
            raise UsageError(f"FromReservoir: expected per_codeword >= 1, got {self.per_codeword}")

    def init(self, codewords: Tensor) -> ReservoirLoad:
        """Return the state that starts with codewords (K, d)."""
        hits: Load = super().init(codewords)
        table = codewords.detach().to(torch.promote_types(codewords.dtype, torch.float32))
        return ReservoirLoad(*hits, *empty_reservoir(table, self.per_codeword * len(codewords)))

    def observed(self, state: ReservoirLoad, seen: Seen) -> ReservoirLoad:
        """Return the state that knows of this batch, and keeps some of its vectors."""
        state = super().observed(state, seen)
        kept = with_batch(Reservoir(state.vectors, state.offered), seen.x, eligible(seen), sub_key(seen.key, 2), seen.peers)
        return state._replace(vectors=kept.vectors, offered=kept.offered)

    def propose(self, state: Any, seen: Seen, codewords: Tensor, dead: Tensor) -> Proposal:
        """Return the codebook in which the dead lie on vectors of the reservoir; see `Reviver.propose`."""
        filled = torch.arange(len(state.vectors), device=codewords.device) < state.offered
        log_weights = torch.where(filled, 0.0, -torch.inf)
        # The reservoir is the same in all processes already.
        return proposal_from(state.vectors, log_weights, sub_key(seen.key, 3), codewords, dead)
