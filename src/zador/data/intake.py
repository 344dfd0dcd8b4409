"""What every reader does with what it has read: pick the member, turn it into floats, check it, make the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.data.vectors import Vectors
from zador.errors import DataError, FormatError, UsageError
from zador.validation import as_matrix, check_finite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["choose_member", "to_vectors", "unreadable"]

_BLOCK_BYTES = 1 << 24
_EXACT_IN_FLOAT32 = 2  # bytes: float32 holds every 16-bit whole number
_NAMES_SHOWN = 10
_MESSAGE_LENGTH = 200


def to_vectors(array: NDArray[Any], source: str, name: str) -> Vectors:
    """Return the record of `array` (N, D), which `source` (for messages) held, under `name`.

    Floats in the machine's byte order keep their dtype and their memory, mapped or not. Whole numbers of up to 16 bits
    become float32, wider ones float64, in memory; exact up to 2^53.

    Raises:
        DataError: not a matrix of real numbers, or empty.
        NonFiniteError: NaN or infinity.
    """
    of_bytes = array.dtype == np.uint8
    if array.dtype.kind in "iub" and array.dtype.itemsize <= _EXACT_IN_FLOAT32:
        array = array.astype(np.float32)
    elif array.dtype.kind in "iuf" and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    matrix = as_matrix(array, source)
    if len(matrix) == 0:
        raise DataError(f"{source}: expected at least one vector, got shape {matrix.shape}; the data is empty")
    if matrix.dtype == array.dtype:
        matrix = array  # as_matrix strips numpy.memmap, which callers use to see that the data is on disk
    extremes = _finite_extremes(matrix, source)
    return Vectors(matrix, name, value_range=(0.0, 255.0) if of_bytes else extremes)


def choose_member(names: Sequence[str], key: str | None, source: str, kind: str) -> str:
    """Return the one of `names` that `key` asks for, or the only one there is.

    Raises:
        UsageError: there is no such member, or several and no key.
        DataError: there are none.
    """
    if not names:
        raise DataError(f"{source}: expected at least one {kind}, got none; the file is empty")
    if key is None and len(names) == 1:
        return names[0]
    shown = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        shown += f" and {len(names) - _NAMES_SHOWN} more"
    if key is None:
        raise UsageError(f"{source}: holds {len(names)} of kind {kind}; say which with key=: {shown}")
    if key not in names:
        raise UsageError(f"{source}: has no {kind} {key!r}; it holds: {shown}")
    return key


def unreadable(path: Path, what: str, error: BaseException) -> DataError:
    """Return what to raise when a library failed with `error` on `path`, which was expected to be `what`."""
    if isinstance(error, OSError) and error.errno is not None:  # the system refused, the contents were never seen
        return DataError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions")
    message = " ".join(str(error).split())[:_MESSAGE_LENGTH] or type(error).__name__  # some quote the whole file
    return FormatError(f"{path}: not a readable {what} ({message}); write the file again")


def _finite_extremes(matrix: NDArray[Any], source: str) -> tuple[float, float]:
    # NaN and infinity show in the extremes: one pass over a file that may be larger than memory, not two.
    step = max(1, _BLOCK_BYTES // (matrix.shape[1] * matrix.itemsize))
    blocks = [matrix[start : start + step] for start in range(0, len(matrix), step)]
    with np.errstate(invalid="ignore"):
        low = float(np.min([block.min() for block in blocks]))
        high = float(np.max([block.max() for block in blocks]))
    if not (np.isfinite(low) and np.isfinite(high)):
        check_finite(matrix, source)
    return low, high
