"""A metric against the levels of the study's factor: by their numbers where labels end in such, one row each where not."""

from __future__ import annotations

import math
import re
from itertools import cycle, pairwise
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from zador.studies.page import wording
from zador.studies.page.svg import caption, colour, drawing, panel, picture, stand_in
from zador.studies.report.axes import DASHES, Reach, near, reach, scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes

    from zador.studies.design import Metric
    from zador.studies.page.looks import Look
    from zador.studies.report.results import Results

__all__ = ["FEWEST", "against_factor", "numbers_of"]

FEWEST = 3
"""Settings from which a picture says more than a table."""

_APART = 10
"""Ratio of the largest to the smallest number from which they make an axis."""
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 300, 52, 96, 32, 42
_ROWS_LEFT, _ROWS_RIGHT = 132, 14
_MARK_ROOM, _LEAST_ROW = 11, 32
_TEXT = 14
_ASIDE = 0.4
"""How far marks of one setting are moved apart, as a share of the air at the ends of the axis."""
_TICK_ROOM = 36
_LONGEST_ROW, _LONGEST_LIMIT = 19, 15
_RULE: dict[str, Any] = {"color": colour("line"), "lw": 0.6, "zorder": 0}


class _Point(NamedTuple):
    """One arm under one setting: where, how high, from where to where, and whether runs failed."""

    place: float
    value: float
    low: float
    high: float
    failed: bool


def numbers_of(settings: Sequence[str]) -> tuple[float, ...] | None:
    """Return the numbers that the labels end in, if they are different, positive, and span more than ten times.

    >>> numbers_of(["K = 8", "K = 32", "K = 1,024"])
    (8.0, 32.0, 1024.0)
    >>> numbers_of(["low", "high"]), numbers_of(["K = 8", "K = 9"])
    (None, None)
    """
    found = [re.search(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)\W*$", setting, re.IGNORECASE) for setting in settings]
    numbers = tuple(float(match[1].replace(",", "")) for match in found if match)
    if len(numbers) < len(settings) or len(set(numbers)) < len(numbers) or min(numbers) <= 0:
        return None
    return numbers if max(numbers) > _APART * min(numbers) else None


def against_factor(results: Results, metric: Metric, faces: Mapping[str, Look], *, prefix: str) -> str:
    """Return the picture of one metric under all settings, with limits; the numbers are those of the tables."""
    settings = results.settings(metric)
    numbers = numbers_of(settings)
    arms = {name: found for name in results.tried if (found := list(_points(results, metric, name, numbers)))}
    names = dict.fromkeys(arm.name for arm in results.design.arms if arm.limit)
    limits = {name: list(_points(results, metric, name, numbers)) for name in names}
    theory = sum(map(bool, limits.values()))
    drawn = [wording.count(len(arms), "arm"), *([wording.count(theory, "limit")] if theory else [])]
    label = (
        f"{metric.heading} under {wording.count(len(settings), 'setting')}, for {wording.listing(drawn)}; "
        "the numbers are in the tables."
    )
    measured = list(_ends(arms))
    shown = near({name: [point.value for point in points] for name, points in limits.items()}, measured)
    limits = {name: points if name in shown else [] for name, points in limits.items()}
    span = reach([*measured, *_ends(limits)])
    words: dict[str, str] = {}
    with drawing():
        if numbers is None:
            axes = _rows(settings, arms, limits, faces, span, words)
        else:
            axes = _numbered(numbers, arms, limits, faces, span, words)
        mark = stand_in(len(words))
        words[mark] = f"{metric.heading}{' (log scale)' if span.logarithmic else ''}"
        caption(axes, mark)
        return picture(axes, prefix=prefix, label=label, words=words)


def _points(results: Results, metric: Metric, arm: str, numbers: tuple[float, ...] | None) -> Iterator[_Point]:
    for row, setting in enumerate(results.settings(metric)):
        sample = results.samples.get((setting, arm, metric.name))
        if sample is None:
            continue
        place, average = float(row if numbers is None else numbers[row]), sample.average
        if average is None:
            yield _Point(place, sample.only, math.nan, math.nan, (setting, arm) in results.failed)
        else:
            yield _Point(place, average.centre, average.low, average.high, average.failures > 0)


def _ends(group: Mapping[str, Sequence[_Point]]) -> Iterator[float]:
    for points in group.values():
        for point in points:
            yield point.value
            if not point.failed:
                yield from (point.low, point.high)


def _numbered(
    numbers: tuple[float, ...],
    arms: Mapping[str, Sequence[_Point]],
    limits: Mapping[str, Sequence[_Point]],
    faces: Mapping[str, Look],
    span: Reach,
    words: dict[str, str],
) -> Axes:
    """Draw one line an arm over a logarithmic axis of settings."""
    axes = panel(_HEIGHT, left=_LEFT, right=_RIGHT if any(limits.values()) else 14, top=_TOP, bottom=_BOTTOM)
    axes.set_xscale("log")
    air = (max(numbers) / min(numbers)) ** 0.05
    axes.set_xlim(min(numbers) / air, max(numbers) * air)
    _label_numbers(axes, numbers)
    scale(axes.yaxis, span)
    axes.grid(axis="y")
    for points, dash in zip(limits.values(), cycle(DASHES), strict=False):
        ordered = sorted(points)
        places, values = [point.place for point in ordered], [point.value for point in ordered]
        axes.plot(places, values, color=colour("bound"), lw=1.4, dashes=dash, zorder=2)
    _name_limits(axes, limits, span, words)
    for place, (name, points) in enumerate(arms.items()):
        aside = air ** (_ASIDE * (place / max(1, len(arms) - 1) - 0.5))
        moved = [point._replace(place=point.place * aside) for point in sorted(points)]
        _draw(axes, moved, faces[name], span, upright=True, line=0.9)
    return axes


def _label_numbers(axes: Axes, numbers: Sequence[float]) -> None:
    """Mark every number, and write beside the marks as many as fit, the first and the last for certain."""
    ordered = sorted(numbers)
    across = [axes.transData.transform((number, 1))[0] for number in ordered]
    kept = [0]
    for place in range(1, len(ordered) - 1):
        if across[place] - across[kept[-1]] >= _TICK_ROOM and across[-1] - across[place] >= _TICK_ROOM:
            kept.append(place)
    shown = {ordered[place] for place in (*kept, len(ordered) - 1)}
    axes.xaxis.set_major_locator(FixedLocator(ordered))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value) if value in shown else ""))


