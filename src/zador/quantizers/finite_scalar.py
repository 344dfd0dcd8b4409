"""Finite scalar quantization: every coordinate is rounded to a few levels; the codebook is the grid, and is never built."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zador.errors import DataError, UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FiniteScalar"]

# The paper's: the outermost levels are reached before tanh is at its end.
_SHRINK = 1e-3
_LARGEST_INDEX = (1 << 63) - 1
_EXACT_IN_FLOAT32 = 1 << 24
_COPIES = 32
_FEWEST_OF_A_STAGE = 3


@dataclass(frozen=True)
class FiniteScalar:
    """`x̂_i = s_i (k_i - h_i) / h_i`, `k_i` = 0 … L_i - 1: each coordinate has a grid of its own, one index counts them all.

    Finite scalar quantization [mentzer2023finite]. `bound` squashes what comes in smoothly, `select` rounds it. The grid of
    the paper has h = ⌊L/2⌋: 0 is on it, and for an even number of levels it ends at 1 - 2/L. The symmetric grid has
    h = (L-1)/2: from -1 to 1 whatever L is. For odd L the two are one.

    The index is `Σ k_i Π_{j<i} L_j`, counted in int64: exact up to 2^63 - 1 codes. The rest is computed in float32, or in
    float64 if that comes in. Nothing is learned, and no gradient passes `select`.

    Args:
        levels: L_i >= 2, one a coordinate.
        symmetric: the grid from -1 to 1.
        scale: s > 0, half the width of the grid: one for all coordinates, or one each.

    Raises:
        UsageError: fewer than 2 levels, no coordinates, more than 2^63 - 1 codes, or scales that are not above 0.

    Example:
        >>> quantizer = FiniteScalar((8, 5, 5, 5))
        >>> quantizer.sizes, round(quantizer.bits, 3)
        ((1000,), 9.966)
        >>> indices, values = quantizer.select(quantizer.bound(torch.tensor([[0.0, -9.0, 0.0, 9.0]])))
        >>> indices.tolist(), values.tolist()
        ([884], [[0.0, -1.0, 0.0, 1.0]])
        >>> quantizer.decode(indices).equal(values)
        True
    """

    levels: Sequence[int]
    symmetric: bool = False
    scale: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        levels = tuple(as_count(level, "levels", least=2) for level in self.levels)
        if not levels:
            raise UsageError("levels: expected a number of levels for each coordinate, got none; try (8, 5, 5, 5)")
        if math.prod(levels) > _LARGEST_INDEX:
            raise UsageError(
                f"levels: {len(levels)} coordinates of {min(levels)} to {max(levels)} levels make "
                f"2^{math.log2(math.prod(levels)):.2f} codes, an int64 index tells 2^63 - 1 apart; use several codebooks"
            )
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "scale", _as_scale(self.scale, len(levels)))

    @property
    def dim(self) -> int:
        """d, the number of coordinates."""
        return len(self.levels)

    @property
    def sizes(self) -> tuple[int]:
        """`(Π L_i,)`: the alphabet of the one stream of indices."""
        return (math.prod(self.levels),)

    @property
    def bits(self) -> float:
        """`Σ log2 L_i`, bits per vector."""
        return math.fsum(math.log2(level) for level in self.levels)

    def bound(self, z: Tensor) -> Tensor:
        """Return z squashed smoothly onto the span of the grid; a layer's gradient passes here.

        `s tanh(z)` on the symmetric grid, else `s (a tanh(z + atanh(o/a)) - o) / h` with `a = (1 - 10⁻³)(L-1)/2` and o = 0
        for odd, ½ for even L: 0 stays 0, and every level can be reached. For L = 2 that shift would be infinite; there
        it is 0, and the two cells meet at z = 0. (The code of the paper has tan for atanh: the same but for less than 10⁻³.)

        Args:
            z: (…, d) of any float type.

        Returns:
            (…, d), float64 for float64, else float32.

        Raises:
            DataError: another number of coordinates.

        >>> [round(b, 4) for b in FiniteScalar((4,)).bound(torch.tensor([[-9.0], [0.0], [9.0]])).flatten().tolist()]
        [-0.9992, 0.0, 0.4992]
        """
        rows = _long_rows(self._accept(z))
        if self.symmetric:
            return (torch.tanh(rows) * _row(self._scales, rows)).view(z.shape)
        reach = [(1.0 - _SHRINK) * (level - 1) / 2 for level in self.levels]
        offset = [0.0 if level % 2 else 0.5 for level in self.levels]
        shift = [math.atanh(o / a) if o < a else 0.0 for o, a in zip(offset, reach, strict=True)]
        unit = [scale / half for scale, half in zip(self._scales, self._halves, strict=True)]
        squashed = torch.tanh(rows + _row(shift, rows) if any(shift) else rows)
        lift, gain = _row(_products(offset, unit), rows), _row(_products(reach, unit), rows)
        return torch.addcmul(-lift, squashed, gain).view(z.shape)

    def select(self, bounded: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest point of the grid: `k = clamp(⌊h v / s + h + ½⌋, 0, L-1)`.

        A vector midway between two levels goes to the upper one; one beyond the grid to its end. Stages of a residual
        quantizer call this on what is left over, without `bound`.

        Args:
            bounded: v (…, d), any real vectors; from `bound` at the first.

        Returns:
            Indices (…) int64, and values (…, d) in float64 for float64, else float32. No gradient.

        Raises:
            DataError: another number of coordinates.
        """
        v = _long_rows(self._accept(bounded.detach()))
        halves = self._halves
        gain = [half / scale for half, scale in zip(halves, self._scales, strict=True)]
        k = torch.addcmul(_row([half + 0.5 for half in halves], v), v, _row(gain, v)).floor_()
        k = torch.minimum(k.clamp_(min=0), _row([level - 1 for level in self.levels], v))
        return self._index(k).view(bounded.shape).sum(-1).to(torch.int64), self._values(k).view(bounded.shape)

    def encode(self, z: Tensor) -> Tensor:
        """Return the indices (…) of z (…, d): those of `select(bound(z))`."""
        return self.select(self.bound(z))[0]

    def decode(self, indices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the values (…, d) of `indices` (…); a masked vector, index -1, is 0.

        Args:
            indices: whole numbers below `sizes[0]`.
            dtype: of the result; with that of `select`, the same bits.

        Raises:
            DataError: an index that no vector has.

        >>> FiniteScalar((3, 2), symmetric=True).decode(torch.tensor([2, 3, -1])).tolist()
        [[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0]]
        """
        check_range(indices, self.sizes[0])
        left = indices.to(torch.int64).unsqueeze(-1)
        k = left // _row(self._radix, left) % _row(self.levels, left)
        return self._values(k.to(dtype)) * (left >= 0)

    def stages(self, count: int) -> tuple[FiniteScalar, ...]:
        """Return quantizers for `count` stages: `s_t = s Π 1/(L-1)`, each spans half a step of the one before.

        Subtracting stage after stage leaves at most `s_i (L_i - 1)^-count` in each coordinate of a bounded vector.

        Raises:
            UsageError: a grid that is not symmetric, or 2 levels: their cells reach as far as the grid, nothing is gained.

        >>> [stage.scale for stage in FiniteScalar((5, 3)).stages(3)]
        [1.0, (0.25, 0.5), (0.0625, 0.25)]
        """
        count = as_count(count, "stages")
        if not self.symmetric and any(level % 2 == 0 for level in self.levels):
            raise UsageError(f"stages: {self.levels} levels are not symmetric about 0; pass symmetric=True, or odd levels")
        if min(self.levels) < _FEWEST_OF_A_STAGE:
            raise UsageError(f"stages: levels {self.levels} hold a 2, whose error is as wide as its grid; use 3 or more")
        scales = [_products(self._scales, [(level - 1.0) ** -stage for level in self.levels]) for stage in range(1, count)]
        return (self, *(replace(self, scale=tuple(scale)) for scale in scales))

    @property
    def _halves(self) -> list[float]:
        return [(level - 1) / 2 if self.symmetric else float(level // 2) for level in self.levels]

    @property
    def _scales(self) -> list[float]:
        return [self.scale] * self.dim if isinstance(self.scale, float) else list(self.scale)

    def _accept(self, z: Tensor) -> Tensor:
        if z.shape[-1:] != (self.dim,):
            raise DataError(f"z: expected shape (…, {self.dim}), as many coordinates as levels, got {tuple(z.shape)}")
        return z if z.dtype == torch.float64 else z.float()

    @property
    def _radix(self) -> list[int]:
        return list(accumulate(self.levels[:-1], mul, initial=1))

    def _index(self, k: Tensor) -> Tensor:
        # What each coordinate adds to the index. Whole numbers to 2^24 are exact in float32 too, and quicker there.
        counted = k if self.sizes[0] <= _EXACT_IN_FLOAT32 else k.to(torch.int64)
        return counted * _row(self._radix, counted)

    def _values(self, k: Tensor) -> Tensor:
        # A difference that is exact times a constant: the same bits compiled or not, from `select` or from `decode`.
        step = [scale / half for scale, half in zip(self._scales, self._halves, strict=True)]
        return (k - _row(self._halves, k)) * _row(step, k)


def check_range(indices: Tensor, size: int) -> None:
    """Raise DataError if an index is `size` or more, or below -1; not looked at inside a compiled or exported graph."""
    if torch.compiler.is_compiling():
        return
    outside = indices[(indices >= size) | (indices < -1)]
    if len(outside):
        raise DataError(
            f"indices: expected 0 to {size - 1}, or -1 for a masked vector, got {len(outside)} of {indices.numel()} outside "
            f"({outside[0].item()}, ...); are they those of this quantizer?"
        )


def _as_scale(scale: float | Sequence[float], dim: int) -> float | tuple[float, ...]:
    scales = tuple(float(s) for s in scale) if isinstance(scale, tuple | list) else (float(scale),) * dim  # type: ignore[arg-type]
    if len(scales) != dim or not all(0 < s < math.inf for s in scales):
        raise UsageError(f"scale: expected one number above 0, or {dim} of them, got {scale}")
    return scales if isinstance(scale, tuple | list) else scales[0]


def _products(a: Iterable[float], b: Iterable[float]) -> list[float]:
    return [x * y for x, y in zip(a, b, strict=True)]


def _long_rows(x: Tensor) -> Tensor:
    # Vectors of a few coordinates, 32 to a row: what is done with one constant a coordinate is 4 to 6 times faster so.
    if torch.compiler.is_compiling():
        return x
    return x.reshape(-1, x.shape[-1] * math.gcd(x.shape[:-1].numel(), _COPIES))


def _row(numbers: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).repeat(max(1, like.shape[-1] // len(numbers)))
