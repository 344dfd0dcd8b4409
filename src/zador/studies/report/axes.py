"""Axes of a study's pictures: a range that holds what was drawn, logarithmic where ratios are what differs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zador.studies.page import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["DASHES", "Reach", "near", "reach", "scale"]

DASHES = ((6, 0), (5, 2.5), (1.5, 1.5), (5, 2, 1.5, 2))
"""How the lines of limits are told apart, in the order in which the design lists them."""

_WIDE = 20
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_SQUEEZED = 3
"""How many times wider limits may make an axis than what was measured."""
_AIR = 0.07
"""Share of the range that is left free at either end."""


@dataclass(frozen=True)
class Reach:
    """From where to where an axis goes, and whether equal ratios are equally far apart on it."""

    low: float
    high: float
    logarithmic: bool


def reach(values: Iterable[float], *, below: float = 0.0) -> Reach:
    """Return the range of the finite values with some air; logarithmic if all are positive and they differ by 20 times.

    Args:
        values: what has to be seen.
        below: more air at the lower end, as a share of the range.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Reach(0.0, 1.0, logarithmic=False)
    low, high = min(finite), max(finite)
    if low > 0 and high / low >= _WIDE:
        ratio = high / low
        return Reach(low / ratio ** (_AIR + below), high * ratio**_AIR, logarithmic=True)
    width = high - low or 0.7 * abs(high) or 14.0
    return Reach(low - (_AIR + below) * width, high + _AIR * width, logarithmic=False)


def near(limits: Mapping[str, Sequence[float]], values: Iterable[float]) -> set[str]:
    """Return the names of the limits that can be drawn beside the values without making these take less than a third.

    The nearest limits are taken first. Ratios are what counts where the values themselves span a logarithmic axis.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return set(limits)
    low, high = min(finite), max(finite)
    logarithmic = reach(finite).logarithmic
    width = _apart(low, high, logarithmic=logarithmic) or 0.02 * abs(high) or 1.0
    return {
        name
        for name, heights in limits.items()
        if (known := [height for height in heights if math.isfinite(height) and (height > 0 or not logarithmic)])
        and _apart(min(low, *known), max(high, *known), logarithmic=logarithmic) <= _SQUEEZED * width
    }


def scale(axis: Axis, found: Reach) -> None:
    """Give an axis this range, few ticks, and short numbers."""
    axes: Axes = axis.axes
    upright = axis is axes.yaxis
    (axes.set_ylim if upright else axes.set_xlim)(found.low, found.high)
    axis.set_major_formatter(FuncFormatter(lambda value, _: wording.compact(value)))
    if not found.logarithmic:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        return
    (axes.set_yscale if upright else axes.set_xscale)("log")
    decades = math.log10(found.high / found.low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if decades < 2.5 else LogLocator(numticks=6))  # noqa: PLR2004
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))


def _apart(low: float, high: float, *, logarithmic: bool) -> float:
    return math.log(high / low) if logarithmic else high - low


def _power(value: float) -> str:
    """Return what fits beside an axis: `'1e+11'` from a billion on."""
    return wording.compact(value) if abs(value) < 1e9 else f"{value:.0e}".replace("e+0", "e+").replace("e+", "e")  # noqa: PLR2004
