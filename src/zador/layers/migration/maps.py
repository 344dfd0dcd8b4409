"""Linear maps of other libraries, in and out of the space of a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from zador.layers.space import Space

if TYPE_CHECKING:
    from zador.layers.migration.weights import Weights

__all__ = ["CosineLinear", "LinearThenNorm", "NormThenLinear", "linear", "read_linear", "space_behind"]

_DIMENSIONS = 2
# What torch calls the length and the direction of a weight, before and since 2.0.
_NORMALISED = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)


class NormThenLinear(nn.Linear):
    """`A x̃ + b`, x̃ of mean 0 and variance 1 over its coordinates."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the image of x (N, D)."""
        return super().forward(functional.layer_norm(x, (self.in_features,)))


class LinearThenNorm(nn.Linear):
    """Layer normalisation of `A x + b`, with a gain and a shift.

    Attributes:
        norm: the normalisation.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.norm = nn.LayerNorm(out_features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image of x (N, D)."""
        y: Tensor = self.norm(super().forward(x))
        return y


class CosineLinear(nn.Linear):
    """`s cos(a_i, x)` for every row a_i of A.

    Args:
        in_features: D.
        out_features: d.
        scale: s.
    """

    def __init__(self, in_features: int, out_features: int, *, scale: float) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return the image of x (N, D)."""
        return functional.linear(functional.normalize(x, dim=-1), functional.normalize(self.weight, dim=1)) * self.scale


@torch.no_grad()
def linear(weight: Tensor, bias: Tensor | None = None, into: nn.Linear | None = None) -> nn.Linear:
    """Return x → A x + b, A = `weight` (d, D) and b = `bias` (d,), if there is one; in `into`, if that is given."""
    if into is None:
        into = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    into.to(weight.dtype)
    into.weight.copy_(weight)
    if bias is not None:
        into.bias.copy_(bias)
    return into


def read_linear(weights: Weights, name: str) -> nn.Linear | None:
    """Return the linear map `name`, or None if there is none.

    A 1×1 convolution is one too; and so is one with weight normalisation, `g v / ||v||`, under either of torch's names for
    g and v: from here on it is a plain map of the same value.
    """
    matrix = _matrix(weights, name)
    if matrix is None:
        return None
    # `Weights` is no dict: it answers for a missing name with an error.
    bias = weights[f"{name}.bias"] if f"{name}.bias" in weights else None  # noqa: SIM401
    return linear(matrix.flatten(1) if matrix.ndim > _DIMENSIONS else matrix, bias)


def space_behind(into: nn.Linear | None, out: nn.Linear | None, code_dim: int, axis: int) -> Space:
    """Return the space of a code of `code_dim` coordinates behind these maps."""
    space = Space(code_dim, code_dim, axis=axis)
    space.into, space.out = into, out
    if into is not None:
        space.dim = into.in_features
    return space


def _matrix(weights: Weights, name: str) -> Tensor | None:
    for g, v in _NORMALISED:
        if f"{name}.{v}" in weights:
            # What torch's own layer computes.
            return torch._weight_norm(weights[f"{name}.{v}"], weights[f"{name}.{g}"], 0)  # noqa: SLF001
    return weights[f"{name}.weight"] if f"{name}.weight" in weights else None  # noqa: SIM401
