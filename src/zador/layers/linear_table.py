"""The table of SimVQ: codewords at rest, seen through a linear map that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.layers.transformed_table import TransformedTable

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks import Gradient

__all__ = ["LinearLearnedTable"]


class LinearLearnedTable(TransformedTable):
    """`c_k = W b_k + t`: W and t are parameters, the b_k a buffer that never moves after the start [zhu2024addressing].

    Args:
        codebook_size: K.
        dim: d.
        learner: a `Gradient` without revival.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.

    Attributes:
        weight: (d, d), W.
        bias: (d,), t.

    Raises:
        UsageError: another learner, or one that revives.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, codebook_size: int, dim: int, learner: Gradient, *, stream: int = 0, sphere: bool = False) -> None:
        super().__init__(codebook_size, dim, learner, stream=stream, sphere=sphere)
