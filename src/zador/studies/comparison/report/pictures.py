"""Codewords and vectors that are pictures, as small PNGs inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from zador.studies.comparison.report.codeword_table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zador.studies.comparison.records import DataCard, Exhibit

__all__ = ["Pair", "Tile", "codewords", "data_link", "pairs"]

_ON_SCREEN = 44
_MOST_PAIRS = 16
_COLOURS = 3


@dataclass(frozen=True)
class Tile:
    """One picture of a contact sheet.

    Attributes:
        source: a data: link.
        text: what it is, for those who do not see it.
        caption: the few characters under it.
        width: on screen, in CSS pixels: a whole multiple of the picture's, so that pixels stay square and sharp.
        height: likewise.
    """

    source: str
    text: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Pair:
    """A held-out vector and its reconstruction, with the squared error between them."""

    original: Tile
    reconstruction: Tile
    error: float


def data_link(vector: NDArray[np.float64], data: DataCard) -> str:
    """Return the vector as a PNG data: link, `data.value_range` going from black to white."""
    low, high = data.value_range
    scaled = np.clip((vector - low) / ((high - low) or 1.0), 0, 1).reshape(_shape(data))
    if scaled.ndim == _COLOURS and scaled.shape[2] != _COLOURS:
        scaled = scaled.mean(axis=2)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * scaled).astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def codewords(exhibit: Exhibit, data: DataCard, *, budget: int) -> tuple[Tile, ...]:
    """Return the codewords, most used first, as many as fit into `budget` characters (at least one)."""
    tiles: list[Tile] = []
    for tile in _by_usage(exhibit, data):
        budget -= len(tile.source)
        if budget < 0 and tiles:
            break
        tiles.append(tile)
    return tuple(tiles)


def _by_usage(exhibit: Exhibit, data: DataCard) -> Iterator[Tile]:
    words, counts = table(exhibit)
    for index in np.argsort(-counts, kind="stable"):
        used = int(counts[index])
        text = f"codeword {index}, chosen {used:,} times" if used else f"codeword {index}, dead"
        yield _tile(words[index], data, text, f"{used:,}" if used else "dead")


def pairs(exhibit: Exhibit, data: DataCard) -> tuple[Pair, ...]:
    """Return the held-out vectors beside what stands for them."""
    both = list(zip(exhibit.originals, exhibit.reconstructions, strict=True))[:_MOST_PAIRS]
    return tuple(
        Pair(
            _tile(original, data, f"held-out vector {number}", ""),
            _tile(copy, data, f"its reconstruction {number}", ""),
            float(((original - copy) ** 2).sum()),
        )
        for number, (original, copy) in enumerate(both, start=1)
    )


def _tile(vector: NDArray[np.float64], data: DataCard, text: str, caption: str) -> Tile:
    height, width = _shape(data)[:2]
    scale = max(1, round(_ON_SCREEN / max(height, width)))
    return Tile(data_link(vector, data), text, caption, width * scale, height * scale)


def _shape(data: DataCard) -> tuple[int, ...]:
    return cast("tuple[int, ...]", data.picture_shape)  # who asks for pictures has seen that there are some
