"""Scales of a map: a residual code whose stages see finer and finer maps, as in visual autoregressive modelling."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from zador.quantizers.codes.base import Code, Quantized, Watch
from zador.quantizers.codes.residual import Once

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MultiScale"]


class MultiScale(Code):
    """`r_1 = x`, `q_s = up(code(down_s(r_s)))`, `r_{s+1} = r_s - q_s` over maps that grow [tian2024visual].

    A "vector" is a whole map here: H·W pixels of d coordinates, row by row, become `Σ_s h_s w_s` indices, coarse ones first.
    `down_s` is the mean over the pixels of a cell, `up` bicubic interpolation to H × W. One code serves all scales.

    Args:
        code: of one token, a vector of d coordinates.
        scales: (h_s, w_s); the last one is H × W, the size of the maps.
    """

    def __init__(self, code: Code, scales: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.each = code
        self.scales = tuple(scales)
        self.map = self.scales[-1]
        self.tokens = math.prod(self.map)
        self.dim = code.dim * self.tokens
        self.streams = [height * width * len(code.sizes) for height, width in self.scales]
        self.sizes = code.sizes * sum(height * width for height, width in self.scales)

    def enter(self, z: Tensor) -> Tensor:
        """Return z with every pixel in the space of the code."""
        return self.each.enter(z.reshape(-1, self.each.dim)).view(z.shape)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return the indices of all scales of N maps, and the sum of their values."""
        # A table starts from all pixels: the first scale alone would show it one vector a map.
        pixels = None if valid is None else valid.repeat_interleave(self.tokens)
        once = None if watch is None else Once(watch, (self._down(x, self.map), pixels))
        rest, left_over, parts, indices = x, torch.zeros_like(x), [], []
        squared = x.new_zeros(x.shape[0])
        for scale, streams in zip(self.scales, self.streams, strict=True):
            tokens = self._down(rest, scale)
            rows = None if valid is None else valid.repeat_interleave(math.prod(scale))
            found = self.each.select(tokens, rows, once, exact=exact)
            indices.append(found.indices.reshape(-1, streams))
            parts.append(self._up(found.values, scale))
            rest = rest - parts[-1]
            left_over += rest
            error = (rest**2).sum(dim=1)
            squared = squared + error
        if once is not None:
            once.tell()
        if valid is not None:
            left_over, squared, error = (
                part.where(valid.view(-1, *[1] * (part.ndim - 1)), 0.0) for part in (left_over, squared, error)
            )
        return Quantized(torch.cat(indices, dim=1), functools.reduce(torch.add, parts), left_over, squared, error)

    def decode(self, indices: Tensor) -> Tensor:
        """Return the sum of the values of the scales."""
        columns = torch.split(indices, self.streams, dim=1)
        parts = [
            self._up(self.each.decode(these.reshape(-1, len(self.each.sizes))), scale)
            for these, scale in zip(columns, self.scales, strict=True)
        ]
        return functools.reduce(torch.add, parts)

    def _down(self, x: Tensor, scale: tuple[int, int]) -> Tensor:
        """Return the tokens (N·h·w, d) of maps (N, H·W·d)."""
        pixels = x.view(-1, *self.map, self.each.dim).movedim(-1, 1)
        means = pixels if scale == self.map else functional.adaptive_avg_pool2d(pixels, scale)
        return means.movedim(1, -1).reshape(-1, self.each.dim)

    def _up(self, tokens: Tensor, scale: tuple[int, int]) -> Tensor:
        """Return the maps (N, H·W·d) of tokens (N·h·w, d)."""
        cells = tokens.view(-1, *scale, self.each.dim).movedim(-1, 1)
        pixels = cells if scale == self.map else functional.interpolate(cells, self.map, mode="bicubic", align_corners=False)
        return pixels.movedim(1, -1).reshape(-1, self.dim)
