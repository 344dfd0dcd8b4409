"""Dead codewords go where the squared error is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from zador.codebooks.revive.base import Proposal, Reviver
from zador.codebooks.revive.draw import eligible, proposal_from, sub_key

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["ByDistortion"]


@dataclass(frozen=True, kw_only=True)
class ByDistortion(Reviver):
    """A dead codeword moves onto a vector of the batch, drawn with probability ∝ its squared error.

    That is how k-means++ draws its next codeword [arthur2007kmeans]. A vector that lies on a codeword is never drawn.
    """

    def propose(self, state: Any, seen: Seen, codewords: Tensor, dead: Tensor) -> Proposal:
        """Return the codebook in which the dead lie on vectors that were served badly; see `Reviver.propose`."""
        del state
        squared = seen.squared.detach().to(torch.float32)
        log_weights = torch.where(eligible(seen), squared.log(), -torch.inf)
        return proposal_from(seen.x, log_weights, sub_key(seen.key, 3), codewords, dead, seen.peers)
