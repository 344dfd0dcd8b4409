"""The table of SF-DiVeQ: codewords as the corners of a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zador.errors import UsageError
from zador.layers.table import LearnedTable
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Cells, Gradient
    from zador.quantizers.codes import Asked

__all__ = ["CurveTable", "chained"]


class CurveTable(LearnedTable):
    """K codewords in an order that matters: the curve goes from c_0 in straight lines to c_(K-1) [vali2025diveq].

    They are parameters and learn from the loss of the model, through the estimator, and from nothing else. What an
    initialiser has found is put in the order of `chained`; codewords that are given keep theirs.

    Args:
        codebook_size: K >= 2.
        dim: d.
        learner: a `Gradient` without revival, for its `start`: its weight plays no part.
        stream: tells apart the random numbers of the tables of one layer.

    Raises:
        UsageError: another learner, one that revives, or no two codewords.
    """

    def __init__(self, codebook_size: int, dim: int, learner: Gradient, *, stream: int = 0) -> None:
        if getattr(learner, "weight", None) is None or learner.revive is not None:
            raise UsageError(
                f"learner={learner!r}: the corners of a curve learn by gradient, and none of them can be revived without "
                "its neighbours; pass Gradient(revive=None)"
            )
        super().__init__(as_count(codebook_size, "codebook_size", least=2), dim, learner, stream=stream)

    def loss(self, asked: Asked, cells: Cells | None, total: Tensor, count: Tensor | int) -> Tensor:  # noqa: ARG002 - the base's
        """Return 0: there is no codebook loss."""
        return torch.zeros_like(total)

    def teaches(self, asked: Asked) -> bool:  # noqa: ARG002 - the base's signature
        """Return False: there is no codebook loss."""
        return False

    @staticmethod
    def split(codewords: Tensor) -> tuple[Tensor, ...]:
        """Return the codewords (K, d) in the order of the curve."""
        return (codewords[chained(codewords)],)


def chained(codewords: Tensor) -> Tensor:
    """Return an order (K,) of codewords (K, d) in which neighbours are near: from the farthest out, always to the nearest.

    A greedy tour: K² distances in all, K at a time.

    >>> chained(torch.tensor([[0.0], [4.0], [1.0], [2.0]])).tolist()
    [1, 3, 2, 0]
    """
    left = torch.ones(len(codewords), dtype=torch.bool)
    here = int(((codewords - codewords.mean(dim=0)) ** 2).sum(dim=1).argmax())
    order = [here]
    for _ in range(len(codewords) - 1):
        left[here] = False
        squared = ((codewords - codewords[here]) ** 2).sum(dim=1)
        here = int(squared.where(left.to(squared.device), torch.inf).argmin())
        order.append(here)
    return torch.tensor(order, device=codewords.device)
