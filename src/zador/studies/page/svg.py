"""From a matplotlib figure to an inline SVG that wears the page's own colours and fonts.

Figures are built by the object API inside `drawing()`; pyplot and the user's matplotlibrc have no say. Colours are drawn
as stand-ins and become CSS variables, so that one picture serves light, dark and print.
"""

from __future__ import annotations

import html
import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, blended_transform_factory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

__all__ = ["COLOURS", "SERIES", "WIDTH", "below", "caption", "colour", "drawing", "panel", "picture", "stand_in"]

WIDTH = 400
"""Width of a picture in its own units, which are CSS pixels at full size."""

SERIES = 8
"""How many colours arms have."""

COLOURS = ("ink", "muted", "line", "bound", "warn", "page", *(f"series-{index}" for index in range(SERIES)))
"""The roles a mark can have; each is a CSS variable of the page."""

_STAND_INS = {role: f"#fe{index:02x}01" for index, role in enumerate(COLOURS)}

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zador",
    "font.size": 12.5,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _STAND_INS["line"],
    "axes.labelcolor": _STAND_INS["muted"],
    "axes.facecolor": "none",
    "axes.unicode_minus": True,
    "xtick.color": _STAND_INS["line"],
    "ytick.color": _STAND_INS["line"],
    "xtick.labelcolor": _STAND_INS["muted"],
    "ytick.labelcolor": _STAND_INS["muted"],
    "text.color": _STAND_INS["muted"],
    "grid.color": _STAND_INS["line"],
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "text.parse_math": False,
}


def colour(role: str) -> str:
    """Return the stand-in that matplotlib draws for `role`, one of `COLOURS`."""
    return _STAND_INS[role]


def stand_in(index: int) -> str:
    """Return what to draw in the place of the index-th word; `picture` puts the word there.

    Words come from users. They never pass through matplotlib, which would read `$` as mathematics, warn of letters that
    its font lacks, and lay the picture out by their length.
    """
    return f"@{index}@"


@contextmanager
def drawing() -> Iterator[None]:
    """Within it, matplotlib draws in the report's style, whatever the user's settings are."""
    with style.context(["default", _STYLE]):
        yield


def panel(height: float, *, left: float = 52, right: float = 12, top: float = 32, bottom: float = 40) -> Axes:
    """Return axes on a new figure of `WIDTH` × `height` pixels with these margins."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    inner = (left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH, (height - top - bottom) / height)
    return figure.add_axes(inner)


def picture(axes: Axes, *, prefix: str, label: str, words: Mapping[str, str] | None = None) -> str:
    """Return the figure of `axes` as one `<svg>` element for a page.

    Args:
        axes: any axes of the figure, drawn within `drawing()`.
        prefix: unique in the page: the SVG's ids start with it.
        label: what the picture shows, for those who do not see it.
        words: stand-in to word, see `stand_in`.
    """
    figure = _figure(axes)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = buffer.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = _own_ids(body, prefix).replace("xlink:href", "href")
    body = re.sub(r" font-family: [^;\"]*;?| transform=\"rotate\(-0 [^\"]*\"", "", body)
    for role, hexadecimal in _STAND_INS.items():
        body = body.replace(hexadecimal, f"var(--{role})")
    for mark, word in (words or {}).items():
        body = body.replace(f">{mark}<", f">{html.escape(word)}<")
    body = re.sub(r"\s*\n\s*", "\n", body).replace("\n<", "<").replace("\n", " ")
    size = f"{WIDTH} {figure.get_figheight() * 72:g}"
    return f'<svg class="plot" viewBox="0 0 {size}" role="img" aria-label="{html.escape(label)}">{body}'


def caption(axes: Axes, text: str) -> None:
    """Name the vertical axis above it, where it reads without turning the head."""
    figure = _figure(axes)
    figure.text(4 / WIDTH, 1 - 14 / (figure.get_figheight() * 72), text)


def below(axes: Axes) -> Transform:
    """Return coordinates that count shares of the axes across, and pixels up from their lower edge."""
    edge = axes.get_position().y0 * _figure(axes).get_figheight() * 72
    return blended_transform_factory(axes.transAxes, Affine2D().translate(0, edge))


def _figure(axes: Axes) -> Figure:
    return cast("Figure", axes.get_figure(root=True))  # `panel` made it: it is there, and no subfigure


def _own_ids(body: str, prefix: str) -> str:
    """Keep the ids that something refers to, under a prefix: two pictures in one page must not share one."""
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', body))

    def rename(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    body = re.sub(r' id="([^"]*)"', rename, body)
    return re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", body)
