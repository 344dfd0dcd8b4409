"""What `TokenReader` and `unpack` share: bytes that were checked, and their way back into indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from zador.coding import layout
from zador.coding.models import MODELS
from zador.coding.transcoder import Transcoder
from zador.errors import DataError, FormatError
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from zador.coding.streams import StreamSpec

__all__ = ["DEFAULT_LIMIT", "Tokens"]

DEFAULT_LIMIT = 1 << 28  # 2 GiB of int64
_MOST_ROWS = 1 << 16  # at once: whoever decodes them to vectors needs memory for those


class Tokens:
    """A token file, checked, wherever its bytes are.

    Attributes:
        frame: what it says before decoding.

    Raises:
        FormatError: see `layout.scan`.
    """

    def __init__(self, open_: Callable[[], BinaryIO], name: str) -> None:
        self._open, self._name = open_, name
        with open_() as file:
            self.frame = layout.scan(file, name)

    def chunks(self, spec: StreamSpec) -> Iterator[NDArray[np.int64]]:
        """Return the rows in pieces (see `TokenReader.chunks`); what can be refused is refused before the first."""
        if spec.fingerprint != self.frame.fingerprint:
            raise FormatError(
                f"{self._name}: was written with another quantizer: fingerprint {self.frame.fingerprint}, "
                f"got {spec.fingerprint}; decode it with the one that wrote it"
            )
        if len(spec.sizes) != self.frame.streams:
            raise FormatError(
                f"{self._name}: holds {self.frame.streams} indices a row, the quantizer makes {len(spec.sizes)}; "
                "decode it with the one that wrote it"
            )
        return self._decoded(spec)

    def read(self, spec: StreamSpec, limit: int) -> NDArray[np.int64]:
        """Return all rows (see `TokenReader.read`)."""
        count, streams = self.frame.count, self.frame.streams
        if count * streams > as_count(limit, "limit", least=0):
            raise DataError(
                f"{self._name}: holds {count} rows of {streams} indices, more than limit={limit} indices; "
                "read it with TokenReader(...).chunks, or raise the limit"
            )
        return np.concatenate([np.empty((0, streams), np.int64), *self.chunks(spec)])

    def _decoded(self, spec: StreamSpec) -> Iterator[NDArray[np.int64]]:
        with self._open() as file:
            if layout.scan(file, self._name) != self.frame:
                raise FormatError(f"{self._name}: was replaced since it was opened; open it again")
            cursor = layout.Cursor(file, self._name, self.frame.start, self.frame.file_bytes - layout.CHECKSUM_BYTES)
            transcoder = Transcoder(spec, MODELS[self.frame.model])
            for chunk in layout.chunks(cursor, self.frame.streams):
                indices = transcoder.decode(chunk, cursor.take(chunk.size), self._name)
                for start in range(0, len(indices), _MOST_ROWS):
                    yield indices[start : start + _MOST_ROWS]
