"""The record in which data travels: a matrix with one vector a row, and what is needed to name, show and split it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zador.errors import DataError, UsageError
from zador.validation import generator

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["Picture", "Split", "Vectors"]

_BLOCK_BYTES = 1 << 24


class Split(NamedTuple):
    """Two disjoint parts of one data set: `train` (N - H, D) to fit on, `held_out` (H, D) to judge on."""

    train: NDArray[Any]
    held_out: NDArray[Any]


class Picture(NamedTuple):
    """Where a run of `rows * columns` vectors comes from: a picture that was cut into patches, in reading order.

    Attributes:
        name: of the file, relative to the folder that was read, `/` between folders.
        rows: of patches.
        columns: of patches.
        cropped_below: pixels at the lower edge that filled no patch.
        cropped_right: pixels at the right edge that filled no patch.
    """

    name: str
    rows: int
    columns: int
    cropped_below: int = 0
    cropped_right: int = 0


@dataclass(frozen=True, eq=False)  # comparing arrays has no single truth value; compare fingerprints instead
class Vectors:
    """N vectors of dimension D, finite and ready to use; `numpy.asarray(vectors)` gives the matrix.

    Attributes:
        array: (N, D) float16, float32 or float64; a memory-mapped file stays memory-mapped.
        name: what to call the data in tables and messages.
        picture_shape: (h, w) or (h, w, 3) when a row is a picture, so that `row.reshape(picture_shape)` shows it.
        value_range: the values shown as black and as white: 0 and 255 for bytes, else the extremes.
        pictures: the pictures that the rows are patches of, in their order; None when a row is no part of another picture.

    >>> vectors = Vectors(np.eye(4), "corners", value_range=(0.0, 1.0))
    >>> len(vectors), vectors.fingerprint[:8]
    (4, '00f4254c')
    """

    array: NDArray[Any]
    name: str
    picture_shape: tuple[int, ...] | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    pictures: tuple[Picture, ...] | None = None

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - NumPy's protocol
        return np.array(self.array, dtype=dtype, copy=copy)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of BLAKE2b over dtype, shape and contents, the same on every machine.

        The contents are hashed row by row in little-endian order, block by block, so that neither the memory layout nor
        the size of the file matters; the name does not enter. Computed on first use.
        """
        little_endian = self.array.dtype.newbyteorder("<")
        digest = hashlib.blake2b(f"{little_endian.str} {self.array.shape}".encode(), digest_size=16)
        step = max(1, _BLOCK_BYTES // max(1, self.array.shape[1] * self.array.itemsize))
        for start in range(0, len(self.array), step):
            block = np.asarray(self.array[start : start + step], dtype=little_endian)
            digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()

    def split(self, held_out_fraction: float, seed: int | np.random.Generator = 0) -> Split:
        """Return `Split(train, held_out)`, the rows of a random permutation cut in two; each part is read once.

        Args:
            held_out_fraction: the part held out, between 0 and 1, in whole vectors; either part gets at least one.
            seed: a number >= 0, or a generator. The same data and seed give the same parts in the same order.

        Raises:
            UsageError: the fraction is not strictly between 0 and 1, or the seed is neither number nor generator.
            DataError: there are fewer than two vectors.

        >>> train, held_out = Vectors(np.arange(10.0).reshape(5, 2), "pairs").split(0.2, seed=0)
        >>> train.shape, held_out.shape
        ((4, 2), (1, 2))
        """
        train, held_out = self.split_rows(held_out_fraction, seed)
        # The plain view: fancy indexing of a memory map would otherwise go through its subclass for every piece.
        matrix = np.asarray(self.array)
        return Split(matrix[train], matrix[held_out])

    def split_rows(self, held_out_fraction: float, seed: int | np.random.Generator = 0) -> Split:
        """Return the row numbers (int64) that `split` takes, for callers that read a memory-mapped file in blocks."""
        if not 0.0 < held_out_fraction < 1.0:
            raise UsageError(f"held_out_fraction: expected a number between 0 and 1, got {held_out_fraction}; try 0.2")
        count = len(self.array)
        if count < 2:  # noqa: PLR2004 - one vector a part
            raise DataError(f"{self.name}: a split needs at least 2 vectors, got {count}; give more data")
        held_out = min(max(1, round(held_out_fraction * count)), count - 1)
        order = generator(seed).permutation(count)
        return Split(train=order[held_out:], held_out=order[:held_out])
