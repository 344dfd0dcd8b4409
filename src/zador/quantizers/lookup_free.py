"""Lookup-free quantization: one bit a coordinate, its sign."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from zador.errors import DataError, UsageError
from zador.quantizers.finite_scalar import check_range
from zador.validation import as_count

__all__ = ["LookupFree"]

_MOST_BITS = 62
# Shorter vectors than this have no direction that float32 could tell.
_SHORTEST = 1e-12


@dataclass(frozen=True)
class LookupFree:
    """`x̂_i = s sign(z_i)`, sign(0) = +1: 2^d codewords, the corners of a cube.

    Lookup-free quantization [yu2023language] has s = 1. On the sphere it is binary spherical quantization
    [zhao2024image]: z is normalised first, and s = 1/√d makes the codewords unit vectors. The index is
    `Σ [z_i >= 0] 2^i`, in int64. Everything is computed in float32, or in float64 if that comes in. Nothing is learned,
    and no gradient passes `select`.

    Args:
        dim: d, from 1 to 62.
        spherical: normalise z.

    Raises:
        UsageError: no such dimension.

    Example:
        >>> quantizer = LookupFree(3)
        >>> indices, values = quantizer.select(quantizer.bound(torch.tensor([[0.3, -2.0, 0.0]])))
        >>> indices.tolist(), values.tolist(), quantizer.bits
        ([5], [[1.0, -1.0, 1.0]], 3.0)
    """

    dim: int
    spherical: bool = False

    def __post_init__(self) -> None:
        if as_count(self.dim, "dim") > _MOST_BITS:
            raise UsageError(f"dim: {self.dim} coordinates need as many bits, an index has 62; use several codebooks")

    @property
    def sizes(self) -> tuple[int]:
        """`(2^d,)`: the alphabet of the one stream of indices."""
        return (1 << self.dim,)

    @property
    def bits(self) -> float:
        """d, bits per vector."""
        return float(self.dim)

    @property
    def scale(self) -> float:
        """s, the size of every coordinate of every codeword: 1, or 1/√d on the sphere."""
        return 1.0 / math.sqrt(self.dim) if self.spherical else 1.0

    def bound(self, z: Tensor) -> Tensor:
        """Return z, or `z / ||z||` on the sphere; a layer's gradient passes here.

        A vector shorter than 10⁻¹² has no direction; it stays what it is, and so does its gradient.

        Args:
            z: (…, d) of any float type.

        Returns:
            (…, d), float64 for float64, else float32.

        Raises:
            DataError: another number of coordinates.

        >>> LookupFree(2, spherical=True).bound(torch.tensor([[3.0, -4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, -0.800000011920929], [0.0, 0.0]]
        """
        z = self._accept(z)
        if not self.spherical:
            return z
        norm = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
        return z / torch.where(norm < _SHORTEST, 1.0, norm)

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest codeword: the sign of each coordinate, + for 0.

        Args:
            bounded: (…, d).

        Returns:
            Indices (…) int64, and values (…, d) in float64 for float64, else float32. No gradient.

        Raises:
            DataError: another number of coordinates.
        """
        v = self._accept(bounded.detach())
        positive = v >= 0
        return (positive * self._radix(v)).sum(-1), self._values(positive, v.dtype)

    def encode(self, z: Tensor) -> Tensor:
        """Return the indices (…) of z (…, d): those of `select(bound(z))`."""
        return self.select(self.bound(z))[0]

    def decode(self, indices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the values (…, d) of `indices` (…); a masked vector, index -1, is 0.

        Args:
            indices: whole numbers below 2^d.
            dtype: of the result; with that of `select`, the same bits.

        Raises:
            DataError: an index that no vector has.

        >>> LookupFree(2).decode(torch.tensor([0, 1, -1])).tolist()
        [[-1.0, -1.0], [1.0, -1.0], [0.0, 0.0]]
        """
        check_range(indices, self.sizes[0])
        left = indices.to(torch.int64).unsqueeze(-1)
        return self._values((left & self._radix(indices)) != 0, dtype) * (left >= 0)

    def _accept(self, z: Tensor) -> Tensor:
        if z.shape[-1:] != (self.dim,):
            raise DataError(f"z: expected shape (…, {self.dim}), one coordinate a bit, got {tuple(z.shape)}")
        return z if z.dtype == torch.float64 else z.float()

    def _radix(self, like: Tensor) -> Tensor:
        return torch.tensor([1 << bit for bit in range(self.dim)], dtype=torch.int64, device=like.device)

    def _values(self, positive: Tensor, dtype: torch.dtype) -> Tensor:
        return (positive.to(dtype) * 2 - 1) * self.scale
