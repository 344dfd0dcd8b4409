"""Maps as vectors: a space whose rows are whole maps of a fixed size."""

from __future__ import annotations

import torch
from torch import Tensor

from zador.errors import DataError
from zador.layers.space import Rows, Space

__all__ = ["MapSpace"]


class MapSpace(Space):
    """A space in which the last two axes of positions, H × W, belong to the vector: rows are (N, H·W·d).

    Args:
        size: (H, W).
        space: the axis and the projections of a pixel.
    """

    def __init__(self, size: tuple[int, int], space: Space) -> None:
        torch.nn.Module.__init__(self)
        self.size = size
        self.dim, self.code_dim, self.axis, self.skip = space.dim, space.code_dim, space.axis, space.skip
        self.into, self.out = space.into, space.out
        self.before, self.after = space.before, space.after

    def enter(self, x: Tensor, mask: Tensor | None, lengths: Tensor | None) -> Rows:
        """Return maps as rows; `mask` has one boolean for each map.

        Raises:
            DataError: maps of another size.
        """
        lead = self.lead(x)
        if lead[-2:] != self.size:
            raise DataError(f"x: expected maps of {self.size} pixels, the last of the scales, got shape {tuple(x.shape)}")
        if lengths is not None:
            raise DataError("lengths: maps have no lengths; pass mask, one boolean for each map")
        pixels = None
        if mask is not None:
            if mask.shape != lead[:-2]:
                raise DataError(f"mask: expected one boolean for each map, shape {lead[:-2]}, got {tuple(mask.shape)}")
            pixels = mask[..., None, None].expand(lead)
        rows = super().enter(x, pixels, None)
        tokens = self.size[0] * self.size[1]
        valid = None if rows.valid is None else rows.valid.view(-1, tokens).all(dim=1)
        return rows._replace(x=rows.x.reshape(-1, tokens * rows.x.shape[1]), valid=valid, lead=lead[:-2])

    def place(self, y: Tensor, lead: tuple[int, ...], valid: Tensor | None) -> Tensor:
        """Return rows as maps, with zeros where they are not valid."""
        tokens = self.size[0] * self.size[1]
        pixels = None if valid is None else valid.repeat_interleave(tokens)
        return super().place(y.view(-1, y.shape[1] // tokens), (*lead, *self.size), pixels)
