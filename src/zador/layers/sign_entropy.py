"""The entropy loss of layers that keep signs: of every head by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from zador.layers.entropy import Entropy
    from zador.layers.losses import Batch
    from zador.quantizers import LookupFree
    from zador.quantizers.codes import Code

__all__ = ["SignEntropy"]


@dataclass(frozen=True)
class SignEntropy:
    """`Entropy` as a regulariser: the mean over the heads, each of which is to use all of its own codewords.

    Attributes:
        entropy: the loss.
        signs: whose codewords are meant.
    """

    entropy: Entropy
    signs: LookupFree
    name: ClassVar[str] = "entropy"

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:  # noqa: ARG002 - the codewords are the signs'
        """Return the weighted loss of z (N, H·d)."""
        heads = torch.split(z, self.signs.dim, dim=1)
        losses = [self.entropy(head, self.signs, batch.valid, peers=batch.peers).loss for head in heads]
        return torch.stack(losses).mean()
