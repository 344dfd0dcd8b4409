"""Searching among codes: queries as they are, base vectors as their codes say [jegou2011product]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.quantizers.found import Found, as_queries, checked_count, found_in
from zador.quantizers.lookup import scan_codes
from zador.quantizers.neighbours import VectorScan, block_rows
from zador.quantizers.tables import tables_of
from zador.validation import is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.base import Quantizer
    from zador.quantizers.found import Heaps

__all__ = ["as_indices", "search_codes"]

_CHECK_ROWS = 1 << 16
_SAMPLE = 1024


def search_codes(quantizer: Quantizer, indices: Any, queries: Any, k: int) -> Found:
    """Return the k smallest asymmetric distances `||q - x̂_n||²` of every query q among base vectors given by their codes.

    Only the base is quantized, not the query. Codes of a `ProductQuantizer`, `ResidualQuantizer` or `VectorQuantizer` are
    looked up in tables, those of other quantizers are decoded block by block; the result is the same. No (Q, N) array
    exists: beyond the queries in float64 and what is returned, it takes some 100 MiB, whatever N and Q.

    Args:
        quantizer: what the base was encoded with.
        indices: (N, S) whole numbers of any type, as `quantizer.encode` returns them; `uint8` is read as it is.
        queries: (Q, D) NumPy array or torch tensor of any float type, Q >= 0.
        k: neighbours of each, 1 to N.

    Returns:
        `Found` of the kind that `queries` has. Distances are right to rounding in double precision, of vectors that
        decoding has not rounded to its own float type; on equal distances, of equal codes above all, the lower number
        comes first.

    Raises:
        UsageError: k is no whole number of at least 1.
        DataError: shapes that do not fit, indices out of range, or k > N.
        NonFiniteError: NaN or infinity in the queries.

    Example:
        >>> from zador.quantizers import fit_product
        >>> x = np.random.default_rng(0).standard_normal((2000, 8))
        >>> quantizer = fit_product(x, slices=4, codebook_size=16)
        >>> found = search_codes(quantizer, quantizer.encode(x), x[:5], k=10)
        >>> found.indices.shape, bool((np.diff(found.squared_distances) >= 0).all())
        ((5, 10), True)
    """
    points = as_queries(queries, quantizer.dim, "this quantizer")
    numbers = as_indices(indices, quantizer.sizes)
    count = checked_count(k, len(numbers))
    tables = tables_of(quantizer, points)
    heaps = _scan_decoded(quantizer, numbers, points, count) if tables is None else scan_codes(tables, numbers, count)
    return found_in(heaps, queries)


def as_indices(indices: Any, sizes: tuple[int, ...]) -> NDArray[Any]:
    """Return indices (N, S) as an array of whole numbers, 0 to K_s - 1 in column s, without a copy.

    Raises:
        DataError: anything else.
    """
    numbers = np.asarray(indices.detach().cpu() if is_torch(indices) else indices)
    if numbers.ndim != 2 or numbers.shape[1] != len(sizes) or numbers.dtype.kind not in "iu":  # noqa: PLR2004
        raise DataError(
            f"indices: expected whole numbers of shape (N, {len(sizes)}), one column a stream, got {numbers.dtype} of "
            f"shape {numbers.shape}; pass what encode returned"
        )
    for start in range(0, len(numbers), _CHECK_ROWS):
        block = numbers[start : start + _CHECK_ROWS]
        if block.min() >= 0 and block.max() < min(sizes):
            continue
        wrong = np.argwhere((block < 0) | (block >= np.array(sizes, np.uint64 if block.dtype.kind == "u" else np.int64)))
        if len(wrong):
            row, stream = wrong[0]
            raise DataError(
                f"indices: row {start + row} holds {block[row, stream]} in column {stream}, whose indices go from 0 to "
                f"{sizes[stream] - 1}; were they encoded with this quantizer?"
            )
    return numbers


def _scan_decoded(quantizer: Quantizer, indices: NDArray[Any], queries: NDArray[np.float64], k: int) -> Heaps:
    sample = quantizer.decode(indices[:: -(-len(indices) // _SAMPLE)])
    scan = VectorScan(queries, k, sample)
    step = block_rows(quantizer.dim)
    for start in range(0, len(indices), step):
        scan.take(quantizer.decode(indices[start : start + step]), start)
    return scan.heaps
