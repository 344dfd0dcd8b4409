"""A token file back into indices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from zador.coding.models import MODELS
from zador.coding.streams import Streams, checked
from zador.coding.tokens import DEFAULT_LIMIT, Tokens
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TokenReader"]


class TokenReader:
    """Read a token file that `TokenWriter` wrote.

    Opening it checks everything that needs no decoding: that it is a token file, not too new, whole and unaltered (BLAKE2b),
    and that its parts add up. No file stays open: `chunks` opens it again, and refuses one that has changed meanwhile.

    Args:
        path: the file.

    Attributes:
        path: the file.
        count: N, rows in the file.
        streams: S, indices in a row.
        fingerprint: of the quantizer that wrote it, 16 hexadecimal digits.
        model: name of the entropy model: "static", "adaptive" or "order-1".
        about: the note of whoever wrote it.
        file_bytes: length of the file; `8 * file_bytes / count` is its rate in bits per vector.

    Raises:
        FormatError: foreign, too new, truncated or altered.
        DataError: nothing there that can be read.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from zador.coding import StreamSpec, TokenWriter
    >>> spec = StreamSpec(sizes=(4,), usage=([8, 4, 2, 2],), fingerprint="00000000000000a1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "indices.tokens"
    ...     with TokenWriter(path, spec, about={"title": "ones"}) as writer:
    ...         writer.append(np.ones((1000, 1), int))
    ...     reader = TokenReader(path)
    ...     first = next(reader.chunks(spec))
    >>> reader.count, reader.streams, reader.model, reader.about, first.shape
    (1000, 1, 'static', {'title': 'ones'}, (1000, 1))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self._tokens = Tokens(self._open, os.fspath(path))
        frame = self._tokens.frame
        self.count = frame.count
        self.streams = frame.streams
        self.fingerprint = frame.fingerprint
        self.model = MODELS[frame.model].name
        self.about: dict[str, Any] = frame.about
        self.file_bytes = frame.file_bytes

    def chunks(self, streams: Streams) -> Iterator[NDArray[np.int64]]:
        """Return an iterator over the rows, in order, some thousands at a time.

        Memory stays below 2**20 indices and what the model keeps, whatever the file claims.

        Args:
            streams: the quantizer that wrote the file, or its `StreamSpec`.

        Returns:
            Arrays (n, S) int64 with n <= 65536, (N, S) together; every index lies inside its alphabet.

        Raises:
            FormatError: another quantizer wrote it, or (while iterating) what is decoded is not what was encoded.
            UsageError: `streams` has not what is asked of a quantizer.
        """
        return self._tokens.chunks(checked(streams))

    def read(self, streams: Streams, *, limit: int = DEFAULT_LIMIT) -> NDArray[np.int64]:
        """Return all rows at once.

        Args:
            streams: as for `chunks`.
            limit: how many indices N S there may be. A short file can hold very many that cost next to nothing each.

        Returns:
            (N, S) int64.

        Raises:
            DataError: more indices than `limit`.
            FormatError: as `chunks`.
            UsageError: as `chunks`.
        """
        return self._tokens.read(checked(streams), limit)

    def __repr__(self) -> str:
        return f"TokenReader({os.fspath(self.path)!r}, count={self.count}, streams={self.streams}, model={self.model!r})"

    def _open(self) -> BinaryIO:
        path = Path(self.path)
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: is no file; give the path of a token file")
        try:
            return path.open("rb")
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
