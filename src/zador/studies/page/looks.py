"""How an arm looks wherever it is drawn: a shape and a colour by its place among the names, hollow if entropy-coded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from zador.studies.page.svg import SERIES, colour

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SHAPES", "Look", "glyph", "looks"]


def _polygon(*corners: tuple[float, float]) -> Path:
    return Path(np.array([*corners, corners[0]]), closed=True)


_BOW = _polygon((-1, -0.8), (0, 0), (1, -0.8), (1, 0.8), (0, 0), (-1, 0.8))
_HOURGLASS = _polygon((-0.8, -1), (0.8, -1), (0, 0), (0.8, 1), (-0.8, 1), (0, 0))
_ROOF = _polygon((-1, -0.7), (-1, -0.1), (0, 0.8), (1, -0.1), (1, -0.7), (0, 0.2))
_DOME = Affine2D().translate(0, -0.45).transform_path(Path.wedge(0, 180))

SHAPES: tuple[str | Path, ...] = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", _BOW, _HOURGLASS, "d", _ROOF, "p", _DOME)
"""All different in outline: the first sixteen arms are told apart without colour."""

_SLIGHT = {"*": 1.3, "d": 1.15, _BOW: 1.2, _HOURGLASS: 1.15, _ROOF: 1.15, _DOME: 1.2}
"""How much larger than the others those have to be drawn that fill little of their square."""


@dataclass(frozen=True)
class Look:
    """A mark: its shape, the role of its colour, and whether it is hollow."""

    shape: str | Path
    role: str
    hollow: bool

    @property
    def size(self) -> float:
        """Relative to a circle."""
        return _SLIGHT.get(self.shape, 1.0) * (0.84 if self.hollow else 1.0)  # the stroke makes up for it

    @property
    def marks(self) -> dict[str, Any]:
        """What matplotlib's `errorbar` is told about marks."""
        ink = colour(self.role)
        return {
            "color": ink,
            "marker": self.shape,
            "markersize": 7.5 * self.size,
            "markerfacecolor": colour("page") if self.hollow else ink,
            "markeredgecolor": ink,
            "markeredgewidth": 1.5 if self.hollow else 0,
        }


def looks(hollow: Mapping[str, bool]) -> dict[str, Look]:
    """Return the look of each name, in the order given; `hollow` says which marks are.

    Shapes and colours go round at different speeds, so that 64 arms differ, and arms of one shape differ in colour.
    """
    return {
        name: Look(SHAPES[place % len(SHAPES)], f"series-{(place + place // SERIES) % SERIES}", empty)
        for place, (name, empty) in enumerate(hollow.items())
    }


def glyph(look: Look) -> str:
    """Return the mark as a small inline SVG, for legends and tables."""
    marker = MarkerStyle(look.shape)
    outline = marker.get_path().transformed(marker.get_transform())
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    parts = [
        letters[code] + ("" if code == Path.CLOSEPOLY else " ".join(f"{10 * look.size * value:.2f}" for value in points))
        for points, code in outline.iter_segments()
    ]
    ink = f'fill="none" stroke="var(--{look.role})" stroke-width="1.8"' if look.hollow else f'fill="var(--{look.role})"'
    # SVG's y axis points down.
    return (
        f'<svg class="glyph" viewBox="-8 -8 16 16" aria-hidden="true"><path transform="scale(1 -1)" '
        f'{ink} d="{"".join(parts)}"/></svg>'
    )
