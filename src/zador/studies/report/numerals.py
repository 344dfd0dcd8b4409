"""Numbers of a study as text: as many decimals as its metric has, more for small differences, fewer where it is vast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zador.studies.page import wording
from zador.studies.statistics import CEILING

if TYPE_CHECKING:
    from zador.studies.report.results import Contrast, Sample

__all__ = ["centre", "half", "interval", "measured", "more_seeds", "p_value", "share", "signed", "standardised"]

_VAST = 1e6
_LEAST_P = 1e-4
_MOST_DECIMALS = 12


def measured(value: float, decimals: int) -> str:
    """Return a value with its decimals, from a million on with an exponent.

    >>> measured(2.45128, 4), measured(428_785_992_020.0, 4), measured(float("inf"), 4)
    ('2.4513', '4.288e+11', '∞')
    """
    if math.isfinite(value) and abs(value) >= _VAST:
        return f"{value:.3e}".replace("-", "−")
    return wording.number(value, decimals)


def centre(sample: Sample, decimals: int) -> str:
    """Return what a sample gives on average: its mean, its median if runs failed, its only value if there is one."""
    average = sample.average
    if average is None:
        return measured(sample.only, decimals)
    return f"median {measured(average.median, decimals)}" if average.failures else measured(average.mean, decimals)


def half(sample: Sample, decimals: int) -> str:
    """Return half the width of a sample's interval with one digit at least; empty where there is none."""
    average = sample.average
    if average is None or not math.isfinite(average.high - average.low):
        return ""
    width = (average.high - average.low) / 2
    return measured(width, decimals if width == 0 else max(decimals, _first_digit(width)))


def signed(contrast: Contrast, decimals: int) -> str:
    """Return a difference with its sign."""
    return _sign(contrast.difference.effect, _decimals(contrast, decimals))


def interval(contrast: Contrast, decimals: int) -> str:
    """Return the interval of a difference; a dash where a single seed gives none."""
    found = contrast.difference
    if math.isnan(found.low) or math.isnan(found.high):
        return "–"
    places = _decimals(contrast, decimals)
    return f"{_sign(found.low, places)} to {_sign(found.high, places)}"


def share(value: float) -> str:
    r"""Return a relative difference in percent with its sign; nothing where there is none.

    >>> share(0.0123), share(-0.00034), share(float("nan"))
    ('+1.2\xa0%', '−0.034\xa0%', '–')
    """
    if not math.isfinite(value):
        return "–"
    percent = 100 * value
    decimals = 0 if abs(percent) >= 9.95 or not percent else min(max(1, _first_digit(percent) + 1), 4)  # noqa: PLR2004
    return f"{_sign(percent, decimals)}\N{NO-BREAK SPACE}%"


def p_value(p: float) -> str:
    r"""Return a p-value in two digits.

    >>> p_value(0.0312), p_value(2e-6), p_value(1.0), p_value(float("nan"))
    ('0.031', '<\xa00.0001', '1', '–')
    """
    if math.isnan(p):
        return "–"
    if p < _LEAST_P:
        return f"<\N{NO-BREAK SPACE}{_LEAST_P:.4f}"
    return f"{p:.2g}" if p < 0.995 else "1"  # noqa: PLR2004 - prints as 1


def standardised(value: float) -> str:
    """Return a standardised effect: two digits after the point below 10, none above."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return "–" if math.isnan(value) else _sign(value, 2 if abs(value) < 10 else 0)  # noqa: PLR2004 - digits worth having


def more_seeds(needed: int | None) -> str:
    """Return how many seeds would do.

    >>> more_seeds(45), more_seeds(10_001), more_seeds(None)
    ('about 45 seeds', 'more than 10,000 seeds', 'more than one seed')
    """
    if needed is None:
        return "more than one seed"
    return f"more than {CEILING:,} seeds" if needed > CEILING else f"about {needed:,} seeds"


def _sign(value: float, decimals: int) -> str:
    text = measured(value, decimals)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def _decimals(contrast: Contrast, decimals: int) -> int:
    """Two digits of half the interval, or of the difference where there is no interval, and no fewer than the metric has."""
    found = contrast.difference
    width = (found.high - found.low) / 2
    scale = width if math.isfinite(width) and width > 0 else abs(found.effect)
    return max(decimals, _first_digit(scale) + 1) if math.isfinite(scale) and scale > 0 else decimals


def _first_digit(value: float) -> int:
    """Return the decimals that the first digit of `value` needs."""
    return min(_MOST_DECIMALS, max(0, -math.floor(math.log10(abs(value)))))
