"""Whether a number that a report printed comes out again, and to how many digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zador.studies.design import Quoted

__all__ = ["Reproduction", "digits_alike", "printed_digits", "reproduce"]

_MOST = 17
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Reproduction:
    """A printed number beside ours.

    Attributes:
        quoted: what was printed.
        ours: with the same seed, or the mean over the same seeds; None if one was not run, NaN if one gave no number.
        alike: significant digits to which they agree.
        digits: significant digits that were printed.
    """

    quoted: Quoted
    ours: float | None
    alike: int
    digits: int

    @property
    def whole(self) -> bool:
        """Whether ours rounds to what was printed."""
        return self.ours is not None and self.alike == self.digits


def reproduce(quoted: Quoted, ours: float | None) -> Reproduction:
    """Return `quoted` beside what we got with its seed, or seeds."""
    digits = printed_digits(quoted.value)
    alike = 0 if ours is None or not math.isfinite(ours) else digits_alike(quoted.value, ours, digits)
    return Reproduction(quoted, ours, alike, digits)


def printed_digits(value: float) -> int:
    """Return the number of significant digits in which a number was printed; final zeros after the point are lost.

    >>> printed_digits(2.4513), printed_digits(428e9), printed_digits(0.0)
    (5, 3, 1)
    """
    if not math.isfinite(value) or value == 0:
        return 1
    return min(_MOST, len(Decimal(repr(value)).normalize().as_tuple().digits))


def digits_alike(printed: float, ours: float, digits: int) -> int:
    """Return the largest k ≤ `digits` with |ours - printed| at most half a unit of the k-th significant digit of `printed`.

    >>> digits_alike(2.4513, 2.45128, 5), digits_alike(2.4513, 2.4538, 5), digits_alike(2.4513, 24.0, 5)
    (5, 3, 0)
    """
    if not math.isfinite(printed):
        return 0
    first = math.floor(math.log10(abs(printed))) if printed else 0
    apart = abs(ours - printed) * (1 - _ROUNDING)
    return max((k for k in range(1, digits + 1) if apart <= 0.5 * 10.0 ** (first - k + 1)), default=0)
