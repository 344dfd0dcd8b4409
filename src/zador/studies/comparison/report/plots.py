"""Errors against rates over the Gaussian D(R): pure functions from records to inline SVG; numbers first, then marks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zador.studies.page import wording
from zador.studies.page.looks import looks
from zador.studies.page.svg import caption, colour, drawing, panel, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from zador.studies.comparison.records import Arm, Comparison

__all__ = ["by_asked_rate", "by_real_bits", "frontier"]

_HEIGHT = 340
_WIDE_APART = 6
"""Ratio of rates from which they are drawn on a logarithmic axis: at 8 and 64 bits, a tenth of a bit counts at 8 only."""
_AWAY, _DIGIT, _LINE = 6, 10, 16
"""Pixels from a mark to its number, and what a digit takes across and a number down."""


def by_asked_rate(comparison: Comparison, *, prefix: str = "rate") -> str:
    """Return the held-out error of every arm at the rate asked for, ± one standard error, over the Gaussian D(R)."""
    rates = [arm.bits for arm in comparison.arms]
    methods = wording.count(len(comparison.coded), "method")
    label = (
        f"Error against the rate asked for. {methods} at rates from {wording.bits(min(rates))} to "
        f"{wording.bits(max(rates))} bits, with the Gaussian D(R) curve; the numbers are in the table of arms."
    )
    with drawing():
        axes = _panel(comparison, rates, "rate asked for, bits per vector")
        _draw(axes, comparison, lambda arm: arm.bits, line="-")
        return picture(axes, prefix=prefix, label=label)


def by_real_bits(comparison: Comparison, *, prefix: str = "real") -> str:
    """Return the held-out error of every arm at the bits of its file; a number at each arm of the `frontier`."""
    rates = [arm.real_bits for arm in comparison.arms]
    edge = frontier(comparison.arms)
    label = (
        f"Error against real bits. {wording.count(len(comparison.arms), 'arm')} from {wording.number(min(rates), 2)} to "
        f"{wording.number(max(rates), 2)} bits in a file, with the Gaussian D(R) curve. What no other arm undercuts in both "
        f"error and bits: {wording.listing([wording.called(arm.name) for arm in edge], most=3)}."
    )
    with drawing():
        axes = _panel(comparison, rates, "real bits per vector, in a file")
        _draw(axes, comparison, lambda arm: arm.real_bits, line="none")
        if len(comparison.arms) > 1:
            _number(axes, edge)
        return picture(axes, prefix=prefix, label=label)


def frontier(arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms that no other undercuts in both error and real bits, fewest bits first."""
    edge: list[Arm] = []
    for arm in sorted(arms, key=lambda arm: (arm.real_bits, arm.distortion)):
        if not edge or arm.distortion < edge[-1].distortion:
            edge.append(arm)
    return edge


def _panel(comparison: Comparison, rates: Sequence[float], title: str) -> Axes:
    """Return axes around `rates` and all errors, with the curve in them."""
    axes = panel(_HEIGHT)
    _scale_rates(axes, rates)
    low, high = axes.get_xlim()
    seen = (comparison.curve_bits >= low) & (comparison.curve_bits <= high)
    curve = comparison.curve_distortion[seen]
    axes.plot(comparison.curve_bits[seen], curve, color=colour("bound"), lw=2, zorder=2)
    _scale_errors(axes, np.concatenate([[arm.distortion for arm in comparison.arms], curve]).tolist())
    axes.set_xlabel(title, labelpad=5)
    axes.grid(axis="y")
    return axes


def _draw(axes: Axes, comparison: Comparison, rate: Callable[[Arm], float], *, line: str) -> None:
    """Draw the mark of every arm at its rate and error, ± one standard error, and lines between those of one method."""
    for name, look in looks(comparison.coded).items():
        arms = sorted((arm for arm in comparison.arms if arm.name == name), key=lambda arm: arm.bits)
        axes.errorbar(
            [rate(arm) for arm in arms],
            [arm.distortion for arm in arms],
            yerr=[arm.distortion_se for arm in arms],
            linestyle=line,
            linewidth=0.7,
            elinewidth=1.2,
            zorder=3,
            **look.marks,
        )


def _number(axes: Axes, edge: Sequence[Arm]) -> None:
    """Write 1, 2, … at the lower left of the marks, where by the meaning of the edge no other mark can be."""
    places = axes.transData.transform([(arm.real_bits, arm.distortion) for arm in edge]).tolist()
    for first, last in _apart(places):
        corner = edge[first].real_bits, edge[last].distortion
        axes.annotate(
            _numbers(first, last),
            corner,
            (-_AWAY, -_AWAY),
            textcoords="offset pixels",
            ha="right",
            va="top",
            color=colour("ink"),
            weight="bold",
        )


def _apart(places: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return runs of places, in pixels, from first to last: neighbours share a label where two would cover each other."""
    runs = [(place, place) for place in range(len(places))]
    while True:
        touching = next((i for i in range(len(runs) - 1) if _touch(places, runs[i], runs[i + 1])), None)
        if touching is None:
            return runs
        runs[touching : touching + 2] = [(runs[touching][0], runs[touching + 1][1])]


def _touch(places: Sequence[Sequence[float]], left: tuple[int, int], right: tuple[int, int]) -> bool:
    across = places[right[0]][0] - places[left[0]][0]
    down = places[left[1]][1] - places[right[1]][1]
    return across < _DIGIT * len(_numbers(*right)) and down < _LINE


def _numbers(first: int, last: int) -> str:
    return f"{first + 1}" if first == last else f"{first + 1}–{last + 1}"


def _scale_rates(axes: Axes, rates: Sequence[float]) -> None:
    low, high = min(rates), max(rates)
    if low > 0 and high / low >= _WIDE_APART:
        axes.set_xscale("log", base=2)
        pad = (high / low) ** 0.1
        axes.set_xlim(low / pad**1.5, high * pad)  # numbers stand left of marks
        few = high / low < 2 * _WIDE_APART
        axes.xaxis.set_major_locator(LogLocator(base=2, subs=(1.0, 1.5) if few else (1.0,)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.bits(value)))
        return
    pad = max(0.5 if high - low > 1 else 1.0, 0.12 * (high - low))  # two whole numbers at least
    axes.set_xlim(max(0.0, low - pad), high + pad)
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))


def _scale_errors(axes: Axes, values: Sequence[float]) -> None:
    """Equal ratios look equal, as in the gaps in dB; only a zero forces a linear axis."""
    low, high = min(values), max(values)
    compact = FuncFormatter(lambda value, _: wording.compact(value))
    unit = "squared error per vector, summed over coordinates"
    caption(axes, unit if low <= 0 else f"{unit} (log scale)")
    if low <= 0:
        axes.yaxis.set_major_formatter(compact)
        axes.set_ylim(-0.08 * high, 1.08 * high)
        return
    axes.set_yscale("log")
    pad = max(1.05, (high / low) ** 0.1)  # a tenth of the height: below the lowest mark stands its number
    axes.set_ylim(low / pad, high * pad)
    decades = math.log10(high / low)
    steps = LogLocator(subs=(1, 2, 5)) if decades < 3 else LogLocator(numticks=8)  # noqa: PLR2004 - as many as fit
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]) if decades < 1 else steps)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(compact)
