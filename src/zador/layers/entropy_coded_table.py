"""A table for an entropy coder: its indices have the lengths that their usage gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.codebooks import ALONE
from zador.layers.table import LearnedTable
from zador.quantizers.codes import PricedTable

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks import Cells, Learner, Peers
    from zador.quantizers.codes import Asked

__all__ = ["EntropyCodedTable"]

# Vectors a codeword is credited with that it never had: a length is finite, and a codeword can come back.
_CREDIT = 1.0


class EntropyCodedTable(LearnedTable, PricedTable):
    """`l_k = -log2 p_k`, p the shares of the codewords among the last vectors of training: see `Tally`.

    `p_k = (n_k + 1) / (n + K)` with the counts n_k of the tally: log2 K for all before anything is seen, and for a codeword
    that nobody chooses about log2(64 K), the window being 64 K vectors. Lengths are those of before the pass, and change
    with it: a coder that has seen the vectors so far could give them.

    Args:
        codebook_size: K.
        dim: d.
        learner: as in `LearnedTable`. A codeword that is not worth its bits is not dead: revived, it would be dropped anew.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.
    """

    def __init__(self, codebook_size: int, dim: int, learner: Learner, *, stream: int = 0, sphere: bool = False) -> None:
        super().__init__(codebook_size, dim, learner, stream=stream, sphere=sphere)
        self._lengths_before: Tensor | None = None

    def lengths(self) -> Tensor:
        """Return l (K,) in bits; those of before the last pass, while that pass is repeated."""
        if self._recalled and self._lengths_before is not None:
            return self._lengths_before
        counts = self.tally.counts.to(self.codewords.dtype) + _CREDIT
        lengths: Tensor = counts.sum().log2() - counts.log2()
        return lengths

    def learn(self, asked: Asked, cells: Cells, peers: Peers = ALONE) -> Tensor:
        """Move by one pass, as `LearnedTable` does; the tally moves with it, and the lengths with that."""
        if not torch.compiler.is_compiling():
            self._lengths_before = self.lengths()
        return super().learn(asked, cells, peers)
