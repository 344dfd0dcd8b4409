"""Directions of vectors and the rotation between two of them, from reflections: no norm overflows, no case is NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["dot", "mirrored_back", "stretch", "turned_back", "unit", "working_dtype"]

# Directions nearer to each other than this many roundings are one: what is left of their difference is noise.
_ONE_DIRECTION = 8


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
    return back * _ratio((q_scale, q_length), (x_scale, x_length)) if rescale else back


def mirrored_back(g: Tensor, x: Tensor, q: Tensor, *, rescale: bool) -> Tensor:
    """Return λ H(v) g, v = (x̂ - q̂) / ||x̂ - q̂||: the reflection that takes the direction of `x` to that of `q`.

    H(v) = I - 2 v vᵀ is its own transpose. Where x̂ = q̂ any v orthogonal to q̂ would do, and which one is approached
    depends on where x comes from; the mean over all of them is I - 2 (I - q̂ q̂ᵀ) / (d - 1), and I for d = 1. Where x = 0
    or q = 0 nothing is turned, and λ is that of `stretch`.

    Args:
        g: (..., d) the gradient at y; one dtype for all, float32 or float64.
        x: (..., d) what was quantized.
        q: (..., d) what it became.
        rescale: whether λ is the ratio of the norms, or 1.
    """
    if x.shape[-1] == 0:
        return g
    x_hat, x_scale, x_length = unit(x)
    q_hat, q_scale, q_length = unit(q)
    mirror, apart = _mirror(x_hat, q_hat)
    alike = g if x.shape[-1] == 1 else g - 2 / (x.shape[-1] - 1) * (g - q_hat * dot(q_hat, g))
    back = torch.where(apart, g - 2 * mirror * dot(mirror, g), alike)
    back = torch.where((x_scale == 0) | (q_scale == 0), g, back)
    return back * _ratio((q_scale, q_length), (x_scale, x_length)) if rescale else back


def stretch(x: Tensor, q: Tensor) -> Tensor:
    """Return λ = ||q|| / ||x|| (..., 1): 1 where x = 0, and at most the largest number of the dtype.

    Args:
        x: (..., d), d >= 1, what was quantized.
        q: (..., d) what it became.
    """
    return _ratio(unit(q)[1:], unit(x)[1:])


def _mirror(x_hat: Tensor, q_hat: Tensor) -> tuple[Tensor, Tensor]:
    """Return the direction of x̂ - q̂, and where there is one that is more than rounding."""
    step, bisector = x_hat - q_hat, x_hat + q_hat
    mirror, scale, length = unit(step)
    # Lengths of 1 are so to rounding: of a small step, what is not orthogonal to the bisector is error.
    middle = torch.where(dot(x_hat, q_hat) > 0, unit(bisector)[0], 0.0)
    mirror = unit(mirror - middle * dot(middle, mirror))[0]
    return mirror, ~(scale * length <= _ONE_DIRECTION * torch.finfo(step.dtype).eps)


def _ratio(above: tuple[Tensor, ...], below: tuple[Tensor, ...]) -> Tensor:
    """Return the quotient of two norms, each given as (scale, length); 1 where the lower one is 0."""
    ratio = (above[0] / torch.where(below[0] == 0, 1.0, below[0])) * (above[1] / below[1])
    return torch.where(below[0] == 0, 1.0, ratio.clamp(max=torch.finfo(ratio.dtype).max))
