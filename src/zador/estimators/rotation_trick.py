"""The rotation trick: the gradient is turned and stretched as x is on its way to the codeword."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zador.errors import UsageError
from zador.estimators.estimator import as_pair
from zador.estimators.reflections import turned_back, working_dtype
from zador.estimators.straight_through import value_of

__all__ = ["rotation_trick", "rotation_trick_without_rescaling"]


def rotation_trick(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q = λ R x with λ and R held constant: the backward is g -> λ Rᵀ g [fifty2024restructuring].

    R is the rotation that takes x̂ = x / ||x|| to q̂ and leaves alone what is orthogonal to both, λ = ||q|| / ||x||:

        λ Rᵀ g = λ [g - 2 r (rᵀ g) + 2 x̂ (q̂ᵀ g)],    r = (x̂ + q̂) / ||x̂ + q̂||.

    So the gradient stands to x as g stands to q, λ times as long. Where the formula has no value: x = 0 gives g (nothing
    says where to turn), q = 0 gives 0 (λ = 0), q̂ = -x̂ gives λ times the reflection g - 2 x̂ (x̂ᵀ g). Norms from 1e-30 to
    1e30 neither underflow nor overflow in float32; a λ beyond the largest number of the dtype is that number.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became; no gradient goes there.

    Returns:
        (..., d) in the dtype of `q`; outside a compiled graph in its memory, see `straight_through`. The backward keeps
        only `x` and `q`, and works in float32 or better. It has no derivative of its own.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> x = torch.tensor([[1.0, 0.0]], requires_grad=True)
        >>> rotation_trick(x, torch.tensor([[0.0, 2.0]])).backward(torch.tensor([[0.0, 1.0]]))
        >>> x.grad.tolist()  # away from q becomes away from x, twice as long
        [[2.0, 0.0]]
    """
    y: Tensor = _RotationTrick.apply(*as_pair(x, q, "rotation_trick"), True)  # type: ignore[no-untyped-call]
    return y


def rotation_trick_without_rescaling(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q with the backward g -> Rᵀ g: `rotation_trick` with λ = 1 [fifty2024restructuring].

    The gradient keeps its length. At x = 0 and at q = 0 it is g.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became; no gradient goes there.

    Returns:
        (..., d) as `rotation_trick` does.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> x = torch.tensor([[1.0, 0.0]], requires_grad=True)
        >>> rotation_trick_without_rescaling(x, torch.tensor([[0.0, 2.0]])).backward(torch.tensor([[0.0, 1.0]]))
        >>> x.grad.tolist()
        [[1.0, 0.0]]
    """
    y: Tensor = _RotationTrick.apply(*as_pair(x, q, "rotation_trick_without_rescaling"), False)  # type: ignore[no-untyped-call]
    return y


class _RotationTrick(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, q: Tensor, rescale: bool) -> Tensor:  # noqa: ARG004, FBT001 - torch passes by position
        return value_of(q)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, bool], output: Tensor) -> None:  # noqa: ARG004 - as above
        x, q, ctx.rescale = inputs
        ctx.save_for_backward(x, q)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        x, q = ctx.saved_tensors
        dtype = working_dtype(g, x, q)
        wide = g.to(dtype), x.to(dtype), q.to(dtype)
        if x.is_cpu:
            back: Tensor = _Turned.apply(*wide, ctx.rescale)  # type: ignore[no-untyped-call]
        else:
            back = turned_back(*wide, rescale=ctx.rescale)
        return back.to(x.dtype), None, None


class _Turned(torch.autograd.Function):
    """`turn_back` for every transform of torch, which an operator of ours cannot enter by itself."""

    generate_vmap_rule = True

    @staticmethod
    def forward(g: Tensor, x: Tensor, q: Tensor, rescale: bool) -> Tensor:  # noqa: FBT001 - torch passes by position
        back: Tensor = turn_back(g, x, q, rescale)
        return back

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:  # noqa: ARG004 - torch passes the context
        raise UsageError("rotation_trick: it has no second derivative; straight_through and projection have one")


@torch.library.custom_op("zador::turn_back", mutates_args=())
def turn_back(g: Tensor, x: Tensor, q: Tensor, rescale: bool) -> Tensor:  # noqa: FBT001 - the schema of an operator
    """Return `turned_back(g, x, q)` for tensors (..., d) in main memory, in one pass; rows it cannot decide go there."""
    from zador.estimators.turning import turn_rows

    rows = x.shape[:-1].numel(), x.shape[-1]
    g_rows, x_rows, q_rows = (tensor.detach().reshape(rows).contiguous() for tensor in (g, x, q))
    turned, doubtful = turn_rows(g_rows.numpy(), x_rows.numpy(), q_rows.numpy(), rescale=rescale)
    back = torch.from_numpy(turned)
    if len(doubtful):
        left = torch.from_numpy(doubtful)
        back[left] = turned_back(g_rows[left], x_rows[left], q_rows[left], rescale=rescale)
    return back.view(x.shape)


@turn_back.register_fake
def _(g: Tensor, x: Tensor, q: Tensor, rescale: bool) -> Tensor:  # noqa: ARG001, FBT001 - as above
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)


@turn_back.register_vmap
def _(_info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Tensor, int]:
    # Rows do not know each other: the mapped axis becomes one more leading axis.
    *tensors, rescale = args
    size = next(tensor.shape[dim] for tensor, dim in zip(tensors, in_dims, strict=False) if dim is not None)
    moved = [
        tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        for tensor, dim in zip(tensors, in_dims, strict=False)
    ]
    return turn_back(*moved, rescale), 0
