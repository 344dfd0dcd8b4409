"""The Householder variant of the rotation trick: one reflection takes x to the codeword, where a rotation needs two."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from zador.estimators.crossing import crossing
from zador.estimators.reflections import mirrored_back

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["householder", "householder_without_rescaling"]


def householder(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q = λ H x with λ and H held constant: the backward is g -> λ H g [fifty2024restructuring].

    H = I - 2 v vᵀ, v = (x̂ - q̂) / ||x̂ - q̂||, is the reflection [householder1958unitary] that takes x̂ = x / ||x|| to q̂,
    λ = ||q|| / ||x||. As with `rotation_trick` the gradient stands to x as g stands to q, λ times as long; but H does not
    tend to the identity as x̂ tends to q̂: it turns round what g has along v, however near they are. It is smooth where the
    rotation jumps: at q̂ = -x̂, v = x̂.

    Where the formula has no value: x̂ = q̂ gives the mean over all directions from which x̂ can come,
    g - 2 (g - q̂ (q̂ᵀ g)) / (d - 1), and g for d = 1; x = 0 gives g and q = 0 gives 0. Norms from 1e-30 to 1e30 neither
    underflow nor overflow in float32; a λ beyond the largest number of the dtype is that number.

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
        >>> householder(x, torch.tensor([[0.0, 2.0]])).backward(torch.tensor([[1.0, 3.0]]))
        >>> x.grad.round(decimals=4).tolist()  # the coordinates change places
        [[6.0, 2.0]]
    """
    return crossing(x, q, partial(mirrored_back, rescale=True), "householder")


def householder_without_rescaling(x: Tensor, q: Tensor) -> Tensor:
    """Return y = q with the backward g -> H g: `householder` with λ = 1 [fifty2024restructuring].

    The gradient keeps its length. At x = 0 and at q = 0 it is g.

    Args:
        x: (..., d) what was quantized, any floating dtype.
        q: (..., d) what it became; no gradient goes there.

    Returns:
        (..., d) as `householder` does.

    Raises:
        DataError: `x` and `q` differ in shape.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0, 0.0]], requires_grad=True)
        >>> householder_without_rescaling(x, torch.tensor([[0.0, 2.0]])).backward(torch.tensor([[1.0, 3.0]]))
        >>> x.grad.round(decimals=4).tolist()
        [[3.0, 1.0]]
    """
    return crossing(x, q, partial(mirrored_back, rescale=False), "householder_without_rescaling")
