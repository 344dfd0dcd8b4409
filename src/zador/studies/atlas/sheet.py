"""Small multiples: many panels of one size on a sheet, each with its name above, and a legend where they leave room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.page.svg import WIDTH, colour, panel, stand_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sheet"]

_NAME, _NAME_SIZE, _LINE = 11.0, 6.4, 9.5


@dataclass(frozen=True)
class Sheet:
    """Where panels lie on a picture of `WIDTH` pixels.

    Attributes:
        count: number of panels.
        columns: how many stand beside each other.
        height: of a panel, without its name.
        left: room beside each, for an axis.
        below: room below each, for an axis.
        lines: of the legend.
        breadth: how many panels are as broad as the legend. It stands beside the last one if there is that much room, and
            below it otherwise.
    """

    count: int
    columns: int = 4
    height: float = 92.0
    left: float = 3.0
    below: float = 3.0
    lines: int = 0
    breadth: int = 1

    @property
    def _beside(self) -> bool:
        return -self.count % self.columns >= self.breadth

    @property
    def total(self) -> float:
        """Height of the picture."""
        rows = -(-self.count // self.columns)
        return rows * (self.height + self.below + _NAME) + (0.0 if self._beside else self.lines * _LINE + 3.0)

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

    def legend(self, axes: Axes, words: dict[str, str], lines: list[tuple[str, str]]) -> None:
        """Write the lines of the legend.

        Args:
            axes: any of the panels.
            words: takes the text, see `stand_in`.
            lines: a role of `colour` and a text each.
        """
        column = self.count % self.columns if self._beside else 0
        across = column * WIDTH / self.columns + self.left
        top = self.height + self.below if self._beside else self.lines * _LINE + 3.0
        for place, (role, text) in enumerate(lines, start=1):
            mark = stand_in(len(words))
            words[mark] = text
            up = top - place * _LINE + 3.0
            axes.figure.text(across / WIDTH, up / self.total, mark, size=_NAME_SIZE, color=colour(role))
