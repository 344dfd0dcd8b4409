"""A metric along the runs, one picture a setting: lines are means over seeds, bands their intervals."""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from zador.studies.page import wording
from zador.studies.page.svg import WIDTH, colour, drawing, panel, picture, stand_in
from zador.studies.report.axes import DASHES, near, reach, scale

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from zador.studies.page.looks import Look
    from zador.studies.report.axes import Reach
    from zador.studies.report.bands import Band

__all__ = ["curves"]

_HEIGHT = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 32, 40
_MARKS = 6
"""Marks along a line: enough to follow it without colour."""
_MOST_LOST = 5
"""Failed runs that are drawn, of each arm."""
_LINE = 15
_LONGEST = 44
_END_ROOM = 2
"""Room at the right for an arm without a curve, in paddings of the horizontal axis."""
_ROOM = 0.08
"""Share of the height that the name of the lowest limit takes below its line."""


def curves(
    found: Sequence[Band], limits: Mapping[str, float], faces: Mapping[str, Look], *, title: str, prefix: str, label: str
) -> str:
    """Return bands as one picture.

    Args:
        found: the curves of one metric under one setting.
        limits: name to height of what theory says, drawn as lines across.
        faces: how arms look.
        title: what stands above the picture: the setting, or the metric.
        prefix: unique in the page.
        label: what the picture shows, for those who do not see it.
    """
    words: dict[str, str] = {}
    with drawing():
        axes = panel(_HEIGHT, left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM)
        measured = list(_heights(found))
        shown = near({name: [height] for name, height in limits.items()}, measured)
        span = reach([*measured, *(limits[name] for name in shown)], below=_ROOM if limits else 0.0)
        scale(axes.yaxis, span)
        _steps(axes, found)
        alpha = min(0.2, 0.5 / max(1, sum(band.runs > 1 for band in found)))
        for band in found:
            _line(axes, band, faces[band.arm], alpha)
            _lost(axes, band, faces[band.arm], span)
        _ends(axes, [band for band in found if band.end], faces)
        _limits(axes, limits, shown, words)
        _away(axes, {name: height for name, height in limits.items() if name not in shown}, span, words)
        mark = stand_in(len(words))
        words[mark] = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"
        axes.figure.text(4 / WIDTH, 1 - 16 / _HEIGHT, mark, color=colour("ink"), weight="bold")
        axes.set_xlabel("step", labelpad=4)
        axes.grid(axis="y")
        return picture(axes, prefix=prefix, label=label, words=words)


def _heights(found: Sequence[Band]) -> Iterator[float]:
    """Yield what has to be seen: runs that were finished; runs that failed only where nothing else is."""
    whole = [band for band in found if band.runs]
    for band in found:
        yield from (value for value in band.end or () if math.isfinite(value))
    for band in whole:
        for values in (band.mean, band.low, band.high):
            yield from values[np.isfinite(values)].tolist()
    if not whole:
        for band in found:
            for _, values in band.lost[:_MOST_LOST]:
                yield from values.tolist()


def _steps(axes: Axes, found: Sequence[Band]) -> None:
    ends = [float(steps[-1]) for band in found for steps in (band.steps, *(s for s, _ in band.lost)) if len(steps)]
    starts = [float(steps[0]) for band in found for steps in (band.steps, *(s for s, _ in band.lost)) if len(steps)]
    low, high = min(starts, default=0.0), max(ends, default=1.0)
    pad = 0.02 * (high - low) or 0.5
    axes.set_xlim(low - pad, high + pad * (1 + _END_ROOM * sum(band.end is not None for band in found)))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value)))


def _line(axes: Axes, band: Band, look: Look, alpha: float) -> None:
    if not band.runs:
        return
    ink = colour(look.role)
    known = np.isfinite(band.low)
    if known.any():
        axes.fill_between(band.steps, band.low, band.high, where=known, color=ink, alpha=alpha, lw=0, zorder=2)
    every = max(1, math.ceil(len(band.steps) / _MARKS))
    marks = look.marks | {"markersize": 5.5 * look.size}
    axes.plot(band.steps, band.mean, lw=1.4, markevery=every, zorder=3, **marks)


