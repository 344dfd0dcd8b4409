"""A point in the rate–distortion plane that knows its units."""

from __future__ import annotations

from dataclasses import dataclass

from zador.errors import UsageError
from zador.units import decibels, to_nats
from zador.validation import as_count

__all__ = ["RatePoint"]


@dataclass(frozen=True)
class RatePoint:
    """A rate in bits per vector, a squared error summed over coordinates, and where the pair comes from.

    Attributes:
        rate_bits: bits per vector.
        distortion: mean squared error, summed over coordinates, in squared units of the data.
        how: a few words on what the point is: `"Blahut–Arimoto, upper bound"`, `"measured"`.

    Raises:
        UsageError: rate or distortion is negative or NaN.

    >>> point = RatePoint(3.0, 1.75, "reverse water-filling")
    >>> print(point)
    3 bits per vector, squared error 1.75 (reverse water-filling)
    >>> point.per_dim(4)
    (0.75, 0.4375)
    """

    rate_bits: float
    distortion: float
    how: str

    def __post_init__(self) -> None:
        """Refuse what is no rate or no distortion."""
        for name, value in (("rate_bits", self.rate_bits), ("distortion", self.distortion)):
            if not value >= 0:
                raise UsageError(f"RatePoint: expected {name} of at least 0, got {value!r}")

    def __str__(self) -> str:
        """Return the pair in words, with its units."""
        return f"{self.rate_bits:.6g} bits per vector, squared error {self.distortion:.6g} ({self.how})"

    @property
    def rate_nats(self) -> float:
        """The rate in nats per vector."""
        return to_nats(self.rate_bits)

    def per_dim(self, dim: int) -> tuple[float, float]:
        """Return (bits, squared error) per coordinate of a `dim`-dimensional vector.

        Raises:
            UsageError: `dim` is not a whole number of at least 1.
        """
        count = as_count(dim, "dim")
        return self.rate_bits / count, self.distortion / count

    def gap_db(self, reference: float) -> float:
        """Return `10 log10(distortion / reference)` in decibels: how far above a reference distortion this point lies.

        >>> round(RatePoint(3.0, 2.0, "measured").gap_db(1.0), 2)
        3.01
        """
        if not reference > 0:
            raise UsageError(f"gap_db: expected a reference distortion above 0, got {reference!r}")
        return decibels(self.distortion / reference)
