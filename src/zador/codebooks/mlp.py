"""A table at rest, seen through a linear map and a hidden layer that learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from zador.codebooks.linear import LinearTable, linear_codewords, linear_table
from zador.noise import new_key, uniform
from zador.validation import as_count

__all__ = ["MlpTable", "MlpTransform"]

# Hidden units a coordinate, unless said otherwise.
_WIDER = 4


class MlpTable(NamedTuple):
    """What codewords are made of.

    Attributes:
        base: (K, d).
        weight: (d, d), W.
        bias: (d,), t.
        hidden_weight: (h, d), U.
        hidden_bias: (h,), u.
        output_weight: (d, h), V; 0 at the start.
    """

    base: Tensor
    weight: Tensor
    bias: Tensor
    hidden_weight: Tensor
    hidden_bias: Tensor
    output_weight: Tensor


@dataclass(frozen=True)
class MlpTransform:
    """`c_k = W b_k + t + V gelu(U b_k + u)`: the map of SimVQ [zhu2024addressing] with a hidden layer beside it.

    V starts at 0: codewords start where an initialiser puts them, and the map can bend from there. U and u are uniform in
    ±1/√d, of a base that is white.

    Attributes:
        hidden: h units; 4 d if None.
        learns_base: whether the base learns as well.
        seed: of U and u.

    Raises:
        UsageError: h is no whole number of at least 1.
    """

    hidden: int | None = None
    learns_base: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        if self.hidden is not None:
            as_count(self.hidden, "MlpTransform: hidden")

    def split(self, codewords: Tensor) -> MlpTable:
        """Return a white base, and a map of which the codewords (K, d) are the image."""
        linear = linear_table(codewords)
        dim = codewords.shape[1]
        units = self.hidden or _WIDER * dim
        drawn = (2.0 * uniform(new_key(self.seed), [units, dim + 1]) - 1.0) / dim**0.5
        drawn = drawn.to(linear.base.device, linear.base.dtype)
        return MlpTable(*linear, drawn[:, :dim].clone(), drawn[:, dim].clone(), linear.base.new_zeros(dim, units))

    def codewords(self, parts: MlpTable) -> Tensor:
        """Return the codewords (K, d)."""
        bent = functional.gelu(torch.addmm(parts.hidden_bias, parts.base, parts.hidden_weight.T)) @ parts.output_weight.T
        return linear_codewords(LinearTable(parts.base, parts.weight, parts.bias)) + bent
