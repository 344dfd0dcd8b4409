"""Pictures to files: PNG, which loses nothing; one file, or a folder of them."""

from __future__ import annotations

import contextlib
import io
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError, UsageError
from zador.files import check_folder, write_atomically

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["safe_names", "write_folder", "write_png"]

_EXTENSION = ".png"
_LONGEST = 200  # bytes of a name; file systems take 255
_DEEPEST = 16
_NO_NAME = frozenset('<>:"|?*\\')
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def write_png(path: str | os.PathLike[str], pixels: NDArray[Any]) -> None:
    """Write a picture to `path`, whole or not at all.

    Args:
        path: the file; an old one is replaced.
        pixels: (H, W) grey or (H, W, 3) RGB, uint8.

    Raises:
        DataError: other pixels.
        UsageError: the path cannot be written.
    """
    if pixels.dtype != np.uint8 or pixels.size == 0 or (pixels.ndim != 2 and pixels.shape[2:] != (3,)):  # noqa: PLR2004
        what = f"{pixels.dtype} of shape {pixels.shape}"
        raise DataError(f"pixels: expected uint8 of shape (H, W) or (H, W, 3), got {what}; scale and round them first")
    write_atomically(path, _encoded(pixels))


def write_folder(folder: Path, names: Sequence[PurePosixPath], pictures: Iterable[NDArray[Any]]) -> None:
    """Write a picture under each of `names` in `folder`, all of them or none; what is there already is never replaced.

    Args:
        folder: made if need be, with the folders above it.
        names: relative, from `safe_names`.
        pictures: as many, (H, W) or (H, W, 3) uint8 each.

    Raises:
        UsageError: the folder cannot be written.
        DataError: one of the files is there already, or a link in the folder leads out of it.
    """
    check_folder(folder)
    # Beside what is to be, so that taking the name is one step; within, where a folder is there to be filled.
    inside = folder.is_dir()
    stage = (folder if inside else folder.absolute().parent) / f".{folder.name[:32]}.{secrets.token_hex(8)}.partial"
    try:
        _check_free(folder, names)
        stage.mkdir(parents=True)
        for name, pixels in zip(names, pictures, strict=True):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_bytes(_encoded(pixels))
        if inside:
            _check_free(folder, names)
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / name).rename(folder / name)
        else:
            stage.rename(folder)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write to {str(folder)!r}: {reason}; choose a folder that can be written") from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(stage)


def safe_names(names: Iterable[str]) -> list[PurePosixPath]:
    """Return relative paths of PNG files, one a name: no two alike, none outside the folder that they are put in.

    Subfolders are kept. What file systems do not take, and what leads elsewhere (`..`, a drive, a leading slash), is
    dropped. Where two pictures differed by extension alone, or by case, the second keeps its extension in its name.

    >>> [str(name) for name in safe_names(["a/x.jpg", "a/x.bmp", "../../etc/y", "/a/x.bmp"])]
    ['a/x.png', 'a/x.bmp.png', 'etc/y.png', 'picture-3.png']
    """
    files: set[str] = set()
    folders: set[str] = {"."}
    found = []
    for number, name in enumerate(names):
        path = _free(name, number, files, folders)
        files.add(str(path).lower())
        folders.update(str(parent).lower() for parent in path.parents)
        found.append(path)
    return found


def _free(name: str, number: int, files: set[str], folders: set[str]) -> PurePosixPath:
    parts = [part for part in map(_safe_part, name.replace("\\", "/").split("/")) if part][-_DEEPEST:]
    *above, last = parts or [f"picture-{number}"]
    stem = PurePosixPath(last).stem
    wanted = [PurePosixPath(*above, stem + _EXTENSION), PurePosixPath(*above, last + _EXTENSION)]
    while True:
        for path in wanted:
            places = [str(part).lower() for part in (path, *path.parents)]
            if places[0] not in folders and files.isdisjoint(places):
                return path
        wanted = [PurePosixPath(f"picture-{number}{_EXTENSION}")]
        number += len(files) + 1


def _safe_part(part: str) -> str:
    plain = "".join(c if c.isprintable() and c not in _NO_NAME else "_" for c in part).strip(" .")
    plain = plain.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").strip(" .")
    return f"_{plain}" if plain.split(".")[0].lower() in _RESERVED else plain


def _check_free(folder: Path, names: Sequence[PurePosixPath]) -> None:
    root = folder.resolve()
    for name in names:
        path = folder / name
        if not path.parent.resolve().is_relative_to(root):
            raise DataError(f"{path.parent}: is a link out of {folder}; choose a new folder")
        if path.is_symlink() or path.exists():
            raise DataError(f"{path}: is there already, and is not replaced; choose a new folder")


def _encoded(pixels: NDArray[Any]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
