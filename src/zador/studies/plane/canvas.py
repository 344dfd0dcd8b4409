"""Small panels of the plane as SVG text: short numbers, the page's colours, all words escaped."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.atlas.cells import cell
from zador.studies.page.svg import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["ROUND", "Panel", "Window", "document", "legend", "number", "outlined", "rounded", "text"]

_NAME, _GAP = 12.0, 6.0
ROUND = 'style="stroke-linecap:round"'
"""As a style: the page's own rules for lines go before attributes."""


def number(value: float) -> str:
    """Return a number in at most one decimal.

    >>> number(12.345), number(-0.04), number(7.0)
    ('12.3', '0', '7')
    """
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def text(across: float, down: float, word: str, *, role: str = "ink", weight: int = 400, size: float = 7.0) -> str:
    """Return a line of text that starts there."""
    return (
        f'<text x="{number(across)}" y="{number(down)}" font-size="{number(size)}" font-weight="{weight}" '
        f'fill="var(--{role})">{html.escape(word)}</text>'
    )


def document(height: float, label: str, body: Iterable[str]) -> str:
    """Return one `<svg>` element for a page.

    Args:
        height: in units of which `WIDTH` are its width.
        label: what it shows, for those who do not see it.
        body: what is in it.
    """
    size = f"{WIDTH} {number(height)}"
    opening = f'<svg class="plot" viewBox="0 0 {size}" role="img" aria-label="{html.escape(label)}">'
    return f"{opening}{''.join(body)}</svg>"


@dataclass(frozen=True)
class Window:
    """A square of the plane.

    Attributes:
        centre: of it.
        reach: half its side.
    """

    centre: tuple[float, float]
    reach: float

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of points (..., 2) are inside."""
        return np.asarray(np.abs(points - np.array(self.centre)).max(axis=-1) <= self.reach)


@dataclass(frozen=True)
class Panel:
    """A square of the plane on the page.

    Attributes:
        left: of its edge, in units of the page.
        top: of its edge.
        side: of it.
        window: what of the plane it shows.
    """

    left: float
    top: float
    side: float
    window: Window

    @classmethod
    def sheet(cls, count: int, columns: int, window: Window) -> tuple[list[Panel], float]:
        """Return `count` panels in rows, each with room for a name above, and the height of all."""
        side = (WIDTH - _GAP * (columns - 1)) / columns
        panels = []
        for place in range(count):
            row, column = divmod(place, columns)
            panels.append(cls(column * (side + _GAP), row * (side + _NAME + _GAP) + _NAME, side, window))
        return panels, -(-count // columns) * (side + _NAME + _GAP)

    def named(self, name: str) -> str:
        """Return the name above the panel."""
        return text(self.left + 1, self.top - 3.5, name, weight=600)

    @property
    def scale(self) -> float:
        """Units of the page that a unit of the plane takes."""
        return self.side / (2.0 * self.window.reach)

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points (..., 2) of the plane are on the page; its second axis points down."""
        middle = np.array([self.left, self.top]) + 0.5 * self.side
        return np.asarray(middle + self.scale * (points - np.array(self.window.centre)) * np.array([1.0, -1.0]))

    def cells(self, codewords: NDArray[np.float64]) -> str:
        """Return the outlines of all Voronoi cells, cut to the panel, as the `d` of a path."""
        centre = np.array(self.window.centre)
        outlines = (centre + cell(codewords - centre, place, self.window.reach) for place in range(len(codewords)))
        return "".join(f"M{self.line(corners)}Z" for corners in outlines if len(corners))

    def line(self, points: NDArray[np.float64]) -> str:
        """Return points (N, 2), N >= 1, as the coordinates of a path."""
        return " ".join(f"{number(across)} {number(down)}" for across, down in self.at(points).tolist())

    def dots(self, points: NDArray[np.float64]) -> str:
        """Return points (N, 2) as the `d` of a path that is drawn with round ends; those outside the panel are left out."""
        inside = points[self.window.holds(points)]
        return "".join(f"M{number(across)} {number(down)}h0" for across, down in self.at(inside).tolist())

    def mapping(self, matrix: NDArray[np.float64]) -> str:
        """Return the transformation of SVG that takes x to where W x is on the page; W is `matrix` (2, 2)."""
        columns = self.at(matrix.T) - self.at(np.zeros((1, 2)))
        return f"matrix({' '.join(f'{part:.2f}' for part in (*columns.ravel(), *self.at(np.zeros(2))))})"


def rounded(d: str, role: str, width: float, opacity: float = 1.0) -> str:
    """Return a path of dots."""
    faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{d}" fill="none" stroke="var(--{role})" stroke-width="{number(width)}" {ROUND}{faint}/>'


def outlined(d: str, role: str, width: float) -> str:
    """Return a path of lines."""
    return f'<path d="{d}" fill="none" stroke="var(--{role})" stroke-width="{number(width)}" stroke-linejoin="round"/>'


def legend(lines: Sequence[tuple[str, str]], top: float) -> list[str]:
    """Return words in a row, each after a dot in the colour of its role."""
    made: list[str] = []
    across = 3.0
    for role, word in lines:
        made += [
            rounded(f"M{number(across + 2)} {number(top + 5)}h0", role, 4.0),
            text(across + 7, top + 7.5, word, role="muted"),
        ]
        across += 16.0 + 3.55 * len(word)
    return made
