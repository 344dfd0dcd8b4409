"""The public door: turn what a caller hands over into a clean matrix, or say in one line why not.

Rooms call this once, where data enters; below the door nothing is checked again.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, NonFiniteError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_count", "as_counts", "as_indices", "as_matrix", "as_vectors", "check_finite", "generator", "is_torch"]

_BLOCK_BYTES = 1 << 24
_NAMED_ROWS = 5


def is_torch(array: Any) -> bool:
    """Return whether `array` is a torch tensor, without importing torch when nobody else has."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def as_count(count: Any, name: str, *, least: int = 1) -> int:
    """Return `count` as a Python int that is at least `least`.

    Args:
        count: an integer, of Python or of NumPy; True and False are no counts.
        name: what the caller calls it, for the message.
        least: the smallest that makes sense.

    Raises:
        UsageError: not a whole number, or below `least`.

    >>> as_count(np.int64(16), "codebook_size")
    16
    """
    try:
        number = None if isinstance(count, bool) else operator.index(count)
    except TypeError:
        number = None
    if number is None or number < least:
        raise UsageError(f"{name}: expected a whole number of at least {least}, got {count!r}")
    return number


def as_counts(counts: Any, name: str, length: int) -> tuple[int, ...]:
    """Return `length` counts of at least 1: one number given stands for all of them.

    Raises:
        UsageError: no whole numbers of at least 1, or another number of them.

    >>> as_counts(16, "codebook_size", 2), as_counts([16, 8], "codebook_size", 2)
    ((16, 16), (16, 8))
    """
    if not isinstance(counts, Sequence | np.ndarray):
        return (as_count(counts, name),) * length
    if len(counts) != length:
        raise UsageError(f"{name}: expected one number, or {length} of them, got {len(counts)}")
    return tuple(as_count(count, name) for count in counts)


def as_indices(indices: Any, codebook_size: int) -> NDArray[np.int64]:
    """Return `indices`, of any shape, as int64 from 0 to K - 1.

    Args:
        indices: NumPy array, tensor, or nested sequence of whole numbers; an empty one may have any type.
        codebook_size: number K of codewords.

    Raises:
        DataError: not whole numbers, or some are out of range; the message counts them.

    >>> as_indices([0, 2], 3)
    array([0, 2])
    """
    given = np.asarray(indices.detach().cpu() if is_torch(indices) else indices)
    if given.size and given.dtype.kind not in "iu":
        raise DataError(f"indices: expected whole numbers, got dtype {given.dtype}; pass the indices, not the codewords")
    outside = given[(given < 0) | (given >= codebook_size)]
    if len(outside):
        first = ", ".join(str(index) for index in outside[:_NAMED_ROWS]) + (", ..." if len(outside) > _NAMED_ROWS else "")
        raise DataError(
            f"indices: expected 0 to {codebook_size - 1}, got {len(outside)} of {given.size} outside ({first}); "
            "are they those of this codebook?"
        )
    return given.astype(np.int64, copy=False)


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Return `numpy.random.default_rng(seed)`; a generator is handed through and advances.

    Raises:
        UsageError: neither a whole number >= 0 nor a generator. None is refused: an unnamed seed cannot be repeated.

    >>> int(generator(42).integers(100))
    8
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(as_count(seed, "seed", least=0))


def as_matrix(array: Any, name: str) -> NDArray[Any]:
    """Return `array` as a 2-D NumPy array of floats; float16/32/64 keep their dtype and memory, the rest becomes float64.

    Args:
        array: (N, D) NumPy array, CPU torch tensor (bfloat16 becomes float32, exactly), or nested sequence of numbers.
        name: what the caller calls it, for the message.

    Raises:
        DataError: not two-dimensional, no coordinates, or not real numbers.
    """
    if is_torch(array):
        array = _from_torch(array)
    try:
        matrix = np.asarray(array)
    except ValueError:
        raise DataError(f"{name}: expected a (N, D) matrix of numbers, got rows of different lengths") from None
    if matrix.dtype.kind not in "fiub":
        raise DataError(f"{name}: expected real numbers, got dtype {matrix.dtype}; convert it with .astype(float) first")
    if matrix.ndim != 2 or matrix.shape[1] == 0:  # noqa: PLR2004 - a matrix has two axes
        raise DataError(f"{name}: expected shape (N, D) with D >= 1, got {matrix.shape}; reshape it to one vector a row")
    if matrix.dtype.kind != "f" or matrix.dtype.itemsize > np.dtype(np.float64).itemsize:
        matrix = matrix.astype(np.float64)
    return matrix


def as_vectors(array: Any, name: str) -> NDArray[Any]:
    """Return `array` as vectors to compute with: a finite, contiguous (N, D) float32 or float64 matrix, see `as_matrix`.

    float16 becomes float32, which is exact.

    Raises:
        DataError: not a matrix of real numbers.
        NonFiniteError: NaN or infinity.
    """
    matrix = as_matrix(array, name)
    check_finite(matrix, name)
    return np.ascontiguousarray(matrix, np.float32 if matrix.dtype == np.float16 else matrix.dtype)


def check_finite(matrix: NDArray[Any], name: str) -> None:
    """Raise NonFiniteError, with the count and the first rows, if `matrix` (N, D) holds NaN or infinity."""
    step = max(1, _BLOCK_BYTES // max(1, matrix.shape[1] * matrix.itemsize))
    bad: list[NDArray[np.intp]] = []
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step]
        # One SIMD sum decides the usual case; only a sum that is not finite (or overflows) is looked at cell by cell.
        with np.errstate(over="ignore", invalid="ignore"):
            total = block.sum(dtype=np.float32 if matrix.dtype == np.float16 else None)
        if not np.isfinite(total):
            bad.append(np.flatnonzero(~np.isfinite(block).all(axis=1)) + start)
    rows = np.concatenate(bad) if bad else np.empty(0, np.intp)
    if len(rows):
        first = ", ".join(str(row) for row in rows[:_NAMED_ROWS]) + (", ..." if len(rows) > _NAMED_ROWS else "")
        raise NonFiniteError(
            f"{name}: {len(rows)} of {len(matrix)} rows hold NaN or infinity (rows {first}); remove or impute them first"
        )


def _from_torch(tensor: Any) -> NDArray[Any]:
    import torch

    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:  # NumPy has no bfloat16; float32 holds every one of its values
        tensor = tensor.float()
    array: NDArray[Any] = tensor.cpu().numpy()
    return array
