"""Subtractive dither: a quantizer whose error is uniform and independent of what it quantizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.errors import DataError
from zador.estimators.additive_noise import as_width
from zador.estimators.reflections import working_dtype
from zador.estimators.straight_through import straight_through

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["dithered"]


def dithered(x: Tensor, width: float, noise: Tensor) -> Tensor:
    """Return y = Δ round(x / Δ + u) - Δ u: a grid of step Δ, shifted at random and shifted back [schuchman1964dither].

    y - x is uniform in [-Δ/2, Δ/2] and independent of x, whatever x is: for what follows, `AdditiveNoise(Δ)` and this
    quantizer are the same channel, and one can be trained for the other [agustsson2020universally]. The integers
    round(x / Δ + u) are what is transmitted; the decoder needs the same u, that is the same key. The backward is g -> g.

    Args:
        x: (..., d) any floating dtype.
        width: Δ > 0, in the unit of x.
        noise: (..., d) u, uniform in [0, 1), from `zador.noise.uniform`.

    Returns:
        (..., d) in the dtype of x; worked out in float32 or better.

    Raises:
        UsageError: `width` is not positive and finite.
        DataError: `x` and `noise` differ in shape.

    Example:
        >>> import torch
        >>> dithered(torch.tensor([0.3, 1.1]), 1.0, torch.tensor([0.0, 0.5])).tolist()
        [0.0, 1.5]
    """
    step = as_width(width)
    if x.shape != noise.shape:
        raise DataError(
            f"dithered: expected x and noise of one shape, got {tuple(x.shape)} and {tuple(noise.shape)}; "
            "draw the noise with zador.noise.uniform(key, list(x.shape))"
        )
    dtype = working_dtype(x, noise)
    wide, shift = x.detach().to(dtype), noise.to(dtype)
    return straight_through(x, (step * (torch.round(wide / step + shift) - shift)).to(x.dtype))
