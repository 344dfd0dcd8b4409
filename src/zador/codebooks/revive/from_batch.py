"""Dead codewords go where the vectors are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from zador.codebooks.revive.base import Proposal, Reviver
from zador.codebooks.revive.draw import eligible, proposal_from, sub_key

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["FromBatch"]


@dataclass(frozen=True, kw_only=True)
class FromBatch(Reviver):
    """A dead codeword moves onto a vector of the batch, all with the same probability [dhariwal2020jukebox].

    A vector that lies on a codeword already is not drawn.
    """

    def propose(self, state: Any, seen: Seen, codewords: Tensor, dead: Tensor) -> Proposal:
        """Return the codebook in which the dead lie on vectors of the batch; see `Reviver.propose`."""
        del state
        log_weights = torch.where(eligible(seen), 0.0, -torch.inf)
        return proposal_from(seen.x, log_weights, sub_key(seen.key, 3), codewords, dead, seen.peers)
