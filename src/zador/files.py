"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from zador.errors import UsageError

__all__ = ["check_folder", "check_writable", "write_atomically"]


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

    The bytes go to a temporary file in the same directory, reach the disk, and take the name in one step. A link keeps
    its place: the file that it points to is replaced. An old file keeps its permissions. What is no regular file (a
    pipe, `/dev/null`) cannot be replaced, and is written to directly.

    Args:
        path: the file to write; its directory has to exist.
        data: the whole content.

    Raises:
        UsageError: the path cannot be written; what was there before is untouched.
    """
    asked = Path(path)
    try:
        if asked.exists() and not asked.is_file():
            asked.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(asked)), data)
    except OSError as error:
        raise UsageError(
            f"cannot write {os.fspath(path)!r}: {error.strerror or error}; choose a path that can be written"
        ) from error


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(target.parent)


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
