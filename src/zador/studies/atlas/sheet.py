"""Small multiples: many panels of one size on a sheet, each with its name above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.page.svg import WIDTH, colour, panel, stand_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sheet"]

_NAME, _NAME_SIZE = 11.0, 6.4


@dataclass(frozen=True)
class Sheet:
    """Where panels lie on a picture of `WIDTH` pixels.

    Attributes:
        count: number of panels.
        columns: how many stand beside each other.
        height: of a panel, without its name.
        left: room beside each, for an axis.
        below: room below each, for an axis.
        foot: room at the lower edge of the picture, for a legend.
    """

    count: int
    columns: int = 4
    height: float = 92.0
    left: float = 3.0
    below: float = 3.0
    foot: float = 0.0

    @property
    def total(self) -> float:
        """Height of the picture."""
        rows = -(-self.count // self.columns)
        return rows * (self.height + self.below + _NAME) + self.foot

    def panels(self, names: list[str], words: dict[str, str]) -> list[Axes]:
        """Return the axes of all panels on one new figure; `words` takes their names, see `stand_in`."""
        width, total = WIDTH / self.columns, self.total
        first = panel(total, left=0, right=0, top=0, bottom=0)
        figure = first.figure
        first.remove()
        made = []
        for place, name in enumerate(names):
            row, column = divmod(place, self.columns)
            top = total - row * (self.height + self.below + _NAME) - _NAME
            box = (column * width + self.left, top - self.height, width - self.left - 3.0, self.height)
            axes = figure.add_axes((box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total))
            mark = stand_in(len(words))
            words[mark] = name
            figure.text(box[0] / WIDTH, (top + 3.0) / total, mark, size=_NAME_SIZE, color=colour("ink"), weight="bold")
            made.append(axes)
        return made
