"""The table of SimVQ: codewords at rest, seen through a linear map that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from zador.codebooks import LinearTable, linear_codewords, linear_table
from zador.errors import UsageError
from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from zador.codebooks import Gradient

__all__ = ["LinearLearnedTable"]


class LinearLearnedTable(LearnedTable):
    """`c_k = W b_k + b`: W and b are parameters, the b_k a buffer that never moves after the start [zhu2024addressing].

    Every codeword that is chosen moves the map, and so all the others with it.

    Args:
        codebook_size: K.
        dim: d.
        learner: a `Gradient` without revival: a codeword cannot be put somewhere by itself.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.

    Raises:
        UsageError: a learner that revives.
    """

    def __init__(self, codebook_size: int, dim: int, learner: Gradient, *, stream: int = 0, sphere: bool = False) -> None:
        if learner.revive is not None:
            raise UsageError("learner: codewords of a linear table cannot be revived one by one; pass Gradient(revive=None)")
        super().__init__(codebook_size, dim, learner, stream=stream, sphere=sphere)
        base, weight, bias = linear_table(self.codewords)
        self.codewords = base
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def look(self) -> Tensor:
        """Return the codewords (K, d), with the gradient of the map."""
        codewords = linear_codewords(LinearTable(self.codewords, self.weight, self.bias))
        return functional.normalize(codewords, dim=1) if self.sphere else codewords

    def optimised(self) -> bool:
        """Return False: what the optimiser moves is the map."""
        return False

    def parts(self) -> list[Tensor]:
        """Return what a start fills in: the base and the map."""
        return [self.codewords, self.weight.detach(), self.bias.detach()]

    @staticmethod
    def split(codewords: Tensor) -> tuple[Tensor, ...]:
        """Return base and map of codewords (K, d)."""
        return linear_table(codewords)
