"""Single runs as points: one a seed, in columns of arms, or against another measure of the same run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.page.svg import SERIES, colour, drawing, picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from zador.studies.run import Evidence

__all__ = ["draw_scatter", "draw_strips", "runs_of"]

_HEIGHT, _LEFT, _BELOW = 84.0, 17.0, 12.0
_COLUMNS = 3


def runs_of(evidence: Evidence, metric: str) -> dict[tuple[str, str], dict[int, float]]:
    """Return the value of every run, by setting and arm, then by seed."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in evidence.rows:
        if row.metric == metric:
            found.setdefault((row.setting, row.arm), {})[row.seed] = row.value
    return found


def draw_strips(evidence: Evidence, metric: str, settings: Sequence[str], arms: Sequence[str], *, prefix: str) -> str:
    """Return a panel a setting: a column of points an arm, one point a seed, beside each other where they are alike.

    Settings that are alike up to the first comma have one scale.

    Args:
        evidence: the study.
        metric: what is drawn.
        settings: of the panels.
        arms: of the columns, at most as many as there are colours.
        prefix: unique where several pictures share a page.
    """
    runs, words = runs_of(evidence, metric), dict[str, str]()
    legend = [(f"series-{place % SERIES}", f"● {arm}") for place, arm in enumerate(arms)]
    legend.append(("muted", f"up: {metric}; one point a seed, {len(evidence.design.seeds)} in each column"))
    sheet = Sheet(
        len(settings), columns=_COLUMNS, height=_HEIGHT, left=_LEFT, below=_BELOW, lines=len(legend), breadth=_COLUMNS
    )
    with drawing():
        panels = sheet.panels(list(settings), words)
        for axes, setting in zip(panels, settings, strict=True):
            columns = [[*runs[setting, arm].values()] for arm in arms]
            alike = [other for other in settings if other.split(",")[0] == setting.split(",")[0]]
            for place, values in enumerate(columns):
                across = [place + 0.7 * shift for shift in _beside(values)]
                axes.scatter(across, values, s=2.6, lw=0, alpha=0.85, color=colour(f"series-{place % SERIES}"))
            _plain(axes)
            axes.set_xlim(-0.6, len(arms) - 0.4)
            axes.xaxis.set_major_locator(NullLocator())
            _from_zero(axes, max(value for other in alike for arm in arms for value in runs[other, arm].values()))
        sheet.legend(panels[0], words, legend)
        label = f"{metric} of single runs: {', '.join(arms)}, under {', '.join(settings)}."
        return standalone(picture(panels[0], prefix=prefix, label=label, words=words))


def draw_scatter(
    evidence: Evidence, metrics: tuple[str, str], settings: Sequence[str], arms: Sequence[str], *, prefix: str
) -> str:
    """Return a panel a setting: one measure of a run against another, a point a seed and arm.

    Args:
        evidence: the study.
        metrics: what runs across, and what runs up.
        settings: of the panels.
        arms: whose runs are drawn, at most as many as there are colours.
        prefix: unique where several pictures share a page.
    """
    across, up = (runs_of(evidence, metric) for metric in metrics)
    words: dict[str, str] = {}
    legend = [(f"series-{place % SERIES}", f"● {arm}") for place, arm in enumerate(arms)]
    legend.append(("muted", f"across: {metrics[0]}; up: {metrics[1]}; one point a run"))
    sheet = Sheet(
        len(settings), columns=_COLUMNS, height=_HEIGHT, left=_LEFT, below=_BELOW, lines=len(legend), breadth=_COLUMNS
    )
    with drawing():
        panels = sheet.panels(list(settings), words)
        for axes, setting in zip(panels, settings, strict=True):
            for place, arm in enumerate(arms):
                seeds = across[setting, arm]
                x, y = ([measured[setting, arm][seed] for seed in seeds] for measured in (across, up))
                axes.scatter(x, y, s=3.2, lw=0, alpha=0.7, color=colour(f"series-{place % SERIES}"))
            _plain(axes)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            _from_zero(axes, max(value for arm in arms for value in up[setting, arm].values()))
        sheet.legend(panels[0], words, legend)
        label = f"{metrics[1]} against {metrics[0]} of single runs: {', '.join(arms)}, under {', '.join(settings)}."
        return standalone(picture(panels[0], prefix=prefix, label=label, words=words))


def _beside(values: Sequence[float]) -> list[float]:
    """Return shifts from -1/2 to 1/2 that put equal values beside each other about the middle.

    >>> _beside([0.0, 3.0, 0.0, 0.0])
    [-0.25, 0.0, 0.0, 0.25]
    """
    shifts = []
    for place, value in enumerate(values):
        alike = [number for number, other in enumerate(values) if other == value]
        shifts.append((alike.index(place) - (len(alike) - 1) / 2) / max(len(values), 1))
    return shifts


def _from_zero(axes: Axes, most: float) -> None:
    axes.set_ylim(-0.06 * max(most, 1.0), 1.08 * max(most, 1.0))
    axes.yaxis.set_major_locator(FixedLocator([0.0]) if most <= 0 else MaxNLocator(4, integer=True))


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=5.2, length=1.5, width=0.5, pad=1.2)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