def _ends(axes: Axes, found: Sequence[Band], faces: Mapping[str, Look]) -> None:
    """Draw arms without a curve at the right, beside each other."""
    low, high = axes.get_xlim()
    step = _END_ROOM * 0.02 / (1.04 + _END_ROOM * 0.02 * len(found)) * (high - low)
    for place, band in enumerate(found):
        value, least, most = band.end or (math.nan,) * 3
        bars = [[value - least], [most - value]] if math.isfinite(most - least) else None
        marks = faces[band.arm].marks | {"markersize": 5.5 * faces[band.arm].size}
        axes.errorbar(high - step * (len(found) - place - 0.5), value, yerr=bars, elinewidth=1.2, zorder=3, **marks)


def _lost(axes: Axes, band: Band, look: Look, span: Reach) -> None:
    """Draw failed runs dotted, and a cross where each leaves the picture or ends."""
    for steps, values in band.lost[:_MOST_LOST]:
        if not len(steps):
            continue
        way = _inside(steps.astype(np.float64), values, span)
        axes.plot(*way, color=colour(look.role), lw=1, ls=":", zorder=2.5)
        axes.plot(way[0][-1], way[1][-1], marker="x", ms=7, mew=1.8, color=colour(look.role), zorder=4, clip_on=False)


def _inside(
    steps: NDArray[np.float64], values: NDArray[np.float64], span: Reach
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a line up to where it first crosses an edge of the picture."""
    beyond = np.flatnonzero((values > span.high) | (values < span.low))
    if not len(beyond):
        return steps, values
    end = int(beyond[0])
    edge = span.high if values[end] > span.high else span.low
    if end == 0:
        return steps[:1], np.array([edge])
    height = np.log if span.logarithmic else np.asarray
    before, after, at = (float(height(value)) for value in (values[end - 1], max(values[end], span.low), edge))
    share = (at - before) / (after - before)
    crossing = steps[end - 1] + share * (steps[end] - steps[end - 1])
    return np.append(steps[:end], crossing), np.append(values[:end], edge)


def _limits(axes: Axes, limits: Mapping[str, float], shown: Collection[str], words: dict[str, str]) -> None:
    """Draw what theory says across, each line with its name at the right: below it, above where another one is close."""
    dashes = dict(zip(limits, cycle(DASHES), strict=False))
    crowded = any(height < axes.get_ylim()[0] for name, height in limits.items() if name not in shown)
    below = axes.bbox.y0 + _LINE if crowded else -math.inf
    for name, height in sorted(limits.items(), key=lambda pair: pair[1]):
        if name not in shown:
            continue
        axes.axhline(height, color=colour("bound"), lw=1.2, dashes=dashes[name], zorder=1.8)
        mark = stand_in(len(words))
        words[mark] = name
        at = axes.transData.transform((0, height))[1]
        over = at - below < _LINE + 3
        inverse = axes.transAxes.inverted().transform((0, at + (3 if over else -3)))[1]
        ink: dict[str, Any] = {"size": 11, "color": colour("ink"), "transform": axes.transAxes}
        axes.text(0.995, inverse, mark, ha="right", va="bottom" if over else "top", **ink)
        below = at + (_LINE if over else 0)


def _away(axes: Axes, limits: Mapping[str, float], span: Reach, words: dict[str, str]) -> None:
    """Say where limits are that the picture leaves out: in its corners, with the way to them."""
    for under in (True, False):
        there = [(height, name) for name, height in limits.items() if (height < span.low) == under and math.isfinite(height)]
        if not there:
            continue
        mark = stand_in(len(words))
        words[mark] = f"{'↓' if under else '↑'} " + ", ".join(
            f"{name} {wording.compact(height)}" for height, name in sorted(there, reverse=under)
        )
        at = (0.0, 3) if under else (1.0, -3)
        axes.annotate(
            mark, (0.995, at[0]), (0, at[1]), "axes fraction", "offset pixels",
            ha="right", va="bottom" if under else "top", size=11, color=colour("ink"), annotation_clip=False,
        )  # fmt: skip
