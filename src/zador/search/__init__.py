"""The nearest codeword: one public function that chooses, once, how to search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.search.record import Nearest
from zador.validation import as_matrix, check_finite, is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Nearest", "nearest", "nearest_of_clean"]

# Below this many multiply-adds the definition itself takes a few milliseconds, less than loading the compiled kernel.
_TINY, _TINY_REPEATED = 1 << 20, 1 << 16
_SLAB_BYTES = 1 << 23


def nearest(x: Any, codebook: Any, *, exact: bool = True) -> Nearest:
    """Return `argmin_k ||x_n - c_k||²` for every vector, and the squared distance to that codeword.

    With `exact=True` every index equals the argmin of the distances computed in float64, and on ties it is the lowest
    index, for any offset, scale or arrangement of the data: single precision proposes, a derived error bound decides,
    and only what it cannot decide is done again in double precision (`Nearest.rechecked` is that share;
    `search/certified.py` derives the bound). With `exact=False` indices are those of centred single precision: a wrong
    one is a near-tie at that precision.

    Args:
        x: (N, d) NumPy array or torch tensor, float16, bfloat16, float32 or float64 (integers become float64), any
            strides, N >= 0. A tensor on another device is searched there, and stays there.
        codebook: (K, d) codewords, K >= 1 unless N = 0.
        exact: whether to certify the indices.

    Returns:
        `Nearest` of the kind that `x` has: NumPy arrays, or tensors on the device of `x`.

    Raises:
        DataError: shapes that do not fit, an empty codebook.
        NonFiniteError: NaN or infinity in either argument.

    Example:
        >>> import numpy as np
        >>> found = nearest(np.array([[0.2, 0.0], [0.9, 1.1]]), np.array([[0.0, 0.0], [1.0, 1.0]]))
        >>> found.indices.tolist(), found.squared_distances.round(3).tolist()
        ([0, 1], [0.04, 0.02])
    """
    if is_torch(x) and x.device.type != "cpu":
        from zador.search.tiled import nearest_on_device

        return nearest_on_device(x, codebook, exact=exact)
    vectors, codewords = as_matrix(x, "x"), as_matrix(codebook, "codebook")
    _check_shapes(vectors.shape, codewords.shape)
    check_finite(vectors, "x")
    check_finite(codewords, "codebook")
    found = nearest_of_clean(vectors, codewords, exact=exact)
    return _as_tensors(found) if is_torch(x) else found


def _check_shapes(vectors: tuple[int, ...], codewords: tuple[int, ...]) -> None:
    if vectors[1] != codewords[1]:
        raise DataError(
            f"nearest: x has {vectors[1]} coordinates and the codebook {codewords[1]}; "
            f"got shapes {vectors} and {codewords}; both need the same d"
        )
    if codewords[0] == 0 and vectors[0] > 0:
        raise DataError(
            f"nearest: the codebook is empty, shape {codewords}; {vectors[0]} vectors need at least one codeword"
        )


def nearest_of_clean(x: NDArray[Any], codebook: NDArray[Any], *, exact: bool = True, repeated: bool = False) -> Nearest:
    """Return what `nearest` returns, for rooms that have checked their arrays at their own door.

    Args:
        x: (N, d) finite floats.
        codebook: (K, d) finite floats, K >= 1 unless N = 0.
        exact: whether to certify the indices.
        repeated: whether the caller asks again and again, as an iteration does: loading the kernel then pays off for less.
    """
    double = np.float64 in (x.dtype, codebook.dtype)
    dtype = np.dtype(np.float64 if double else np.float32)
    if x.size * len(codebook) <= (_TINY_REPEATED if repeated else _TINY):
        from zador.search.reference import nearest_by_definition

        indices, distances = nearest_by_definition(x, codebook)
        return Nearest(indices, distances.astype(dtype, copy=False))
    codewords = np.ascontiguousarray(codebook, dtype)
    if x.dtype == dtype and x.flags.c_contiguous:
        indices, squared, rechecked = _search_slab(x, codewords, exact=exact)
        return Nearest(indices, squared, rechecked / len(x))
    indices, squared, rechecked = np.empty(len(x), np.int64), np.empty(len(x), dtype), 0
    step = max(1, _SLAB_BYTES // (dtype.itemsize * x.shape[1]))
    for start in range(0, len(x), step):
        slab = np.ascontiguousarray(x[start : start + step], dtype)
        here = slice(start, start + len(slab))
        indices[here], squared[here], doubts = _search_slab(slab, codewords, exact=exact)
        rechecked += doubts
    return Nearest(indices, squared, rechecked / len(x))


def _search_slab(x: NDArray[Any], codebook: NDArray[Any], *, exact: bool) -> tuple[Any, Any, int]:
    if exact:
        from zador.search.certified import certified

        indices, squared, rows = certified(x, codebook)
        return indices, squared, len(rows)
    from zador.search.fused import scan
    from zador.search.packed import pack

    indices, squared, _ = scan(x, codebook, pack(codebook, np.float32, certified=False))
    return indices, squared, 0


def _as_tensors(found: Nearest) -> Nearest:
    import torch

    return Nearest(torch.from_numpy(found.indices), torch.from_numpy(found.squared_distances), found.rechecked)
