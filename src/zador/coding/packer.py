"""Indices in pieces of any length become the bytes of a token file, handed on as they are ready."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.coding import about as notes
from zador.coding.layout import CHECKSUM_BYTES, head, rows_per_chunk, varint
from zador.coding.models import MODELS
from zador.coding.transcoder import Transcoder
from zador.errors import DataError, UsageError
from zador.validation import is_torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from zador.coding.models import EntropyModel
    from zador.coding.streams import StreamSpec

__all__ = ["Packer"]


class Packer:
    """What `TokenWriter` and `pack` share: the same indices give the same bytes, in whatever pieces they come.

    Attributes:
        count: rows so far.
        file_bytes: bytes handed on so far.
    """

    def __init__(self, spec: StreamSpec, model: EntropyModel, about: Mapping[str, Any] | None) -> None:
        if model not in MODELS:
            known = ", ".join(f"{type(each).__name__}()" for each in MODELS)
            raise UsageError(f"model: expected one of {known}, got {model!r}")
        self.count = self.file_bytes = 0
        self._head = head(model.code, spec.fingerprint, len(spec.sizes), notes.dump(about))
        self._sizes = np.array(spec.sizes)
        self._transcoder = Transcoder(spec, model)
        self._rows = np.empty((len(spec.sizes), rows_per_chunk(len(spec.sizes))), np.int32)
        self._filled = 0
        self._whole = True
        self._hash = blake2b(digest_size=CHECKSUM_BYTES)

    def begin(self, write: Callable[[bytes], object]) -> None:
        """Hand the head on to `write`, and later everything else."""
        self._write = write
        self._emit(self._head)

    def append(self, indices: Any) -> None:
        """Take `indices` (n, S) (see `TokenWriter.append`)."""
        rows = self._checked(indices)
        self._whole = False
        while len(rows):
            part = rows[: self._rows.shape[1] - self._filled]
            self._rows[:, self._filled : self._filled + len(part)] = part.T
            self._filled += len(part)
            self.count += len(part)
            rows = rows[len(part) :]
            if self._filled == self._rows.shape[1]:
                self._flush()
        self._whole = True

    def finish(self) -> None:
        """Hand on what is left, the number of rows and the checksum."""
        if not self._whole:
            raise UsageError("an append before was interrupted, so the file would lack rows; write it again")
        if self._filled:
            self._flush()
        self._emit(varint(0) + varint(self.count))
        self._emit(self._hash.digest())

    def _flush(self) -> None:
        self._emit(self._transcoder.encode(self._rows[:, : self._filled]))
        self._filled = 0

    def _emit(self, data: bytes) -> None:
        self._write(data)
        self._hash.update(data)
        self.file_bytes += len(data)

    def _checked(self, indices: Any) -> NDArray[Any]:
        if is_torch(indices):
            indices = indices.detach().cpu().numpy()
        try:
            rows = np.asarray(indices)
        except ValueError:
            raise DataError("indices: expected (N, S) whole numbers, got rows of different lengths") from None
        streams = len(self._sizes)
        if rows.ndim != 2 or rows.shape[1] != streams:  # noqa: PLR2004 - a matrix has two axes
            hint = "; write indices[:, None] for one stream" if rows.ndim == 1 else ""
            raise DataError(f"indices: expected shape (N, {streams}), one column a stream, got {rows.shape}{hint}")
        if rows.dtype.kind not in "iu":
            raise DataError(f"indices: expected whole numbers, got dtype {rows.dtype}; convert them with .astype(int)")
        if len(rows) and ((rows.min(axis=0) < 0) | (rows.max(axis=0) >= self._sizes)).any():
            wrong = (rows < 0) | (rows >= self._sizes)
            row, stream = np.argwhere(wrong)[0].tolist()
            raise DataError(
                f"indices: {np.count_nonzero(wrong)} lie outside their alphabets; the first is {rows[row, stream]} "
                f"in row {row}, column {stream}, which holds 0 to {self._sizes[stream] - 1}; encode with this quantizer"
            )
        return rows
