"""The stretch of the rotation trick without its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.estimators.crossing import crossing
from zador.estimators.reflections import stretch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["rescaling"]


def rescaling(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q with the backward g -> λ g, λ = ||q|| / ||x||: `rotation_trick` with R = I [fifty2024restructuring].

    It tells what of that trick comes from the length and what from the angle. At x = 0 the gradient is g, at q = 0 it is 0;
    a λ beyond the largest number of the dtype is that number.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became; no gradient goes there.

    Returns:
        (..., d) in the dtype of `q`; outside a compiled graph in its memory, see `straight_through`. The backward keeps
        only `x` and `q`, and works in float32 or better.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0, 0.0]], requires_grad=True)
        >>> rescaling(x, torch.tensor([[0.0, 2.0]])).backward(torch.tensor([[1.0, 3.0]]))
        >>> x.grad.tolist()
        [[2.0, 6.0]]
    """
    return crossing(x, q, _stretched, "rescaling")


def _stretched(g: Tensor, x: Tensor, q: Tensor) -> Tensor:
    return g * stretch(x, q) if x.shape[-1] else g
