"""Codewords that point in different directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn import functional

from zador.layers.regularise.drawn import drawn_rows
from zador.layers.regularise.requests import as_weight, learned_by_gradient, unless_empty
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

    from zador.layers.losses import Batch
    from zador.layers.table import LearnedTable
    from zador.quantizers.codes import Code

__all__ = ["Orthogonal"]


@dataclass(frozen=True)
class Orthogonal:
    """`w Σ_tables Σ_{j ≠ k} cos²(c_j, c_k) / K²` [shin2021translation]; K is the number of codewords that take part.

    K codewords in d < K dimensions cannot all be orthogonal: at best the sum is `1/d - 1/K` [welch1974lower], where they
    spread evenly over all directions. Cosines know nothing of lengths, nor of the vectors. Of the K × K cosines none is
    formed where d × d products will do.

    Attributes:
        weight: w >= 0.
        used_only: leave out codewords that none of the last vectors chose, those that do not count in `info.usage`.
        at_most: so many codewords take part, drawn anew at every step; None for all.
        seed: of the draw.

    Raises:
        UsageError: an argument out of its range; when it is called, a layer without codewords that learn by gradient.

    Example:
        >>> from zador.codebooks import Gradient
        >>> from zador.layers import vq
        >>> learner = Gradient(start=[[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
        >>> layer = vq(dim=2, codebook_size=3, learner=learner, regularisers=[Orthogonal(weight=9.0)])
        >>> layer(torch.ones(8, 2)).info.other["orthogonal"].item()  # the first and the third, twice
        2.0
    """

    weight: float = 1.0
    used_only: bool = False
    at_most: int | None = None
    seed: int = 0
    name: ClassVar[str] = "orthogonal"

    def __post_init__(self) -> None:
        """Refuse what is no weight, and no number of codewords."""
        as_weight(self.weight, "Orthogonal")
        if self.at_most is not None:
            as_count(self.at_most, "Orthogonal: at_most", least=2)
        as_count(self.seed, "Orthogonal: seed", least=0)

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the weighted loss of the codewords of `code`; 0 if no vector counts."""
        del z
        tables = learned_by_gradient(code, "Orthogonal")
        return unless_empty(torch.stack([self._of(table, batch.step) for table in tables]).sum(), batch.number)

    def _of(self, table: LearnedTable, step: Tensor) -> Tensor:
        directions = functional.normalize(table.look().clone(), dim=1)
        if self.used_only:
            since = table.tally.since
            directions = directions * ((since >= 0) & (since < table.tally.window))[:, None]
        if self.at_most is not None and self.at_most < table.codebook_size:
            directions = directions[drawn_rows(table.codebook_size, self.at_most, self.seed, step)]
        present = (directions.detach() ** 2).sum(dim=1)
        size, dim = directions.shape
        products = directions.T @ directions if dim < size else directions @ directions.T
        # Both have the same sum of squares, in which every codeword meets itself too.
        return ((products**2).sum() - (present**2).sum()) * (self.weight / (present > 0).sum().clamp(min=1) ** 2)
