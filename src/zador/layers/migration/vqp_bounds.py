"""Grids as vector-quantize-pytorch bounds and numbers them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zador.quantizers.finite_scalar import FiniteScalar, check_range

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["STRETCH", "Clamp", "Rebounded", "Signs", "SoftClamp", "Stretched"]

_SHORTEST = 1e-12
STRETCH = 1e-3


@dataclass(frozen=True)
class Rebounded:
    """A grid whose input is bounded in another way.

    Attributes:
        grid: finds the nearest point.
        squash: z (N, d) → (N, d).
    """

    grid: FiniteScalar
    squash: Callable[[Tensor], Tensor]

    @property
    def dim(self) -> int:
        """D."""
        return self.grid.dim

    @property
    def sizes(self) -> tuple[int, ...]:
        """(K,)."""
        return self.grid.sizes

    def bound(self, z: Tensor) -> Tensor:
        """Return z (N, d) squashed."""
        return self.squash(z if z.dtype == torch.float64 else z.float())

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and values (N, d)."""
        return self.grid.select(bounded)

    def decode(self, indices: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the values (N, d) of indices (N,)."""
        return self.grid.decode(indices, dtype)


@dataclass(frozen=True)
class Stretched:
    """`(a f(z + shift) - o) / ⌊L/2⌋`, `a = (1 + 10⁻³)(L-1)/2`: stretched where [mentzer2023finite] shrinks.

    Attributes:
        levels: L_i.
        hard: f clamps to [-1, 1], with `shift = o/a`; otherwise it is tanh, with `shift = atanh(o/a)`.
    """

    levels: tuple[int, ...]
    hard: bool = False

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        reach = [(level - 1) * (1 + STRETCH) / 2 for level in self.levels]
        offset = [0.0 if level % 2 else 0.5 for level in self.levels]
        shift = [o / a if self.hard else math.atanh(o / a) for o, a in zip(offset, reach, strict=True)]
        moved = z + z.new_tensor(shift)
        bounded = (moved.clamp(-1.0, 1.0) if self.hard else torch.tanh(moved)) * z.new_tensor(reach) - z.new_tensor(offset)
        return bounded / z.new_tensor([float(level // 2) for level in self.levels])


@dataclass(frozen=True)
class Clamp:
    """`clamp(z, -1, 1)`."""

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        return z.clamp(-1.0, 1.0)


@dataclass(frozen=True)
class SoftClamp:
    """`c tanh(z / c)`.

    Attributes:
        limits: c, one number for each coordinate, or one for all.
    """

    limits: tuple[float, ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Return z (N, d) bounded."""
        limit = z.new_tensor(self.limits)
        return torch.tanh(z / limit) * limit


@dataclass(frozen=True)
class Signs:
    """`x̂_i = s if z_i > 0 else -s`, `k = Σ [z_i > 0] 2^(d-1-i)`: `LookupFree` with the peer's order of bits and sign of 0.

    Attributes:
        dim: d.
        size: s before normalisation.
        spherical: values have length s; so has z, once it is bounded.
        clamp: c of `c tanh(z / c)`, or None.
    """

    dim: int
    size: float = 1.0
    spherical: bool = False
    clamp: float | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """(2^d,)."""
        return (1 << self.dim,)

    @property
    def scale(self) -> float:
        """The size of every coordinate of every codeword."""
        return self.size / math.sqrt(self.dim) if self.spherical else self.size

    def bound(self, z: Tensor) -> Tensor:
        """Return z (N, d) clamped, and on the sphere."""
        z = z if z.dtype == torch.float64 else z.float()
        if self.clamp is not None:
            z = SoftClamp((self.clamp,))(z)
        if not self.spherical:
            return z
        norm = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        unit: Tensor = z / norm.clamp(min=_SHORTEST) * self.size
        return unit

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices (N,) and values (N, d)."""
        positive = bounded.detach() > 0
        return (positive * self._radix(bounded)).sum(-1), self._values(positive, bounded.dtype)

    def decode(self, indices: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the values (N, d) of indices (N,); -1 is zeros."""
        check_range(indices, self.sizes[0])
        left = indices.to(torch.int64).unsqueeze(-1)
        return self._values((left & self._radix(indices)) != 0, dtype) * (left >= 0)

    def _radix(self, like: Tensor) -> Tensor:
        powers = [1 << bit for bit in reversed(range(self.dim))]
        return torch.tensor(powers, dtype=torch.int64, device=like.device)

    def _values(self, positive: Tensor, dtype: torch.dtype) -> Tensor:
        return (positive.to(dtype) * 2 - 1) * self.scale
