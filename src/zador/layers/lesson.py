"""What the tables of a layer learn from one pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zador.codebooks import shared
from zador.layers.losses import mean_over
from zador.layers.table import LearnedTable
from zador.layers.tally import Tally
from zador.quantizers.codes import PricedTable

if TYPE_CHECKING:
    from zador.quantizers.codes import Asked, Pass

__all__ = ["Lesson"]


class Lesson:
    """Shows every table what it was asked, and gathers what comes back.

    Args:
        vectors: how many vectors count in all processes together, the n of the losses.
        context: the pass; its peers are the W processes that learn together.
        learns: whether tables start, count, move and revive.

    Attributes:
        context: the pass.
        peers: the W processes.
        count: n / W, what sums over the vectors of one process are divided by.
        codebook: codebook losses, one for each table that learns by gradient.
        revived: how many codewords each table moved to a new place.
        rates: bits that each table's indices of this process cost on average.
    """

    def __init__(self, vectors: Tensor | int, context: Pass, *, learns: bool) -> None:
        self.vectors = vectors
        self.context = context
        self.peers = peers = context.peers
        self.learns = learns
        self.count: Tensor | int = vectors if peers.size == 1 else torch.as_tensor(vectors) / peers.size
        self.codebook: list[Tensor] = []
        self.revived: list[Tensor] = []
        self.rates: list[Tensor] = []

    def before(self, table: nn.Module, x: Tensor, valid: Tensor | None) -> None:
        """Let a table start, if it has not."""
        if self.learns and isinstance(table, LearnedTable):
            table.start(x, valid, self.peers)

    def after(self, table: nn.Module, asked: Asked) -> None:
        """Let a table, or a tally, learn what was asked."""
        if isinstance(table, LearnedTable):
            self.rates.append(_rate(table, asked))
            cells = table.cells(asked) if self.learns or table.teaches(asked) else None
            total = asked.squared.sum()
            if cells is not None:
                cells, total = shared(cells, asked.squared, self.peers)
            self.codebook.append(table.loss(asked, cells, total, self.vectors))
            self.revived.append(
                table.learn(asked, cells, self.peers) if self.learns and cells is not None else asked.indices.new_zeros(())
            )
        elif isinstance(table, Tally):
            self.rates.append(asked.squared.new_full((), math.log2(table.codebook_size)))
            if self.learns:
                table.hear(asked.indices, self.peers)
            self.revived.append(asked.indices.new_zeros(()))

    def codebook_loss(self, like: Tensor) -> Tensor:
        """Return the sum of the codebook losses; 0 if no table learns by gradient."""
        return torch.stack(self.codebook).sum() if self.codebook else torch.zeros_like(like)


def _rate(table: LearnedTable, asked: Asked) -> Tensor:
    """Return the mean length in bits of the indices that were chosen, 0-d; 0 if none was."""
    if not isinstance(table, PricedTable):
        return asked.squared.new_full((), math.log2(table.codebook_size))
    chosen = asked.indices >= 0
    lengths = table.lengths()[asked.indices.clamp(min=0)].where(chosen, 0.0)
    return mean_over(lengths.sum(), chosen.sum())
