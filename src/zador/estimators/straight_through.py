"""The straight-through estimator: the gradient crosses as if nothing had been quantized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from zador.estimators.estimator import as_pair

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["straight_through", "value_of"]


def straight_through(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q with the backward g -> g [bengio2013estimating].

    The value is q to the last bit (x + (q - x) is not), and neither direction allocates anything: outside a compiled
    graph y has the memory of `q`, so changing y in place changes `q`. Where somebody still needs the old values for a
    gradient, torch notices and raises; clone first to keep both.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became. No gradient goes there: a codebook learns from its loss or its statistics.

    Returns:
        (..., d) in the dtype of `q`.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> x = torch.tensor([[0.9, 0.2]], requires_grad=True)
        >>> y = straight_through(x, torch.tensor([[1.0, 0.0]]))
        >>> y.backward(torch.tensor([[3.0, -5.0]]))
        >>> y.tolist(), x.grad.tolist()
        ([[1.0, 0.0]], [[3.0, -5.0]])
    """
    y: Tensor = _StraightThrough.apply(*as_pair(x, q, "straight_through"))  # type: ignore[no-untyped-call]
    return y


def value_of(q: Tensor) -> Tensor:
    """Return a tensor with the values of `q` for an autograd function to return.

    `q` itself would come back as a view that refuses every in-place operation; a detached alias does not, and shares the
    version counter by which autograd detects changes. A compiled graph must not return two names of one memory, one with
    a gradient to x and one without (it restores the second from the first, with its gradient); there the copy is the
    compiler's to leave out.
    """
    return q.clone() if torch.compiler.is_compiling() else q.detach()


class _StraightThrough(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, q: Tensor) -> Tensor:  # noqa: ARG004 - x only lends its place in the graph
        return value_of(q)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004 - torch passes the context
        return g, None
