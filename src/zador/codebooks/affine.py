"""A table seen through a scale and a shift of every coordinate, which all codewords share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["AffineTable", "AffineTransform"]


class AffineTable(NamedTuple):
    """What codewords are made of.

    Attributes:
        base: (K, d), b.
        scale: (d,), s.
        shift: (d,), t.
    """

    base: Tensor
    scale: Tensor
    shift: Tensor


@dataclass(frozen=True)
class AffineTransform:
    """`c_k = s ⊙ b_k + t`: scale and shift of the whole codebook follow an encoder at once [huh2023straightening].

    The base starts with mean 0 and variance 1 in every coordinate, s and t are deviation and mean of the codewords. Where
    they do not vary, the base is 0 and s is 1.

    Attributes:
        learns_base: whether the base learns as well, as in the paper; at rest, the codebook keeps its shape.

    >>> parts = AffineTransform().split(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    >>> parts.base.tolist(), parts.scale.tolist(), parts.shift.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [1.0, 1.0], [2.0, 5.0])
    """

    learns_base: bool = True

    def split(self, codewords: Tensor) -> AffineTable:
        """Return the base, and the scale and shift of which the codewords (K, d) are the image."""
        wide = codewords.detach().double()
        shift = wide.mean(dim=0)
        scale = ((wide - shift) ** 2).mean(dim=0).sqrt()
        scale = torch.where(scale > 0, scale, 1.0)
        dtype = torch.promote_types(codewords.dtype, torch.float32)
        return AffineTable(*(part.to(dtype) for part in ((wide - shift) / scale, scale, shift)))

    def codewords(self, parts: AffineTable) -> Tensor:
        """Return the codewords (K, d)."""
        return parts.base * parts.scale + parts.shift
