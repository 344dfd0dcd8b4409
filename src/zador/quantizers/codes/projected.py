"""A code behind maps of its own: it chooses in one space, and its values are those of another."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from zador.quantizers.codes.base import Code, Quantized, Watch, masked

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Projected"]


class Projected(Code):
    """`q = out(code(into(x)))`: factorised codes, if `into` leads to few coordinates [yu2021vector].

    Stages of a residual code that are projected each subtract their value in the space of x. Values are hard: by itself no
    code gives its maps a gradient. `zador.layers.FactorisedBottleneck` does, and is the layer to train one in.

    Args:
        code: works on what `into` returns.
        into: (N, D) → (N, d), a module.
        out: (N, d) → (N, D), a module.
        dim: D.
    """

    def __init__(self, code: Code, into: nn.Module, out: nn.Module, *, dim: int) -> None:
        super().__init__()
        self.each = code
        self.into, self.out = into, out
        self.dim = dim
        self.sizes = code.sizes

    def inward(self, x: Tensor) -> Tensor:
        """Return x (N, D) where the code takes it, differentiably: its own `enter` included."""
        return self.each.enter(_through(self.into, x))

    def outward(self, values: Tensor, indices: Tensor) -> Tensor:
        """Return values (N, d) in the space of x, differentiably; zeros where all indices (N, S) are -1."""
        return _through(self.out, values).where((indices >= 0).any(dim=1, keepdim=True), 0.0)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:
        """Return what the code selects behind the map, and its values on this side; errors are those on this side."""
        with torch.no_grad():
            found = self.each.select(self.inward(x), valid, watch, exact=exact)
            values = self.outward(found.values, found.indices)
            _, error = masked(valid, found.indices, ((x - values) ** 2).sum(dim=1))
        return Quantized(found.indices, values, None, error, error)

    def decode(self, indices: Tensor) -> Tensor:
        """Return the values of the code on this side of the map; a vector of -1 only is zeros."""
        return self.outward(self.each.decode(indices), indices)


def _through(module: nn.Module, x: Tensor) -> Tensor:
    """Return `module(x)`, computed in the float type of the module, in float32 or better."""
    like = next(chain(module.parameters(), module.buffers()), x)
    y = cast("Callable[[Tensor], Tensor]", module)(x.to(like.dtype))
    return y.float() if y.dtype.itemsize < 4 else y  # noqa: PLR2004 - bytes of float32
