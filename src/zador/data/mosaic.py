"""What a token file has to remember of pictures that were cut into patches, and the way from patches back to pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from zador.data.images import join_patches
from zador.data.vectors import Picture
from zador.errors import DataError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from zador.data.vectors import Vectors

__all__ = ["Mosaic"]

_WHITE = 255
_MOST_PICTURES = 1 << 20
_MOST_PIXELS = 178_956_970  # of one picture: what Pillow agrees to open
_LEAST_RANGE = 1e-300  # whose inverse is a number too

_Size = Annotated[int, Field(ge=1, le=1 << 32)]
_Crop = Annotated[int, Field(ge=0, le=1 << 32)]


class _Note(BaseModel):
    """The plain values; `pictures` is the name that all share when every vector is a picture of its own."""

    patch: tuple[_Size, _Size] | tuple[_Size, _Size, Literal[3]]
    range: tuple[float, float]
    pictures: Annotated[str, Field(max_length=255)] | list[tuple[str, _Size, _Size, _Crop, _Crop]]


@dataclass(frozen=True)
class Mosaic:
    """Pictures that were cut into patches, without the patches.

    Attributes:
        patch: shape of a patch, (h, w) grey or (h, w, 3) colour.
        value_range: the values of black and of white.
        pictures: in the order of their patches.
        numbered: the name before the numbers, when every vector is a picture of its own; else None.

    >>> from zador.data import load
    >>> mosaic = Mosaic.of(load("digits"))
    >>> mosaic.note()
    {'patch': (8, 8), 'range': (0.0, 16.0), 'pictures': 'digits'}
    >>> mosaic.pictures[7].name
    'digits-0007'
    """

    patch: tuple[int, ...]
    value_range: tuple[float, float]
    pictures: tuple[Picture, ...]
    numbered: str | None = None

    @classmethod
    def of(cls, vectors: Vectors) -> Mosaic | None:
        """Return the mosaic of `vectors`, or None if they are no patches of pictures."""
        if vectors.picture_shape is None:
            return None
        if vectors.pictures is None:
            numbered = _numbered(vectors.name, len(vectors))
            return cls(vectors.picture_shape, vectors.value_range, numbered, vectors.name)
        return cls(vectors.picture_shape, vectors.value_range, vectors.pictures)

    def note(self) -> dict[str, Any]:
        """Return plain JSON values to put into `about` of a token file; `Mosaic.read` takes them."""
        named = [(_printable(name), *grid) for name, *grid in self.pictures]
        return {
            "patch": self.patch,
            "range": self.value_range,
            "pictures": named if self.numbered is None else _printable(self.numbered),
        }

    @classmethod
    def read(cls, about: Mapping[str, Any], *, count: int, dim: int, source: str) -> Mosaic | None:
        """Return the mosaic whose `note` is in `about`, or None if there is none; nothing in it is believed unchecked.

        Args:
            about: of a token file; other values in it are passed over.
            count: N, vectors in the file.
            dim: D, coordinates of a vector.
            source: what to call the file in messages.

        Raises:
            FormatError: no such note, or one that does not fit to the vectors.
        """
        if "pictures" not in about:
            return None
        try:
            note = _Note.model_validate(dict(about))
        except ValidationError as error:
            raise _wrong(source, f"its {error.errors()[0]['loc'][0]} makes no sense") from None
        low, high = note.range
        if math.prod(note.patch) != dim or not _LEAST_RANGE < high - low < math.inf:
            raise _wrong(source, f"it tells of patches {note.patch} from {low:g} to {high:g}, the vectors have {dim} values")
        if isinstance(note.pictures, str):
            if count > _MOST_PICTURES:
                raise _wrong(source, f"it makes {count} pictures of single vectors, more than {_MOST_PICTURES}")
            return cls(note.patch, note.range, _numbered(note.pictures, count), note.pictures)
        pictures = tuple(Picture(*values) for values in note.pictures)
        _check_grids(pictures, note.patch, count, source)
        return cls(note.patch, note.range, pictures)

    def assemble(self, blocks: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.uint8]]:
        """Yield the pictures, (H, W) or (H, W, 3) bytes each: values are scaled, rounded, and clipped to 0 .. 255.

        Args:
            blocks: (n, D) vectors in order, in pieces of any length, all the vectors of all pictures together.

        Raises:
            DataError: too few vectors.
        """
        source = iter(blocks)
        block = np.empty((0, math.prod(self.patch)), np.uint8)
        for picture in self.pictures:
            run = np.empty((picture.rows * picture.columns, block.shape[1]), np.uint8)
            filled = 0
            while filled < len(run):
                if len(block) == 0:
                    block = self._bytes(next(source, None))
                part = block[: len(run) - filled]
                run[filled : filled + len(part)] = part
                filled += len(part)
                block = block[len(part) :]
            yield join_patches(run, picture.columns, self.patch)

    def _bytes(self, values: NDArray[Any] | None) -> NDArray[np.uint8]:
        if values is None:
            raise DataError(f"expected the vectors of {len(self.pictures)} pictures, got fewer; pass all that were encoded")
        low, high = self.value_range
        # The scale of bytes is exactly 1: whole numbers come back as they are.
        with np.errstate(over="ignore"):  # beyond white is white
            scaled = (np.asarray(values, np.float64) - low) * (_WHITE / (high - low))
        return np.clip(np.rint(scaled), 0, _WHITE).astype(np.uint8)


def _check_grids(pictures: tuple[Picture, ...], patch: tuple[int, ...], count: int, source: str) -> None:
    for picture in pictures:
        pixels = picture.rows * patch[0] * picture.columns * patch[1]
        if pixels > _MOST_PIXELS:
            raise _wrong(source, f"it tells of a picture of {pixels} pixels, more than {_MOST_PIXELS}")
    promised = sum(picture.rows * picture.columns for picture in pictures)
    if promised != count:
        raise _wrong(source, f"its pictures have {promised} patches, the file holds {count} vectors")


def _wrong(source: str, what: str) -> FormatError:
    return FormatError(f"{source}: its note on pictures does not fit: {what}; decode it to vectors (.npy) instead")


def _numbered(name: str, count: int) -> tuple[Picture, ...]:
    digits = len(str(count - 1))
    return tuple(Picture(f"{name}-{number:0{digits}d}", 1, 1) for number in range(count))


def _printable(name: str) -> str:
    # A file name that is no UTF-8 is half a surrogate pair to Python, which JSON has no bytes for.
    return name.encode("utf-8", "replace").decode()
