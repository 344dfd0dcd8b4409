"""What the tables of a layer learn from one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zador.layers.table import LearnedTable
from zador.layers.tally import Tally

if TYPE_CHECKING:
    from zador.quantizers.codes import Asked

__all__ = ["Lesson"]


class Lesson:
    """Shows every table what it was asked, and gathers what comes back.

    Args:
        count: vectors that count, the n of the losses.
        learns: whether tables start, count, move and revive.

    Attributes:
        codebook: codebook losses, one for each table that learns by gradient.
        revived: how many codewords each table moved to a new place.
    """

    def __init__(self, count: Tensor | int, *, learns: bool) -> None:
        self.count = count
        self.learns = learns
        self.codebook: list[Tensor] = []
        self.revived: list[Tensor] = []

    def before(self, table: nn.Module, x: Tensor, valid: Tensor | None) -> None:
        """Let a table start, if it has not."""
        if self.learns and isinstance(table, LearnedTable):
            table.start(x, valid)

    def after(self, table: nn.Module, asked: Asked) -> None:
        """Let a table, or a tally, learn what was asked."""
        if isinstance(table, LearnedTable):
            cells = table.cells(asked) if self.learns or table.teaches(asked) else None
            self.codebook.append(table.loss(asked, cells, self.count))
            self.revived.append(
                table.learn(asked, cells) if self.learns and cells is not None else asked.indices.new_zeros(())
            )
        elif isinstance(table, Tally):
            if self.learns:
                table.hear(asked.indices)
            self.revived.append(asked.indices.new_zeros(()))

    def codebook_loss(self, like: Tensor) -> Tensor:
        """Return the sum of the codebook losses; 0 if no table learns by gradient."""
        return torch.stack(self.codebook).sum() if self.codebook else torch.zeros_like(like)
