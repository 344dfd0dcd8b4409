"""A table at rest, seen through a linear map that learns: the codebook of SimVQ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["LinearTable", "LinearTransform", "linear_codewords", "linear_table"]


class LinearTable(NamedTuple):
    """What codewords are made of.

    Attributes:
        base: (K, d), which never moves.
        weight: (d, d), W, which learns.
        bias: (d,), b, which learns.
    """

    base: Tensor
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class LinearTransform:
    """`c = W b + t`: SimVQ [zhu2024addressing]; see `linear_table`.

    Attributes:
        learns_base: whether the base learns as well; in SimVQ it rests.
    """

    learns_base: bool = False

    def split(self, codewords: Tensor) -> LinearTable:
        """Return a white base, and the map of which the codewords (K, d) are the image."""
        return linear_table(codewords)

    def codewords(self, parts: LinearTable) -> Tensor:
        """Return the codewords (K, d)."""
        return linear_codewords(parts)


def linear_codewords(table: LinearTable) -> Tensor:
    """Return the codewords (K, d), `c_k = W b_k + b`, differentiable in W and b [zhu2024addressing].

    A gradient from any one codeword moves the map, hence all of them: none is left behind by an encoder that moves.
    """
    return table.base @ table.weight.T + table.bias


def linear_table(codewords: Tensor) -> LinearTable:
    """Return the base and the map of which the codewords (K, d) are the image.

    The base has mean 0 and, over its K rows, unit covariance; W is the symmetric root of the covariance of the codewords
    and b their mean. So SimVQ starts from any initialiser as a table does, and from a base as white as the normal draws of
    the paper: an offset or a steep spectrum of the data slows no gradient down. Directions in which the codewords do not
    extend are 0 in the base.

    >>> table = linear_table(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    >>> table.base.tolist(), linear_codewords(table).tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[1.0, 5.0], [3.0, 5.0]])
    """
    wide = codewords.detach().cpu().double()
    bias = wide.mean(dim=0)
    centred = wide - bias
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(wide))
    kept = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
    root = torch.where(kept, values, 0).sqrt()
    inverse = torch.where(kept, 1 / torch.where(kept, root, 1), 0)
    base, weight = centred @ ((vectors * inverse) @ vectors.T), (vectors * root) @ vectors.T
    return LinearTable(*(part.to(codewords.device, _result(codewords)) for part in (base, weight, bias)))


def _result(codewords: Tensor) -> torch.dtype:
    return torch.promote_types(codewords.dtype, torch.float32)
