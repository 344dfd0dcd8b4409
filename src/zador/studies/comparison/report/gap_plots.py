"""The distance of every arm to the Gaussian D(R), one picture a rate; numbers first, then marks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from zador.studies.comparison.report.judgement import gap_error
from zador.studies.page import wording
from zador.studies.page.looks import Look, looks
from zador.studies.page.svg import WIDTH, colour, drawing, panel, picture, stand_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from zador.studies.comparison.records import Arm, Comparison

__all__ = ["gaps"]

_ROW = 20
_ABOVE, _BELOW = 30, 44
_LEFT, _RIGHT = 194, 52
_ACROSS = WIDTH - _LEFT - _RIGHT
_LABEL_LENGTH = 25
_SQUEEZED = 4


def gaps(comparison: Comparison, *, prefix: str = "gap") -> list[str]:
    """Return, for each rate, the gaps of its arms in dB: one row an arm, the least error first.

    All share one scale, unless that would squeeze one of them. A mark stands for the gap at the rate asked for, ± one
    standard error; a tick for that at the real bits of the file.
    """
    faces = looks(comparison.coded)
    groups = [
        sorted((arm for arm in comparison.arms if arm.bits == rate), key=lambda arm: arm.distortion)
        for rate in sorted({arm.bits for arm in comparison.arms})
    ]
    reaches = [_reach(group) for group in groups]
    widths = [high - low for low, high in reaches]
    if max(widths) <= _SQUEEZED * min(widths):
        reaches = [_reach(comparison.arms)] * len(groups)
    with drawing():
        return [
            _picture(group, reach, faces, f"{prefix}-{place}")
            for place, (group, reach) in enumerate(zip(groups, reaches, strict=True))
        ]


def _reach(arms: Sequence[Arm]) -> tuple[float, float]:
    """From the lowest to the highest finite gap with its error, the bound at 0 included, and some air."""
    found = [(arm.gap_db, gap_error(arm), arm.real_gap_db) for arm in arms]
    ends = [0.0, *(end for gap, error, real in found for end in (gap - error, gap, gap + error, real) if math.isfinite(end))]
    pad = 0.06 * (max(ends) - min(ends)) or 1.0
    return min(ends) - pad, max(ends) + pad


def _picture(group: Sequence[Arm], reach: tuple[float, float], faces: dict[str, Look], prefix: str) -> str:
    best = min(group, key=lambda arm: arm.gap_db)
    label = (
        f"Gap to the Gaussian D(R) at {wording.rate(best.bits)}, in dB. The smallest of {wording.count(len(group), 'arm')} "
        f"is {wording.decibels(best.gap_db)} dB: {best.name}; all are in the table of arms."
    )
    words: dict[str, str] = {}
    height = _ABOVE + _ROW * len(group) + _BELOW
    axes = panel(height, left=_LEFT, right=_RIGHT, top=_ABOVE, bottom=_BELOW)
    axes.set_xlim(*reach)
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.axvline(0, color=colour("bound"), lw=2, zorder=2)
    edge = axes.get_yaxis_transform()
    middle = -0.5 - 15 / _ROW
    axes.text(8 / _ACROSS - _LEFT / _ACROSS, middle, wording.rate(best.bits), transform=edge, **_heading())
    axes.text(1 + _RIGHT / _ACROSS - 4 / _ACROSS, middle, "dB", transform=edge, ha="right", **_heading())
    axes.hlines(range(len(group)), *reach, color=colour("line"), lw=0.6, zorder=0)
    for row, arm in enumerate(group):
        _draw_row(axes, row, arm, faces[arm.name], words)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(axis="x")
    axes.set_xlabel("gap, dB (0 = Gaussian D(R); left is better)", labelpad=5, x=0.3)
    return picture(axes, prefix=prefix, label=label, words=words)


def _heading() -> dict[str, Any]:
    return {"color": colour("ink"), "weight": "bold", "va": "center"}


def _draw_row(axes: Axes, row: int, arm: Arm, look: Look, words: dict[str, str]) -> None:
    edge = axes.get_yaxis_transform()
    mark = stand_in(len(words))
    words[mark] = arm.name if len(arm.name) <= _LABEL_LENGTH else arm.name[: _LABEL_LENGTH - 1] + "…"
    axes.text(-10 / _ACROSS, row, mark, transform=edge, ha="right", va="center", size=12)
    value: dict[str, Any] = {"transform": edge, "ha": "right", "va": "center", "color": colour("ink")}
    axes.text(1 + (_RIGHT - 4) / _ACROSS, row, wording.decibels(arm.gap_db), **value)
    if math.isfinite(arm.real_gap_db):
        axes.plot(arm.real_gap_db, row, marker="|", ms=11, mew=2, color=colour("muted"), zorder=2.5)
    if math.isfinite(arm.gap_db):
        axes.errorbar(arm.gap_db, row, xerr=gap_error(arm), elinewidth=1.4, capsize=3, zorder=3, **look.marks)
