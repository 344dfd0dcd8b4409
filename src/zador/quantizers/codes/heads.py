"""Codes side by side: every part of a vector is quantized by itself."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from zador.quantizers.codes.base import Code, Quantized, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Heads", "Product"]


class Product(Code):
    """`x = (x_1 … x_P)`, a code for every part [jegou2011product]: streams of the parts follow each other.

    Squared errors of parts add up, so every part chooses for itself.
    """

    def __init__(self, parts: Sequence[Code]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.widths = [part.dim for part in parts]
        self.streams = [len(part.sizes) for part in parts]
        ends = list(accumulate(self.widths, initial=0))
        self.columns = [slice(start, stop) for start, stop in pairwise(ends)]
        self.dim = ends[-1]
        self.sizes = tuple(size for part in parts for size in part.sizes)

    def enter(self, z: Tensor) -> Tensor:
        """Return z with every part in the space of its code."""
        return torch.cat(
            [part.enter(z) for part, z in zip(self._codes(), torch.split(z, self.widths, dim=-1), strict=True)], dim=-1
        )

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return what the parts select, side by side."""
        found: list[Quantized] = []
        values = x.new_empty(0)
        # One part at a time, its values written where they belong: all parts side by side would be the memory of x again.
        for part, piece, columns in zip(self._codes(), torch.split(x, self.widths, dim=1), self.columns, strict=True):
            here = part.select(piece.contiguous(), valid, watch, exact=exact)
            if not found:
                values = here.values.new_empty(x.shape[0], self.dim)
            values[:, columns] = here.values
            found.append(here._replace(values=values[:, columns]))
        return Quantized(
            torch.cat([part.indices for part in found], dim=1),
            values,
            self._left_over(x, found),
            torch.stack([part.squared for part in found]).sum(dim=0),
            torch.stack([part.error for part in found]).sum(dim=0),
        )

    def decode(self, indices: Tensor) -> Tensor:
        """Return the values of the parts, side by side."""
        columns = torch.split(indices, self.streams, dim=1)
        return torch.cat([part.decode(these) for part, these in zip(self._codes(), columns, strict=True)], dim=1)

    def _left_over(self, x: Tensor, found: list[Quantized]) -> Tensor | None:
        if all(part.left_over is None for part in found):
            return None
        pieces = zip(torch.split(x, self.widths, dim=1), found, strict=True)
        return torch.cat([z - q.values if q.left_over is None else q.left_over for z, q in pieces], dim=1)

    def _codes(self) -> list[Code]:
        return cast("list[Code]", list(self.parts))


class Heads(Code):
    """One code for every head: `x = (x_1 … x_H)`, all of the same width, quantized by the same tables."""

    def __init__(self, code: Code, heads: int) -> None:
        super().__init__()
        self.each = code
        self.heads = heads
        self.dim = heads * code.dim
        self.sizes = code.sizes * heads

    def enter(self, z: Tensor) -> Tensor:
        """Return z with every head in the space of the code."""
        return self.each.enter(z.reshape(-1, self.each.dim)).view(z.shape)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return what the code selects for N·H vectors, N in a row again."""
        rows = None if valid is None else valid.repeat_interleave(self.heads)
        found = self.each.select(x.reshape(-1, self.each.dim), rows, watch, exact=exact)
        return Quantized(
            found.indices.view(-1, len(self.sizes)),
            found.values.view(-1, self.dim),
            None if found.left_over is None else found.left_over.view(-1, self.dim),
            found.squared.view(-1, self.heads).sum(dim=1),
            found.error.view(-1, self.heads).sum(dim=1),
        )

    def decode(self, indices: Tensor) -> Tensor:
        """Return the values of the heads, side by side."""
        return self.each.decode(indices.reshape(-1, len(self.each.sizes))).view(-1, self.dim)
