"""Training dynamics as a picture that stands alone: metrics along the runs of all arms, with bands over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zador.studies.atlas.sheet import Sheet
from zador.studies.page import wording
from zador.studies.page.looks import looks
from zador.studies.page.svg import colour, drawing, picture
from zador.studies.report.bands import bands, drawn_metrics
from zador.studies.report.results import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zador.studies.page.looks import Look
    from zador.studies.report.bands import Band
    from zador.studies.run import Evidence

__all__ = ["draw_dynamics"]

_RATIO = 5.0
"""Between a metric's largest mean and its smallest, from which its axis is logarithmic."""


def draw_dynamics(evidence: Evidence, *, prefix: str) -> str:
    """Return every series of a study along its runs, a row a setting, as one `<svg>` for a page.

    Lines are means over seeds, bands Student's 95 % interval at each step by itself; dashes are the ends of arms that have
    no series.

    Args:
        evidence: the study.
        prefix: unique where several pictures share a page.
    """
    results = measure(evidence)
    metrics, settings = drawn_metrics(results), evidence.design.settings
    found = {(setting, metric): bands(results, setting, metric) for setting in settings for metric in metrics}
    shown = dict.fromkeys(band.arm for group in found.values() for band in group)
    faces = looks(dict.fromkeys((name for name in results.tried if name in shown), False))
    legend = [(look.role, f"{'- -' if _ends(found, name) else '––'} {name}") for name, look in faces.items()]
    sheet = Sheet(len(found), columns=len(metrics), height=150.0, left=30.0, below=16.0, lines=len(legend))
    words: dict[str, str] = {}
    with drawing():
        panels = sheet.panels([f"{metric}, {setting}" for setting, metric in found], words)
        for axes, group in zip(panels, found.values(), strict=True):
            _draw(axes, group, faces)
        sheet.legend(panels[0], words, legend)
        label = f"{' and '.join(metrics)} along the runs of {len(faces)} arms, {' and '.join(settings)}."
        return picture(panels[0], prefix=prefix, label=label, words=words)


def _ends(found: dict[tuple[str, str], list[Band]], arm: str) -> bool:
    return all(band.end is not None for group in found.values() for band in group if band.arm == arm)


def _draw(axes: Axes, group: list[Band], faces: dict[str, Look]) -> None:
    for band in group:
        ink = colour(faces[band.arm].role)
        if band.end is not None:
            axes.axhline(band.end[0], color=ink, lw=0.8, ls=(0, (4, 3)))
            continue
        axes.plot(band.steps, band.mean, color=ink, lw=1.0)
        if np.isfinite(band.low).all():
            axes.fill_between(band.steps, band.low, band.high, color=ink, alpha=0.14, lw=0)
    heights = np.concatenate([band.mean for band in group] + [[band.end[0]] for band in group if band.end])
    if heights.min() > 0 and heights.max() > _RATIO * heights.min():
        axes.set_yscale("log")
        axes.set_ylim(0.9 * heights.min(), 1.1 * heights.max())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value)))
    axes.tick_params(labelsize=6.0, length=1.5, width=0.5, pad=1.5)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
