"""Pictures, cut into patches and joined again: an image file, or a folder of them. A row is a patch."""

from __future__ import annotations

import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.data.intake import unreadable
from zador.data.vectors import Picture, Vectors
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["EXTENSIONS", "cut_patches", "join_patches", "read_folder", "read_image", "to_patches"]

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Only these are tried, whatever the contents claim: Pillow also knows formats that start other programs.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# What Pillow's parsers raise on bytes that are not theirs.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
_OPAQUE = 255
_COLOUR_AXES = 3


def read_image(path: Path, patch: int = 8) -> Vectors:
    """Return the patches of one image file, as `read_folder` does for many."""
    return to_patches([(path, _read_pixels(path))], path.parent, path.name, patch)


def read_folder(folder: Path, patch: int = 8) -> Vectors:
    """Return the non-overlapping patches of all images in `folder` and its subfolders, files in order of their paths.

    Pixels are taken as stored: no rotation by metadata, the first frame of an animation. Hidden files, and files whose
    extension is not one of `EXTENSIONS`, are passed over.

    Args:
        folder: the folder.
        patch: side of a patch, in pixels; the rest at the right and lower edges is cropped.

    Returns:
        (N, patch * patch) grey or (N, patch * patch * 3) RGB values, float32, 0 to 255.

    Raises:
        DataError: no images, grey and colour mixed, transparency, more than 8 bits, or an image smaller than a patch.
        FormatError: a file that Pillow cannot read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not paths:
        raise DataError(f"{folder}: expected a folder of images, found none; it needs files of {', '.join(EXTENSIONS)}")
    return to_patches(((path, _read_pixels(path)) for path in paths), folder, folder.resolve().name, patch)


def to_patches(files: Iterable[tuple[Path, NDArray[np.uint8]]], folder: Path, name: str, patch: int) -> Vectors:
    """Return the patches of (path inside `folder`, pixels) pairs, all grey (H, W) or all RGB (H, W, 3), as one record."""
    blocks: list[NDArray[np.uint8]] = []
    pictures: list[Picture] = []
    for path, pixels in _alike(files, patch):
        (rows, below), (columns, right) = (divmod(size, patch) for size in pixels.shape[:2])
        blocks.append(cut_patches(pixels, patch))
        pictures.append(Picture(path.relative_to(folder).as_posix(), rows, columns, below, right))
    side, channels = (patch, patch), blocks[0].shape[1] // patch**2
    # Joined and widened in one step: the bytes of all pictures, and the result, are in memory at once, nothing else.
    array = np.concatenate(blocks, dtype=np.float32)
    shape = side if channels == 1 else (*side, channels)
    return Vectors(array, name, picture_shape=shape, value_range=(0.0, 255.0), pictures=tuple(pictures))


def cut_patches(pixels: NDArray[Any], patch: int) -> NDArray[Any]:
    """Return the non-overlapping `patch` x `patch` blocks of a picture, row by row, each flattened.

    Args:
        pixels: (H, W) or (H, W, C).
        patch: side of a block, in pixels; what is left at the right and lower edges is cropped.

    Returns:
        (N, patch * patch * C); `row.reshape(patch, patch, C)` is the block again.

    >>> cut_patches(np.arange(12).reshape(3, 4), 2)
    array([[0, 1, 4, 5],
           [2, 3, 6, 7]])
    """
    rows, columns = pixels.shape[0] // patch, pixels.shape[1] // patch
    blocks = pixels[: rows * patch, : columns * patch].reshape(rows, patch, columns, patch, -1).swapaxes(1, 2)
    return blocks.reshape(rows * columns, -1)


def join_patches(blocks: NDArray[Any], columns: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the picture that `cut_patches` cut into `blocks`, without what it cropped.

    Args:
        blocks: (N, h * w * C), row by row.
        columns: blocks in a row of the picture; divides N.
        shape: of a block: (h, w), or (h, w, C).

    Returns:
        (N / columns * h, columns * w), with a third axis C if `shape` has one.

    Raises:
        DataError: the blocks are not of this shape, or fill no whole rows.

    >>> join_patches(np.array([[0, 1, 4, 5], [2, 3, 6, 7]]), 2, (2, 2))
    array([[0, 1, 2, 3],
           [4, 5, 6, 7]])
    """
    height, width, *channels = shape
    if blocks.ndim != 2 or blocks.shape[1] != math.prod(shape) or columns < 1 or len(blocks) % columns:  # noqa: PLR2004
        what = f"rows of {columns} blocks of shape {shape}"
        raise DataError(f"blocks: expected (N, {math.prod(shape)}) for {what}, got {blocks.shape}; pass what was cut")
    grid = blocks.reshape(-1, columns, height, width, *channels).swapaxes(1, 2)
    return grid.reshape(-1, columns * width, *channels)


def _alike(files: Iterable[tuple[Path, NDArray[np.uint8]]], patch: int) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    first: tuple[Path, int] | None = None
    for file_name, pixels in files:
        first = first or (file_name, pixels.ndim)
        if pixels.ndim != first[1]:
            what = f"{file_name} is {_colour(pixels.ndim)} but {first[0]} is {_colour(first[1])}"
            raise DataError(f"{what}; convert all images to one of them")
        if min(pixels.shape[:2]) < patch:
            size = f"{pixels.shape[1]} x {pixels.shape[0]}"
            raise DataError(f"{file_name}: {size} pixels are less than one {patch} x {patch} patch; pass a smaller patch=")
        yield file_name, pixels


def _colour(axes: int) -> str:
    return "RGB" if axes == _COLOUR_AXES else "grey"


def _read_pixels(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path, formats=_FORMATS) as image:
            image.load()
            mode = _plain_mode(image, path)
            return np.asarray(image.convert(mode), dtype=np.uint8)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: too many pixels to be opened safely; cut it into smaller images ({error})") from error
    except _BROKEN as error:
        raise unreadable(path, "image", error) from error


def _plain_mode(image: Any, path: Path) -> str:
    # Grey or RGB without loss; what would need a judgement (a background, a tone curve) is the caller's to decide.
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < _OPAQUE:
        raise DataError(f"{path}: expected an opaque image, got transparent pixels; put it on a background first")
    plain = {"1": "L", "L": "L", "LA": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGB"}.get(image.mode)
    if plain is None:
        raise DataError(f"{path}: expected 8-bit grey or RGB, got mode {image.mode}; convert it, or load its values as .npy")
    return plain
