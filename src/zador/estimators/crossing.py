"""Pointwise estimators from their backward alone: y = q, and (g, x, q) → the gradient at x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch

from zador.estimators.estimator import as_pair
from zador.estimators.reflections import working_dtype
from zador.estimators.straight_through import value_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Backward", "crossing"]


class Backward(Protocol):
    """What a gradient becomes on its way from y to x; all three (..., d) in one dtype, float32 or wider."""

    def __call__(self, g: Tensor, x: Tensor, q: Tensor, /) -> Tensor:
        """Return the gradient at x."""


def crossing(x: Tensor, q: Tensor, backward: Backward, name: str) -> Tensor:
    """Return y = q, whose gradient g is `backward(g, x, q)` at x and nothing at q.

    Only x and q are kept for the backward, which works in float32 or better and is rounded once to the dtype of x.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became.
        backward: made of operators of torch, so that it compiles, and has a derivative if they have one.
        name: the estimator, for the message.

    Raises:
        DataError: `x` and `q` differ in shape.
    """
    y: Tensor = _Crossing.apply(*as_pair(x, q, name), backward)  # type: ignore[no-untyped-call]
    return y


class _Crossing(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, q: Tensor, backward: Backward) -> Tensor:  # noqa: ARG004 - only the backward needs them
        return value_of(q)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Backward], output: Tensor) -> None:  # noqa: ARG004 - torch's
        x, q, ctx.rule = inputs
        ctx.save_for_backward(x, q)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        x, q = ctx.saved_tensors
        dtype = working_dtype(g, x, q)
        return ctx.rule(g.to(dtype), x.to(dtype), q.to(dtype)).to(x.dtype), None, None
