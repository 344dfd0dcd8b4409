"""Indices into a token file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from zador.coding.models import EntropyModel, Static
from zador.coding.packer import Packer
from zador.coding.streams import Streams, checked
from zador.errors import UsageError
from zador.files import StagedFile, check_writable

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["TokenWriter"]

_STATIC = Static()


class TokenWriter:
    """Write a token file: `Σ -log2 P(index)` bits, and about 35 bytes.

    Use it as a context manager. The file takes its name when the block ends well; until then, and after an exception,
    whatever was at `path` stays there. Memory stays below 2**20 indices and what the model keeps.

    Args:
        path: the file to write; an old one is replaced.
        streams: the quantizer whose indices these are, or a `StreamSpec`.
        model: `Static()`, `Adaptive()` or `OrderOne()`; all of them are lossless.
        about: a note for whoever reads the file: plain JSON values, up to 1 MiB.

    Attributes:
        count: rows so far.
        file_bytes: bytes written so far; after the block, the length of the file.

    Raises:
        UsageError: `streams`, `model` or `about` is not what is asked for, or `path` cannot be written.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from zador.coding import StreamSpec, TokenReader
    >>> spec = StreamSpec(sizes=(4, 2), usage=([8, 4, 2, 2], [1, 1]), fingerprint="00000000000000a1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "indices.tokens"
    ...     with TokenWriter(path, spec) as writer:
    ...         writer.append(np.array([[0, 1], [3, 0]]))
    ...         writer.append(np.array([[1, 1]]))
    ...     TokenReader(path).read(spec).tolist()
    [[0, 1], [3, 0], [1, 1]]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        streams: Streams,
        *,
        model: EntropyModel = _STATIC,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self._packer = Packer(checked(streams), model, about)
        check_writable(path)
        self._file = StagedFile(path)
        self._entered = self._open = False

    @property
    def count(self) -> int:
        """Rows so far."""
        return self._packer.count

    @property
    def file_bytes(self) -> int:
        """Bytes written so far."""
        return self._packer.file_bytes

    def __enter__(self) -> Self:
        if self._entered:
            raise UsageError("a TokenWriter writes one file once; make another one")
        self._file.open()
        self._entered = self._open = True
        self._packer.begin(self._file.write)
        return self

    def append(self, indices: Any) -> None:
        """Add rows at the end.

        Args:
            indices: (n, S) whole numbers, any n; column s holds 0 .. sizes[s] - 1. NumPy, torch, or nested lists.

        Raises:
            DataError: another shape or type, or an index outside its alphabet; nothing of `indices` was added.
            UsageError: outside the `with` block, or the disk took no more.
        """
        if not self._open:
            raise UsageError("this TokenWriter is not open; append inside `with TokenWriter(...) as writer:`")
        self._packer.append(indices)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open = False
        try:
            if kind is None:
                self._packer.finish()
                self._file.commit()
        finally:
            self._file.discard()
