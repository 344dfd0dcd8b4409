"""Gradient fields in the plane: what each estimator sends back on average, over the cells of a few codewords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path

from zador.studies.atlas.cells import cell
from zador.studies.atlas.losses import Decoded
from zador.studies.atlas.scene import Scene
from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.atlas.truth import of_draws, of_nearest
from zador.studies.page.svg import colour, drawing, picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from torch import Tensor

    from zador.studies.atlas.subjects import Subject

__all__ = ["View", "draw_arrows", "draw_fields", "field_scene"]

_SIGMA = 0.35
_DRAWS = 1024
_CODEWORDS = ((-1.7, 1.2), (0.1, 1.9), (1.8, 1.0), (-0.3, 0.1), (1.3, -0.9), (-1.6, -1.0), (0.1, -2.0))
_SEED = 5
_SCARCE = 0.05
"""Share of the longest true gradient below which it does not matter where an arrow points."""
_LEGEND = [
    ("series-0", "▶ less than 90° from the"),
    ("series-0", "true gradient"),
    ("series-1", "▶ more than 90°"),
    ("muted", "▶ where the true one is"),
    ("muted", "under 5 % of its maximum"),
]


@dataclass(frozen=True)
class View:
    """A square of the plane and a grid of points in it.

    Attributes:
        centre: of the square.
        reach: half its side.
        side: points along it.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    reach: float = 2.6
    side: int = 13

    @property
    def points(self) -> Tensor:
        """(side², 2) float64."""
        line = torch.linspace(-self.reach, self.reach, self.side + 2, dtype=torch.float64)[1:-1]
        return torch.cartesian_prod(line, line) + torch.tensor(self.centre, dtype=torch.float64)


def field_scene(draws: int = _DRAWS) -> Scene:
    """Return the scene of the pictures: seven codewords, one decoder, a grid of points."""
    points = View().points
    codewords = torch.tensor(_CODEWORDS, dtype=torch.float64)
    loss = Decoded()(codewords, points, torch.Generator().manual_seed(_SEED))
    return Scene.at(codewords, points, loss, sigma=_SIGMA, draws=draws, seed=_SEED)


def draw_fields(subjects: Mapping[str, Subject], *, prefix: str, drawn_law: bool, draws: int = _DRAWS) -> str:
    """Return the fields of the true gradient and of each estimator as a stand-alone SVG; see `draw_arrows`.

    Args:
        subjects: estimators by name.
        prefix: unique where several pictures share a page.
        drawn_law: whether the true gradient of codewords drawn with p ∝ exp(-||z - c||²) is shown beside the hard one.
        draws: of noise at each point.
    """
    scene = field_scene(draws)
    fields = {"true: nearest codeword": of_nearest(scene).mean(1).numpy()}
    if drawn_law:
        fields["true: codeword drawn"] = of_draws(scene).mean(1).numpy()
    fields |= {name: subject(scene).gradient.mean((1, 2)).numpy() for name, subject in subjects.items()}
    losses = scene.losses[0].numpy()
    label = f"Fields of gradients over seven cells: {', '.join(fields)}."
    drawn = draw_arrows(fields, scene.codewords.numpy(), View(), prefix=prefix, label=label, losses=losses)
    return standalone(drawn)


def draw_arrows(
    fields: Mapping[str, NDArray[np.float64]],
    codewords: NDArray[np.float64],
    view: View,
    *,
    prefix: str,
    label: str,
    losses: NDArray[np.float64] | None = None,
) -> str:
    """Return fields over the cells of codewords, a panel each, as one `<svg>` element for a page.

    Arrows point downhill, against the gradient. Their lengths are square roots, so that a gradient of a hundredth is still
    seen; those longer than the longest true one are cut there.

    Args:
        fields: (P, 2) gradients at the points of the view, by name; the first is the true one.
        codewords: (K, 2).
        view: the square that is shown.
        prefix: unique where several pictures share a page.
        label: what the picture shows, for those who do not see it.
        losses: (K,) of the codewords: the higher, the darker their cells.
    """
    truth = next(iter(fields.values()))
    sheet = Sheet(len(fields), columns=4, height=94.0, lines=len(_LEGEND))
    words: dict[str, str] = {}
    with drawing():
        panels = sheet.panels(list(fields), words)
        for axes, field in zip(panels, fields.values(), strict=True):
            _cells(axes, codewords - np.array(view.centre), view.reach, losses)
            _arrows(axes, view, -field, -truth)
        sheet.legend(panels[0], words, _LEGEND)
        return picture(panels[0], prefix=prefix, label=label, words=words)


def _cells(axes: Axes, codewords: NDArray[np.float64], reach: float, losses: NDArray[np.float64] | None) -> None:
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_axis_off()
    for number in range(len(codewords)):
        corners = cell(codewords, number, reach)
        if losses is not None:
            height = (losses[number] - losses.min()) / np.ptp(losses)
            axes.add_patch(Polygon(corners, facecolor=colour("muted"), alpha=0.04 + 0.3 * height, lw=0))
        if len(corners):
            axes.add_patch(Polygon(corners, fill=False, edgecolor=colour("line"), lw=0.5))
    inside = codewords[np.abs(codewords).max(axis=1) <= reach]
    axes.plot(*inside.T, ls="none", marker="o", ms=1.8, color=colour("muted"), mew=0)


def _arrows(axes: Axes, view: View, field: NDArray[np.float64], hard: NDArray[np.float64]) -> None:
    """Draw needles, wide where they start; their colour says whether they agree with the true gradient."""
    points = view.points.numpy() - np.array(view.centre)
    longest = np.linalg.norm(hard, axis=1).max()
    length = np.linalg.norm(field, axis=1, keepdims=True)
    unit = field / np.maximum(length, 1e-300)
    room = 2 * view.reach / (view.side + 1)
    reach = 0.95 * room * np.minimum(1.0, np.sqrt(length / longest))
    across = 0.13 * room * np.stack([-unit[:, 1], unit[:, 0]], axis=1) * (length > 0)
    tail, tip = points - 0.5 * reach * unit, points + 0.5 * reach * unit
    known = np.linalg.norm(hard, axis=1)
    cosine = (unit * hard).sum(axis=1) / np.maximum(known, 1e-300)
    groups = {"line": known < _SCARCE * longest, "series-0": cosine > 0, "series-1": cosine <= 0}
    seen = (length[:, 0] / longest) > 1e-4  # noqa: PLR2004 - a hundredth of the room
    for role, chosen in groups.items():
        rows = chosen & seen
        seen &= ~chosen
        if not rows.any():
            continue
        corners = np.stack([tail + across, tip, tail - across, tail + across], axis=1)[rows].reshape(-1, 2)
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * int(rows.sum())
        ink = colour("muted" if role == "line" else role)
        axes.add_patch(PathPatch(Path(corners, codes), facecolor=ink, lw=0, alpha=0.45 if role == "line" else 1.0, zorder=3))
