"""Sentences of verdicts, from numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.claims.prediction import Differs, Equal, Level
    from zador.studies.claims.runs import Cell
    from zador.studies.statistics import Difference

__all__ = [
    "of_claimed",
    "of_difference",
    "of_failures",
    "of_level",
    "of_margin",
    "of_p",
    "of_runs_outside",
    "percent",
]


def percent(share: float, digits: int = 3) -> str:
    """Return a share in percent, with three significant digits.

    >>> percent(0.01684), percent(0.0001), percent(14.2), percent(0.01675, 4)
    ('1.68 %', '0.01 %', '1,420 %', '1.675 %')
    """
    value = 100 * share
    places = 0 if value == 0 or not math.isfinite(value) else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + " %"


def of_p(p: float) -> str:
    """Return "p = ..." as it should be read: nothing below 0.0001 is told apart.

    >>> of_p(0.0312), of_p(1e-9)
    ('p = 0.031', 'p < 0.0001')
    """
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"  # noqa: PLR2004 - as said


def of_difference(metric: str, one: Cell, two: Cell, ours: Difference) -> str:
    """Return what two cells differ by, in percent and in the metric's own unit, with interval and seeds."""
    if ours.failures:
        return (
            f"{metric}: {ours.failures_a} of {ours.n} runs of {one} failed and {ours.failures_b} of {two}; "
            f"median difference {_number(ours.median)}, interval {_number(ours.low)} to {_number(ours.high)}"
        )
    word = "lower" if ours.mean < 0 else "higher"
    if ours.mean == 0:
        size = "equal to"
    elif math.isnan(ours.relative):
        size = f"{_number(abs(ours.mean))} {word} than"
    else:
        size = f"{percent(abs(ours.relative))} {word} than"
    spread = "one seed" if ours.n == 1 else f"95 % interval {_signed(ours.low)} to {_signed(ours.high)}, {ours.n} seeds"
    return f"{metric} of {one} is {size} that of {two} ({_signed(ours.mean)}, {spread})"


def of_claimed(prediction: Differs) -> str:
    """Return the claimed size, or nothing where none was claimed."""
    if prediction.relative:
        low, high = prediction.relative
        return f"; claimed {_between(percent(low, 4), percent(high, 4))} {prediction.direction}"
    if prediction.absolute:
        low, high = prediction.absolute
        return f"; claimed {_between(_number(low), _number(high))} {prediction.direction}"
    return ""


def of_margin(prediction: Equal) -> str:
    """Return the claimed margin."""
    margin = percent(prediction.relative, 4) if prediction.relative is not None else _number(prediction.absolute or 0.0)
    return f"; claimed within {margin}"


def of_level(prediction: Level, cell: Cell, values: NDArray[np.float64]) -> str:
    """Return the mean of a cell beside the bounds claimed."""
    failed = int((~np.isfinite(values)).sum())
    mean = f"{failed} of {len(values)} runs failed" if failed else f"{_number(float(values.mean()))} on average"
    spread = "" if failed or len(values) == 1 else f", s.d. {_number(float(values.std(ddof=1)))}"
    return f"{prediction.metric} of {cell} is {mean} ({_seeds(len(values))}{spread}); claimed {_bounds(prediction)}"


def of_runs_outside(prediction: Level, cell: Cell, values: NDArray[np.float64], outside: int) -> str:
    """Return how many runs of a cell keep within the bounds claimed for each of them, and how far they go."""
    finite = values[np.isfinite(values)]
    low, high = (_number(float(end)) for end in (finite.min(), finite.max())) if len(finite) else ("none", "none")
    reach = f"is {low}" if low == high else f"goes from {low} to {high}"
    count = f"{len(values) - outside} of {len(values)} runs keep to the claimed {_bounds(prediction)}"
    return f"{prediction.metric} of {cell} {reach}: {count}"


def of_failures(cell: Cell, count: int, seeds: int) -> str:
    """Return how many runs of a cell diverged."""
    return f"{count} of {seeds} runs of {cell} diverged"


def _seeds(count: int) -> str:
    return "one seed" if count == 1 else f"{count} seeds"


def _bounds(prediction: Level) -> str:
    low, high = prediction.at_least, prediction.at_most
    if low is not None and high is not None:
        return _between(_number(low), _number(high))
    return f"at least {_number(low)}" if low is not None else f"at most {_number(high or 0.0)}"


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    return (
        f"{value:.4g}".replace("-", "−") if math.isfinite(value) else ("−∞" if value < 0 else "∞" if value > 0 else "none")
    )


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + _number(value)
