"""Pictures, cut into patches: an image file, or a folder of them. A row is a patch."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.data.intake import unreadable
from zador.data.vectors import Vectors
from zador.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["EXTENSIONS", "cut_patches", "read_folder", "read_image", "to_patches"]

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
    return to_patches([(str(path), _read_pixels(path))], path.name, patch)


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
    return to_patches(((str(path), _read_pixels(path)) for path in paths), folder.resolve().name, patch)


def to_patches(pictures: Iterable[tuple[str, NDArray[np.uint8]]], name: str, patch: int) -> Vectors:
    """Return the patches of (file name, pixels) pairs, all grey (H, W) or all RGB (H, W, 3), as one record."""
    blocks = list(_cut_alike(pictures, patch))
    side, channels = (patch, patch), blocks[0].shape[1] // patch**2
    # Joined and widened in one step: the bytes of all pictures, and the result, are in memory at once, nothing else.
    array = np.concatenate(blocks, dtype=np.float32)
    return Vectors(array, name, picture_shape=side if channels == 1 else (*side, channels), value_range=(0.0, 255.0))


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


def _cut_alike(pictures: Iterable[tuple[str, NDArray[np.uint8]]], patch: int) -> Iterator[NDArray[np.uint8]]:
    first: tuple[str, int] | None = None
    for file_name, pixels in pictures:
        first = first or (file_name, pixels.ndim)
        if pixels.ndim != first[1]:
            what = f"{file_name} is {_colour(pixels.ndim)} but {first[0]} is {_colour(first[1])}"
            raise DataError(f"{what}; convert all images to one of them")
        if min(pixels.shape[:2]) < patch:
            size = f"{pixels.shape[1]} x {pixels.shape[0]}"
            raise DataError(f"{file_name}: {size} pixels are less than one {patch} x {patch} patch; pass a smaller patch=")
        yield cut_patches(pixels, patch)


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
