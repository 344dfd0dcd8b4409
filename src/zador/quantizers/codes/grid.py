"""Codes without a table: the values of an index follow from a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from zador.quantizers.codes.base import Asked, Code, Quantized, Watch, masked

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Grid", "GridCode"]


class Grid(Protocol):
    """A rule such as `FiniteScalar` or `LookupFree`."""

    @property
    def dim(self) -> int:
        """D."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """(K,): the one index that a vector gets has K values."""

    def bound(self, z: Tensor) -> Tensor:
        """Return z (N, d) within the range of the grid, differentiably."""

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and values (N, d)."""

    def decode(self, indices: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the values (N, d) of indices (N,) in a float type."""


class GridCode(Code):
    """The nearest point of a grid, which is found coordinate by coordinate: S = 1.

    Args:
        grid: the rule.
        tally: whoever counts the indices, shown to `watch`; None for nobody.
    """

    like: Tensor

    def __init__(self, grid: Grid, tally: nn.Module | None = None) -> None:
        super().__init__()
        self.grid = grid
        self.tally = tally
        self.dim = grid.dim
        self.sizes = grid.sizes
        # Follows the model to another float type and device, as a table would; it holds nothing to save.
        self.register_buffer("like", torch.empty(0), persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """Float type of the values: that of the model, at least float32."""
        return torch.promote_types(self.like.dtype, torch.float32)

    def enter(self, z: Tensor) -> Tensor:
        """Return z within the range of the grid."""
        return self.grid.bound(z)

    def select(self, x: Tensor, valid: Tensor | None, watch: Watch | None = None, *, exact: bool = True) -> Quantized:  # noqa: ARG002 - rounding needs no certificate
        """Return the nearest grid point of each vector."""
        indices, values = self.grid.select(x)
        values = values.to(self.dtype)
        # As a product: sums along rows of a few numbers are slow. In full precision, that of vectors on a device as well.
        squares = (x - values).square_()
        squared = torch.mv(squares, squares.new_ones(self.dim))
        indices, values, squared = masked(valid, indices, values, squared)
        if watch is not None and self.tally is not None:
            watch.after(self.tally, Asked(x, indices, squared, None))
        return Quantized(indices[:, None], values, None, squared, squared)

    def decode(self, indices: Tensor) -> Tensor:
        """Return the grid points of indices (N, 1)."""
        return self.grid.decode(indices[:, 0], self.dtype)
