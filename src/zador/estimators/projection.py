"""The projection estimator: only the part of the gradient along the line from x to its codeword crosses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from zador.estimators.estimator import as_pair
from zador.estimators.reflections import dot, unit, working_dtype
from zador.estimators.straight_through import value_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["projection"]


def projection(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q with the backward g -> (uᵀ g) u, u = (q - x) / ||q - x||.

    Some reports call it “rotation”; it turns nothing, see `rotation_trick` for that. The gradient keeps 1 of its d
    coordinates and never more than its length.

    At x = q there is no u, and the limit of u uᵀ depends on where x comes from. Its mean over all directions is I / d, the
    only mixture of the limits that prefers none: there g -> g / d. With d = 1 that is g, as for every other x.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became; no gradient goes there.

    Returns:
        (..., d) in the dtype of `q`; outside a compiled graph in its memory, see `straight_through`.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> x = torch.tensor([[0.5, 0.0]], requires_grad=True)
        >>> projection(x, torch.tensor([[1.0, 0.0]])).backward(torch.tensor([[3.0, -5.0]]))
        >>> x.grad.tolist()
        [[3.0, 0.0]]
    """
    y: Tensor = _Projection.apply(*as_pair(x, q, "projection"))  # type: ignore[no-untyped-call]
    return y


class _Projection(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, q: Tensor) -> Tensor:  # noqa: ARG004 - only the backward needs x
        return value_of(q)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        x, q = ctx.saved_tensors
        return _projected(g, x, q).to(x.dtype), None


def _projected(g: Tensor, x: Tensor, q: Tensor) -> Tensor:
    dim = x.shape[-1]
    if dim == 0:
        return g
    dtype = working_dtype(g, x, q)
    wide = g.to(dtype)
    u, scale, _ = unit(q.to(dtype) - x.to(dtype))
    return torch.where(scale == 0, wide / dim, dot(u, wide) * u)