def _name_limits(axes: Axes, limits: Mapping[str, Sequence[_Point]], span: Reach, words: dict[str, str]) -> None:
    """Write the name of each limit at the right of its end, one above the other where they are close."""
    ends = sorted((max(points).value, name) for name, points in limits.items() if points)
    above = -math.inf
    for value, name in ends:
        if not math.isfinite(value):
            continue
        at = max(axes.transData.transform((1, min(max(value, span.low), span.high)))[1], above)
        above = at + _TEXT
        mark = stand_in(len(words))
        words[mark] = name if len(name) <= _LONGEST_LIMIT else f"{name[: _LONGEST_LIMIT - 1]}…"
        across, up = axes.transAxes.inverted().transform((axes.bbox.x1, at))
        axes.text(across + 0.012, up, mark, transform=axes.transAxes, va="center", size=11, color=colour("ink"))


def _rows(
    settings: Sequence[str],
    arms: Mapping[str, Sequence[_Point]],
    limits: Mapping[str, Sequence[_Point]],
    faces: Mapping[str, Look],
    span: Reach,
    words: dict[str, str],
) -> Axes:
    """Draw one row a setting, the arms in it one below the other, limits as ticks across the row."""
    each = max(_LEAST_ROW, _MARK_ROOM * len(arms) + 8)
    height = _TOP + each * len(settings) + _BOTTOM
    axes = panel(height, left=_ROWS_LEFT, right=_ROWS_RIGHT, top=_TOP, bottom=_BOTTOM)
    axes.set_ylim(len(settings) - 0.5, -0.5)
    scale(axes.xaxis, span)
    axes.grid(axis="x")
    axes.set_yticks([])
    axes.hlines([row + 0.5 for row in range(len(settings) - 1)], 0, 1, transform=axes.get_yaxis_transform(), **_RULE)
    for row, setting in enumerate(settings):
        lines = wrap(setting, _LONGEST_ROW, max_lines=each // _TEXT, placeholder="…")
        for line, text in enumerate(lines):
            mark = stand_in(len(words))
            words[mark] = text
            at = row + (line - (len(lines) - 1) / 2) * _TEXT / each
            axes.text(-0.03, at, mark, transform=axes.get_yaxis_transform(), ha="right", va="center", size=11.5)
    for points, dash in zip(limits.values(), cycle(DASHES), strict=False):
        for point in points:
            if math.isfinite(point.value):
                ends = ([point.value] * 2, [point.place - 0.5, point.place + 0.5])
                axes.plot(*ends, color=colour("bound"), lw=1.4, dashes=dash, zorder=2)
    for place, (name, points) in enumerate(arms.items()):
        aside = (place - (len(arms) - 1) / 2) * _MARK_ROOM / each
        moved = [point._replace(place=point.place + aside) for point in points]
        _draw(axes, moved, faces[name], span, upright=False, line=0)
    return axes


def _draw(axes: Axes, points: Sequence[_Point], look: Look, span: Reach, *, upright: bool, line: float) -> None:
    """Draw marks with their intervals; a cross at the edge where the value is beyond it, as with runs that failed."""
    inside = [point for point in points if math.isfinite(point.value)]
    ink = colour(look.role)
    places, values = [point.place for point in inside], [point.value for point in inside]
    if line:
        for one, other in pairwise(points):
            if math.isfinite(one.value + other.value):
                axes.plot([one.place, other.place], [one.value, other.value], color=ink, lw=line, zorder=2.5)
    bars = [[_bar(p.value - p.low) for p in inside], [_bar(p.high - p.value) for p in inside]]
    marks: dict[str, Any] = look.marks | {"markersize": 6 * look.size, "ls": "none", "zorder": 3, "elinewidth": 1.2}
    if upright:
        axes.errorbar(places, values, yerr=bars, **marks)
    else:
        axes.errorbar(values, places, xerr=bars, **marks)
    for point in points:
        if math.isinf(point.value):
            edge = span.high if point.value > 0 else span.low
            at = (point.place, edge) if upright else (edge, point.place)
            axes.plot(*at, marker="x", ms=7, mew=1.8, color=ink, zorder=4, clip_on=False)


def _bar(length: float) -> float:
    return length if math.isfinite(length) else 0.0
