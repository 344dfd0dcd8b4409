"""Numbers as a reader likes them: aligned in their column, no more digits than the measurement carries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "bits",
    "called",
    "column",
    "compact",
    "count",
    "decibels",
    "listing",
    "more",
    "number",
    "percent",
    "rate",
    "seconds",
    "short",
    "significant",
    "unbroken",
]

_MINUS = "−"
_LARGE, _SMALL = 1e7, 1e-3
_MOST_DECIMALS = 6


def number(value: float, decimals: int) -> str:
    """Return `value` with so many decimals, thousands apart, and a real minus sign.

    >>> number(-1437.26, 1)
    '−1,437.3'
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else f"{_MINUS}∞")
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def column(values: Sequence[float], errors: Sequence[float] = ()) -> list[str]:
    """Return the values of one column with one number of decimals: two digits of the smallest error, else four in all.

    What would take more than six decimals is written with exponents.

    >>> column([512.345, 98.7654], [9.1, 2.34])
    ['512.3', '98.8']
    """
    scale = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = _decimals(scale, errors)
    if scale >= _LARGE or 0 < scale < _SMALL or decimals > _MOST_DECIMALS:
        return [f"{v:.3e}".replace("-", _MINUS) if v and math.isfinite(v) else number(v, 0) for v in values]
    return [number(value, decimals) for value in values]


def _decimals(scale: float, errors: Sequence[float]) -> int:
    smallest = min((error for error in errors if error > 0 and math.isfinite(error)), default=0.0)
    digits = 1 - math.floor(math.log10(smallest)) if smallest else 3 - math.floor(math.log10(scale or 1.0))
    return max(digits, 0)


def bits(rate: float) -> str:
    """Return a rate without needless digits: `'6'`, `'6.644'`."""
    return f"{rate:.4g}".replace("-", _MINUS)


def rate(value: float) -> str:
    """Return a rate with its unit: `'1 bit'`, `'6 bits'`."""
    return f"{bits(value)}\N{NO-BREAK SPACE}{'bit' if bits(value) == '1' else 'bits'}"


def short(value: float) -> str:
    """Return a number in three digits: `'−2.4'`."""
    return f"{value:.3g}".replace("-", _MINUS)


def compact(value: float) -> str:
    """Return a number short enough for an axis.

    >>> compact(250_000.0), compact(7.5), compact(1_500_000), compact(2e-6)
    ('250k', '7.5', '1.5M', '2e−6')
    """
    if 0 < abs(value) < _SMALL:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}".replace("-", _MINUS)
    for least, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / unit:.4g}{letter}".replace("-", _MINUS)
    return f"{value:.4g}".replace("-", _MINUS)


def decibels(gap: float) -> str:
    """Return a gap with its sign and two decimals.

    >>> decibels(-0.1), decibels(0.004)
    ('−0.10', '0.00')
    """
    text = number(gap, 2)
    return f"+{text}" if gap > 0 and text != "0.00" else text


def percent(share: float) -> str:
    """Return a share in percent: one decimal below ten, none above.

    >>> print(percent(0.0321), percent(0.15), sep=", ")
    3.2 %, 15 %
    """
    value = 100 * share
    return f"{number(value, 1 if abs(value) < 9.95 else 0)}\N{NO-BREAK SPACE}%"  # noqa: PLR2004 - 9.95 prints as 10


def seconds(time: float) -> str:
    """Return a duration with the unit: `'0.02 s'`, `'12 s'`, `'3.4 min'`."""
    if time < 0.01:  # noqa: PLR2004 - the last one said
        return "under 0.01\N{NO-BREAK SPACE}s"
    if time < 10:  # noqa: PLR2004 - below it, hundredths matter
        return f"{time:.2f}\N{NO-BREAK SPACE}s"
    return f"{time:.0f}\N{NO-BREAK SPACE}s" if time < 100 else f"{time / 60:.1f}\N{NO-BREAK SPACE}min"  # noqa: PLR2004


def count(amount: int, noun: str) -> str:
    """Return `'1 codeword'`, `'1,024 codewords'`."""
    return f"{amount:,}\N{NO-BREAK SPACE}{noun}{'' if amount == 1 else 's'}"


def unbroken(alphabets: str) -> str:
    """Return alphabets, such as `'8 × 256, 4'`, to be broken between groups only."""
    return alphabets.replace(" × ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}")


def listing(words: Sequence[str], most: int = 3) -> str:
    """Return the words as a reader would say them, a tail of two and more counted.

    >>> listing(["a", "b", "c", "d"]), listing(["a", "b", "c", "d", "e"])
    ('a, b, c and d', 'a, b, c and 2 more')
    """
    shown = list(words) if len(words) <= most + 1 else [*words[:most], f"{len(words) - most} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def called(name: str) -> str:
    """Return a name fit for a sentence: one that holds a comma stands in quotes.

    >>> called("product"), called("residual, greedy")
    ('product', '“residual, greedy”')
    """
    return f"“{name}”" if "," in name else name


def more(ratio: float) -> str:
    """Return a ratio of errors above 1 in words: `'15 % more error'`, from three on `'46 times the error'`."""
    if ratio < 3:  # noqa: PLR2004 - beyond, percents become hard to read
        return f"{percent(ratio - 1)} more error"
    return f"{number(ratio, 0 if ratio >= 10 else 1)} times the error"  # noqa: PLR2004 - two digits


def significant(value: float) -> str:
    """Return a number in four digits at least, with thousands apart.

    >>> significant(1_396_698.2), significant(9.0785), significant(2.616e-6)
    ('1,396,698', '9.079', '2.616e−06')
    """
    return column([value])[0]
