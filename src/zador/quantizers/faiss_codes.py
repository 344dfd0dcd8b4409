"""Indices in the bytes that faiss keeps them in: streams one after the other, the lowest bit first, a row in whole bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.quantizers.asymmetric import as_indices
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.residual import ResidualQuantizer
from zador.quantizers.vector import VectorQuantizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers.base import Quantizer

__all__ = ["codes_from_faiss", "codes_to_faiss", "stream_bits"]

_BLOCK_ROWS = 1 << 14
# Bits of a norm that the search types of faiss's residual quantizer store behind the indices.
_NORM_BITS = (0, 4, 8, 32)


def codes_to_faiss(quantizer: Quantizer, indices: Any) -> NDArray[np.uint8]:
    """Return indices (N, S) as the codes (N, ⌈Σ log2 K_s / 8⌉) uint8 that `sa_encode` of the exported index returns.

    `index.add_sa_codes(codes)` puts them into an index, `index.sa_decode(codes)` decodes them. Needs no faiss.

    Args:
        quantizer: what the indices were encoded with.
        indices: (N, S) whole numbers, array or tensor, as `encode` returns them.

    Raises:
        UsageError: a quantizer that faiss has no counterpart of, see `to_faiss`.
        DataError: shapes that do not fit, or indices out of range.

    Example:
        >>> two = ResidualQuantizer(
        ...     mean=np.zeros(1), codebooks=(np.zeros((4, 1)), np.zeros((8, 1))), usage=(np.ones(4), np.ones(8))
        ... )
        >>> codes_to_faiss(two, [[3, 1], [0, 7]]).tolist()
        [[7], [28]]
    """
    widths = stream_bits(quantizer)
    numbers = as_indices(indices, quantizer.sizes)
    stream, shift = np.repeat(np.arange(len(widths)), widths), _shifts(widths)
    codes = np.empty((len(numbers), -(-sum(widths) // 8)), np.uint8)
    for start in range(0, len(numbers), _BLOCK_ROWS):
        block = numbers[start : start + _BLOCK_ROWS].astype(np.int64)
        bits = (block[:, stream] >> shift) & 1
        codes[start : start + len(block)] = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    return codes


def codes_from_faiss(quantizer: Quantizer, codes: Any) -> NDArray[np.int64]:
    """Return the indices (N, S) int64 that codes of faiss stand for: what `codes_to_faiss` undoes.

    Codes of an index are `faiss.vector_to_array(index.codes).reshape(index.ntotal, -1)`. A norm that some search types of
    a residual quantizer store behind the indices is not read.

    Args:
        quantizer: `from_faiss(index)`, or what `to_faiss` was given.
        codes: (N, bytes) uint8.

    Raises:
        UsageError: a quantizer that faiss has no counterpart of, see `to_faiss`.
        DataError: no bytes, or of another number.

    Example:
        >>> two = ResidualQuantizer(
        ...     mean=np.zeros(1), codebooks=(np.zeros((4, 1)), np.zeros((8, 1))), usage=(np.ones(4), np.ones(8))
        ... )
        >>> codes_from_faiss(two, np.array([[7], [28]], np.uint8)).tolist()
        [[3, 1], [0, 7]]
    """
    widths = stream_bits(quantizer)
    total = sum(widths)
    rows = np.asarray(codes)
    norms = _NORM_BITS if isinstance(quantizer, ResidualQuantizer) else (0,)
    sizes = sorted({-(-(total + norm) // 8) for norm in norms})
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] not in sizes:  # noqa: PLR2004 - rows by bytes
        expected = " or ".join(map(str, sizes))
        raise DataError(
            f"codes: expected uint8 of shape (N, {expected}), {total} bits a row, got {rows.dtype} of shape {rows.shape}; "
            "were they made with this quantizer?"
        )
    numbers, shift = np.empty((len(rows), len(widths)), np.int64), _shifts(widths)
    firsts = np.cumsum([0, *widths[:-1]])
    for start in range(0, len(rows), _BLOCK_ROWS):
        bits = np.unpackbits(rows[start : start + _BLOCK_ROWS], axis=1, count=total, bitorder="little")
        numbers[start : start + len(bits)] = np.add.reduceat(bits.astype(np.int64) << shift, firsts, axis=1)
    return numbers


def stream_bits(quantizer: Quantizer) -> list[int]:
    """Return log2 K_s of every stream.

    Raises:
        UsageError: a kind of quantizer that faiss does not have, or a K that is no power of two; the message says what can
            be exported.
    """
    if not isinstance(quantizer, VectorQuantizer | ProductQuantizer | ResidualQuantizer):
        raise UsageError(
            f"faiss has no counterpart of a {type(quantizer).__name__}; quantizers of fit_product, fit_residual and "
            "fit_codebook can be exported"
        )
    for s, size in enumerate(quantizer.sizes):
        if size < 2 or size & (size - 1):  # noqa: PLR2004 - one codeword takes no bits, which faiss does not store
            raise UsageError(
                f"faiss stores whole bits, but stream {s} has {size} codewords, no power of two; fit with "
                f"codebook_size={max(2, 1 << (size.bit_length() - 1))}, or {1 << size.bit_length()} if the data allow"
            )
    return [size.bit_length() - 1 for size in quantizer.sizes]


def _shifts(widths: list[int]) -> NDArray[np.int64]:
    """Return the place that each bit of a row has within its stream."""
    return np.concatenate([np.arange(width) for width in widths])
