"""A file that grows beside its target and takes the target's name when it is complete (see `zador.files`)."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from zador.errors import UsageError
from zador.files import check_writable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StagedFile"]


class StagedFile:
    """Bytes that become the file `path` by `commit`, or vanish by `discard`. A pipe or device is written to directly.

    Every step raises UsageError if `path` cannot be written, and leaves what was there before untouched.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        check_writable(path)
        self._asked = Path(path)
        self._direct = self._asked.exists() and not self._asked.is_file()
        self._target = Path(os.path.realpath(self._asked))
        self._part = self._target.with_name(f".{self._target.name[:32]}.{secrets.token_hex(8)}.partial")

    def open(self) -> None:
        """Begin."""
        with self._explained():
            self._file = self._asked.open("wb") if self._direct else self._part.open("xb")

    def write(self, data: bytes) -> None:
        """Append `data`."""
        with self._explained():
            self._file.write(data)

    def commit(self) -> None:
        """Bring everything to the disk, then to its name, in one step; an old file keeps its permissions."""
        with self._explained():
            self._file.flush()
            if not self._direct:
                os.fsync(self._file.fileno())
            self._file.close()
            if not self._direct:
                if self._target.exists():
                    self._part.chmod(self._target.stat().st_mode & 0o777)
                self._part.replace(self._target)

    def discard(self) -> None:
        """Leave nothing behind; after `commit` there is nothing to leave."""
        with contextlib.suppress(OSError):
            self._file.close()
        if not self._direct:
            with contextlib.suppress(OSError):
                self._part.unlink()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"cannot write {os.fspath(self._asked)!r}: {error.strerror or error}; choose a path that can be written"
            ) from error
