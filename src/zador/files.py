"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["StagedFile", "check_folder", "check_writable", "write_atomically"]


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise UsageError if `path` clearly cannot be written, so that work of minutes is not lost at its end."""
    asked, folder = Path(path), Path(path).absolute().parent
    if asked.is_dir():
        reason = "it is a directory"
    elif not folder.is_dir():
        reason = f"there is no directory {str(folder)!r}"
    elif not os.access(asked if asked.exists() else folder, os.W_OK):
        reason = "permission denied"
    else:
        return
    raise UsageError(f"cannot write {os.fspath(path)!r}: {reason}; choose a path that can be written")


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise UsageError if `path` clearly cannot become, or is not, a directory to write in."""
    first = Path(path).absolute()
    while not first.exists() and first != first.parent:
        first = first.parent
    if not first.is_dir():
        reason = f"{str(first)!r} is a file"
    elif not os.access(first, os.W_OK):
        reason = f"permission denied in {str(first)!r}"
    else:
        return
    raise UsageError(f"cannot save to {os.fspath(path)!r}: {reason}; choose a directory that can be written")


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` at `path`, so that a reader finds the old file or the new one, never a part of either.

    Args:
        path: the file to write; its directory has to exist.
        data: the whole content.

    Raises:
        UsageError: the path cannot be written; what was there before is untouched.
    """
    file = StagedFile(path)
    try:
        file.open()
        file.write(data)
        file.commit()
    finally:
        file.discard()


class StagedFile:
    """Bytes that become the file `path` by `commit`, or vanish by `discard`, for files that are written piece by piece.

    The bytes go to a temporary file in the same directory, reach the disk, and take the name in one step. A link keeps
    its place: the file that it points to is replaced. An old file keeps its permissions. What is no regular file (a
    pipe, `/dev/null`) cannot be replaced, and is written to directly.

    Every step raises UsageError if `path` cannot be written, and leaves what was there before untouched.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._asked = Path(path)
        self._direct = self._asked.exists() and not self._asked.is_file()
        self._target = Path(os.path.realpath(self._asked))
        self._part = self._target.with_name(f".{self._target.name[:32]}.{secrets.token_hex(8)}.partial")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Begin."""
        with self._explained():
            self._file = self._asked.open("wb") if self._direct else self._part.open("xb")

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""
        with self._explained():
            self._opened().write(data)

    def commit(self) -> None:
        """Bring everything to the disk, then to its name, in one step."""
        with self._explained():
            file = self._opened()
            file.flush()
            if self._direct:
                file.close()
                return
            os.fsync(file.fileno())
            file.close()
            if self._target.exists():
                self._part.chmod(self._target.stat().st_mode & 0o777)
            self._part.replace(self._target)
        _sync_directory(self._target.parent)

    def discard(self) -> None:
        """Leave nothing behind; after `commit` there is nothing to leave."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        if not self._direct:
            with contextlib.suppress(OSError):
                self._part.unlink()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise UsageError(f"{os.fspath(self._asked)!r} is not open; call open() first")
        return self._file

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"cannot write {os.fspath(self._asked)!r}: {error.strerror or error}; choose a path that can be written"
            ) from error


def _sync_directory(directory: Path) -> None:
    """Make the new name itself survive a power cut, where the system lets directories be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    # The file is complete and has its name by now: a file system that cannot sync directories does not undo that.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
