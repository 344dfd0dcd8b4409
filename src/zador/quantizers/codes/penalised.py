"""The code of entropy-constrained quantization: a codeword costs what its index costs to send."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

import torch

from zador.errors import UsageError
from zador.quantizers.codes.base import Table, Watch
from zador.quantizers.codes.tabled import TabledCode
from zador.search.traced import traced_nearest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PenalisedCode", "PricedTable"]


class PricedTable(Table):
    """A table whose indices differ in length."""

    @abstractmethod
    def lengths(self) -> Tensor:
        """Return the bits (K,) that each index costs now, at least 0, without gradient."""


class PenalisedCode(TabledCode):
    """`i = argmin_k ||x - c_k||² + λ l_k`, l_k the bits that index k costs [chou1989entropy]; in evaluation as in training.

    The search is that for the nearest of the codewords `(c_k, √(λ l_k))`, from `(x, 0)`, and as certified.

    Args:
        table: codewords and the lengths of their indices.
        multiplier: λ >= 0, squared error (summed over coordinates) that a bit is worth.
        cosine: as in `TabledCode`.

    Raises:
        UsageError: a negative multiplier.
    """

    def __init__(self, table: PricedTable, *, multiplier: float, cosine: bool = False) -> None:
        super().__init__(table, cosine=cosine)
        if not multiplier >= 0:
            raise UsageError(f"multiplier: expected λ >= 0, squared error that a bit is worth, got {multiplier}")
        self.multiplier = float(multiplier)

    def choose(
        self,
        x: Tensor,
        codewords: Tensor,
        valid: Tensor | None,  # noqa: ARG002 - every vector chooses for itself
        watch: Watch | None,  # noqa: ARG002 - as above
        *,
        exact: bool,
    ) -> tuple[Tensor, Tensor]:
        """Return the cheapest codewords, error and bits together, and their squared distances alone."""
        height = (self.multiplier * cast("PricedTable", self.table).lengths()).sqrt().to(codewords.dtype)
        lifted = torch.cat([codewords, height[:, None]], dim=1)
        indices, _ = traced_nearest(torch.cat([x, x.new_zeros(x.shape[0], 1)], dim=1), lifted, exact=exact)
        return indices, ((x - codewords[indices]) ** 2).sum(dim=1)
