"""One chunk of indices to bytes and back; the models keep what they have learnt from chunk to chunk."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from zador.coding import range_coder
from zador.coding.layout import varint
from zador.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.coding.layout import Chunk
    from zador.coding.models import EntropyModel
    from zador.coding.streams import StreamSpec

__all__ = ["Transcoder"]


class Transcoder:
    """The coders of all streams. Chunks go through one, either all to bytes or all back, in their order."""

    def __init__(self, spec: StreamSpec, model: EntropyModel) -> None:
        self._coders = model.coders(spec)

    def encode(self, indices: NDArray[np.int32]) -> bytes:
        """Return a chunk for `indices` (S, n), each stream contiguous."""
        encoder = range_coder.encoder()
        for coder, symbols in zip(self._coders, indices, strict=True):
            coder.encode(encoder, symbols)
        data = range_coder.payload(encoder)
        crc = 0
        for symbols in indices:
            crc = _crc(symbols, crc)
        return varint(indices.shape[1]) + varint(len(data) // 4) + crc.to_bytes(4, "little") + data

    def decode(self, chunk: Chunk, payload: bytes, name: str) -> NDArray[np.int64]:
        """Return the (n, S) indices of a chunk.

        Raises:
            FormatError: the payload is not what the writer of `chunk` wrote for these streams; `name` is named.
        """
        decoder = range_coder.read_payload(payload)
        indices = np.empty((chunk.rows, len(self._coders)), np.int64)
        crc = 0
        for stream, coder in enumerate(self._coders):
            with range_coder.refusing_garbage(name):
                symbols = coder.decode(decoder, chunk.rows)
            indices[:, stream] = symbols
            crc = _crc(symbols, crc)
        if crc != chunk.crc or not decoder.maybe_exhausted():
            raise FormatError(
                f"{name}: the decoded indices are not those that were written; decode with the quantizer that wrote them, "
                "its training usage included, or get the file again"
            )
        return indices


def _crc(symbols: NDArray[np.int32], before: int) -> int:
    return zlib.crc32(np.ascontiguousarray(symbols, "<i4").data, before)
