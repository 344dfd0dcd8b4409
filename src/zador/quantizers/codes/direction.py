"""Codewords that are chosen by their direction, and used with their length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from zador.quantizers.codes.base import Asked, Quantized, Table, Watch, masked
from zador.quantizers.codes.tabled import TabledCode
from zador.search.traced import traced_nearest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DirectionCode"]


class DirectionCode(TabledCode):
    """`i = argmax_k cos(x, c_k)`, `q = c_i`: S = 1. The choice of the Descript Audio Codec [kumar2023high].

    Unlike in `TabledCode(table, cosine=True)`, x and codewords keep their lengths: so the nearest codeword need not be the
    one that is chosen, and the squared error is `||x - c_i||²`.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the codeword in the direction nearest to that of each vector."""
        if watch is not None:
            watch.before(self.table, x, valid)
        codewords = self.table.look()
        hard = codewords.detach()
        indices, _ = traced_nearest(functional.normalize(x, dim=1), functional.normalize(hard, dim=1), exact=exact)
        values = functional.embedding(indices, hard)
        indices, values, squared = masked(valid, indices, values, ((x - values) ** 2).sum(dim=1))
        if watch is not None:
            watch.after(self.table, Asked(x, indices, squared, codewords))
        return Quantized(indices[:, None], values, None, squared, squared)
