"""Directions of vectors and the rotation between two of them, from reflections: no norm overflows, no case is NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["dot", "turned_back", "unit", "working_dtype"]


def working_dtype(*tensors: Tensor) -> torch.dtype:
    """Return the widest dtype among `tensors`, float32 at least."""
    dtype = torch.float32
    for tensor in tensors:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return (..., 1): the inner products of the rows."""
    return (a * b).sum(-1, keepdim=True)


def unit(v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return v / ||v||, and ||v|| as scale · length; the direction of 0 is 0, its scale 0 and its length 1.

    Dividing by the largest coordinate (`scale`) first keeps squares of 1e-30 and 1e30 inside single precision.

    Args:
        v: (..., d), d >= 1.

    Returns:
        (..., d) directions, (..., 1) scales, (..., 1) lengths from 1 to √d.
    """
    scale = v.abs().amax(-1, keepdim=True)
    scaled = v / torch.where(scale == 0, 1.0, scale)
    length = dot(scaled, scaled).sqrt()
    length = torch.where(scale == 0, 1.0, length)
    return scaled / length, scale, length


def turned_back(g: Tensor, x: Tensor, q: Tensor, *, rescale: bool) -> Tensor:
    """Return λ Rᵀ g, R the rotation that takes the direction of `x` to that of `q`, λ = ||q|| / ||x|| or 1.

    R = H(r) H(x̂), H(v) = I - 2 v vᵀ, r = (x̂ + q̂) / ||x̂ + q̂||, so Rᵀ g = H(x̂) H(r) g. For q̂ = -x̂ there is no r, H(r)
    drops out and R = H(x̂) still takes x̂ to q̂. Where x = 0 nothing says where to turn or how much to stretch: R = I,
    λ = 1; where q = 0 only λ = 0 is known: R = I.

    Args:
        g: (..., d) the gradient at y; one dtype for all, float32 or float64.
        x: (..., d) what was quantized.
        q: (..., d) what it became.
        rescale: whether λ is the ratio of the norms. A ratio beyond the largest number of the dtype is that number.
    """
    if x.shape[-1] == 0:
        return g
    x_hat, x_scale, x_length = unit(x)
    q_hat, q_scale, q_length = unit(q)
    turns = (x_scale > 0) & (q_scale > 0) | x_scale.isnan() | q_scale.isnan()
    middle = torch.where(turns, unit(x_hat + q_hat)[0], 0.0)
    back = g - 2 * middle * dot(middle, g)
    back = back - 2 * x_hat * torch.where(turns, dot(x_hat, back), 0.0)
    if not rescale:
        return back
    ratio = (q_scale / torch.where(x_scale == 0, 1.0, x_scale)) * (q_length / x_length)
    return back * torch.where(x_scale == 0, 1.0, ratio.clamp(max=torch.finfo(x.dtype).max))
