"""The arms of a comparison against the bound: pure functions from records to inline SVG; numbers first, then marks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zador.studies.report import wording
from zador.studies.report.svg import WIDTH, caption, colour, drawing, panel, picture, stand_in
from zador.studies.report.verdict import gap_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zador.studies.records import Arm, Comparison

__all__ = ["gaps", "glyph", "names", "rate_distortion"]

_MARKERS = "os^DvPX*<"
_SERIES = 8
_ROW, _GROUP = 20, 32
_LEFT, _RIGHT = 162, 50
_ACROSS = WIDTH - _LEFT - _RIGHT
_AROUND = 52
_LABEL_LENGTH = 22


def names(comparison: Comparison) -> list[str]:
    """Return the arms' names in table order; the position decides marker and colour everywhere in a report."""
    return list(dict.fromkeys(arm.name for arm in comparison.arms))


def _look(index: int) -> tuple[str, str]:
    return _MARKERS[index % len(_MARKERS)], colour(f"series-{index % _SERIES}")


def glyph(index: int) -> str:
    """Return the marker of the index-th arm as a small inline SVG, for legends and tables."""
    marker = MarkerStyle(_look(index)[0])
    outline = marker.get_path().transformed(marker.get_transform())
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    parts = [
        letters[code] + ("" if code == Path.CLOSEPOLY else " ".join(f"{10 * value:.2f}" for value in points))
        for points, code in outline.iter_segments()
    ]
    # SVG's y axis points down.
    return (
        f'<svg class="glyph" viewBox="-8 -8 16 16" aria-hidden="true"><path transform="scale(1 -1)" '
        f'fill="var(--series-{index % _SERIES})" d="{"".join(parts)}"/></svg>'
    )


def rate_distortion(comparison: Comparison, *, prefix: str = "rate") -> str:
    """Return the held-out error of every arm at its rate, with one standard error, over the Gaussian D(R)."""
    rates = [arm.bits for arm in comparison.arms]
    low, high = max(0.0, min(rates) - 1), max(rates) + 0.5
    seen = (comparison.curve_bits >= low) & (comparison.curve_bits <= high)
    label = (
        f"Error against rate. {wording.count(len(names(comparison)), 'arm')} at rates from {wording.bits(min(rates))} to "
        f"{wording.bits(max(rates))} bits, with the Gaussian D(R) curve; the numbers are in the table of arms."
    )
    with drawing():
        axes = panel(320)
        axes.plot(comparison.curve_bits[seen], comparison.curve_distortion[seen], color=colour("bound"), lw=2, zorder=2)
        for index, name in enumerate(names(comparison)):
            _draw_arm(axes, index, [arm for arm in comparison.arms if arm.name == name])
        axes.set_xlim(low, high)
        _scale_errors(axes, comparison, comparison.curve_distortion[seen])
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.set_xlabel("rate, bits per vector", labelpad=5)
        axes.grid(axis="y")
        return picture(axes, prefix=prefix, label=label)


def _draw_arm(axes: Axes, index: int, arms: list[Arm]) -> None:
    marker, ink = _look(index)
    arms = sorted(arms, key=lambda arm: arm.bits)
    axes.errorbar(
        [arm.bits for arm in arms],
        [arm.distortion for arm in arms],
        yerr=[arm.distortion_se for arm in arms],
        color=ink,
        marker=marker,
        markersize=7,
        markeredgewidth=0,
        linewidth=1,
        elinewidth=1.4,
        capsize=3,
        zorder=3,
    )


def _scale_errors(axes: Axes, comparison: Comparison, curve: NDArray[np.float64]) -> None:
    """Equal ratios look equal, as in the gaps in dB; only a zero forces a linear axis."""
    values = np.concatenate([[arm.distortion for arm in comparison.arms], curve])
    low, high = float(values.min()), float(values.max())
    compact = FuncFormatter(lambda value, _: wording.compact(value))
    unit = "squared error per vector, summed over coordinates"
    caption(axes, unit if low <= 0 else f"{unit} (log scale)")
    if low <= 0:
        axes.yaxis.set_major_formatter(compact)
        axes.set_ylim(-0.03 * high, 1.08 * high)
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.1, high * 1.1)
    one_decade = 10
    few = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]) if high / low < one_decade else LogLocator(subs=(1, 2, 5))
    axes.yaxis.set_major_locator(few)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(compact)


def gaps(comparison: Comparison, *, prefix: str = "gap") -> str:
    """Return the distance of every arm to the Gaussian D(R) in dB, one row an arm, best first within its rate."""
    rates = sorted({arm.bits for arm in comparison.arms})
    groups = [sorted((a for a in comparison.arms if a.bits == r), key=lambda a: a.distortion) for r in rates]
    height = _AROUND + sum(_GROUP + _ROW * len(group) for group in groups)
    low, high = _reach(comparison)
    best = min(comparison.arms, key=lambda arm: arm.gap_db)
    label = (
        f"Gap to the Gaussian D(R) in dB. The smallest is {wording.decibels(best.gap_db)} dB: {best.name} at "
        f"{wording.rate(best.bits)}; all are in the table of arms."
    )
    words: dict[str, str] = {}
    with drawing():
        axes = panel(height, left=_LEFT, right=_RIGHT, top=8, bottom=_AROUND - 8)
        axes.set_xlim(low, high)
        axes.set_ylim(height - _AROUND, 0)
        axes.axvline(0, color=colour("bound"), lw=2, zorder=2)
        depth = 0.0
        for group in groups:
            _draw_group(axes, group, depth, names(comparison), words)
            depth += _GROUP + _ROW * len(group)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.grid(axis="x")
        axes.set_xlabel("gap, dB (0 = Gaussian D(R); left is better)", labelpad=5, x=0.4)
        return picture(axes, prefix=prefix, label=label, words=words)


def _reach(comparison: Comparison) -> tuple[float, float]:
    """From the lowest to the highest finite gap with its error, the bound at 0 included, and some air."""
    gaps = [(arm.gap_db, gap_error(arm)) for arm in comparison.arms]
    ends = [0.0, *(end for gap, error in gaps for end in (gap, gap - error, gap + error) if math.isfinite(end))]
    pad = 0.06 * (max(ends) - min(ends)) or 1.0
    return min(ends) - pad, max(ends) + pad


def _draw_group(axes: Axes, group: list[Arm], depth: float, order: list[str], words: dict[str, str]) -> None:
    low, high = axes.get_xlim()
    edge = axes.get_yaxis_transform()
    axes.text(-152 / _ACROSS, depth + 15, wording.rate(group[0].bits), transform=edge, color=colour("ink"), weight="bold")
    for row, arm in enumerate(group):
        y = depth + _GROUP + _ROW * row
        mark = stand_in(len(words))
        words[mark] = arm.name if len(arm.name) <= _LABEL_LENGTH else arm.name[: _LABEL_LENGTH - 1] + "…"
        axes.text(-10 / _ACROSS, y, mark, transform=edge, ha="right", va="center")
        axes.text(
            1 + 48 / _ACROSS, y, wording.decibels(arm.gap_db), transform=edge, ha="right", va="center", color=colour("ink")
        )
        if math.isfinite(arm.gap_db):
            marker, ink = _look(order.index(arm.name))
            axes.hlines(y, low, high, color=colour("line"), lw=0.6, zorder=0)
            axes.errorbar(
                arm.gap_db,
                y,
                xerr=gap_error(arm),
                color=ink,
                marker=marker,
                ms=7,
                mew=0,
                elinewidth=1.4,
                capsize=3,
                zorder=3,
            )
