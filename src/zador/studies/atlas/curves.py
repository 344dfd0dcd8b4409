"""Bias and spread against the distance to the boundary, a panel for each estimator, all on the same axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from zador.studies.atlas.sheet import Sheet
from zador.studies.atlas.standalone import standalone
from zador.studies.averages import means_of
from zador.studies.page import wording
from zador.studies.page.svg import colour, drawing, picture
from zador.studies.report.setting_plots import numbers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from zador.studies.run import Evidence

__all__ = ["draw_curves"]

LINES = {
    "hard bias": ("series-1", "-", "bias, hard"),
    "own bias": ("series-0", "-", "bias, own (or its standard error)"),
    "deviation": ("muted", (0, (3, 2)), "deviation of one draw"),
}
_LOW, _MOST = 0.01, 3000.0


def draw_curves(evidence: Evidence, *, prefix: str, axis: str) -> str:
    """Return the curves of a study whose settings end in numbers, as a stand-alone SVG.

    Args:
        evidence: the study.
        prefix: unique where several pictures share a page.
        axis: what the settings count.
    """
    design, means = evidence.design, means_of(evidence)
    arms = list(dict.fromkeys(arm.name for arm in design.arms))
    numbers = numbers_of(design.settings)
    if numbers is None:
        raise TypeError(f"the settings of {design.name} have no numbers")
    legend = _legend(axis)
    sheet = Sheet(len(arms), columns=4, height=62.0, left=17.0, below=10.0, lines=len(legend), breadth=2)
    words: dict[str, str] = {}
    largest = max(means[arm.name, arm.setting, metric] for arm in design.arms for metric in LINES)
    high = min(_MOST, 3.0 * largest)
    with drawing():
        panels = sheet.panels(arms, words)
        for axes, arm in zip(panels, arms, strict=True):
            _axes(axes, numbers, high)
            for metric, (role, dash, _) in LINES.items():
                values = [means[arm, setting, metric] for setting in design.settings]
                axes.plot(
                    numbers, np.clip(values, _LOW, high), color=colour(role), lw=1.0, ls=dash, marker="o", ms=1.8, mew=0
                )
        sheet.legend(panels[0], words, legend)
        label = f"Biases and deviations of {len(arms)} estimators against {axis}, as shares of the true gradient's length."
        return standalone(picture(panels[0], prefix=prefix, label=label, words=words))


def _axes(axes: Axes, numbers: Sequence[float], high: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(_LOW, high)
    axes.axhline(1.0, color=colour("line"), lw=0.8)
    shown = (min(numbers), 1.0, max(numbers)) if min(numbers) < 1.0 < max(numbers) else (min(numbers), max(numbers))
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value)))
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(labelsize=5.2, length=1.5, width=0.5, pad=1.2)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def _legend(axis: str) -> list[tuple[str, str]]:
    """Return what lines and axes mean."""
    return [
        *((role, f"{'–' if dash == '-' else '‐ ‐'} {word}") for role, dash, word in LINES.values()),
        ("muted", f"across: {axis}"),
        ("muted", f"up: shares of the true gradient’s length, at least {_LOW:g}"),
        ("muted", "blue covers red where they agree"),
    ]
