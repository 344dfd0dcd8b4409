"""A lower bound on the distortion of every codebook of K points, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from zador.errors import UsageError

__all__ = ["KPointBound"]


@dataclass(frozen=True)
class KPointBound:
    """No codebook of K points has a mean squared error below `distortion`, provided that the bound is certified.

    Attributes:
        distortion: the lower bound, squared error summed over coordinates, in squared units of the data.
        certified: whether every supremum behind it was enclosed, to rounding and to the quadrature error that was
            subtracted. A bound that is not certified is an estimate of one, and may lie above a codebook.
        how: a few words on where the number comes from: `"radial prices, linear programme"`, `"Shannon"`.
        standard_error: of `distortion`, where it is a mean over samples; 0 where it is not.

    Raises:
        UsageError: distortion or standard error is negative or NaN.

    >>> print(KPointBound(1.3385, True, "radial prices"))
    squared error at least 1.3385 (radial prices, certified)
    """

    distortion: float
    certified: bool
    how: str
    standard_error: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no squared error."""
        for name, value in (("distortion", self.distortion), ("standard_error", self.standard_error)):
            if not value >= 0:
                raise UsageError(f"KPointBound: expected {name} of at least 0, got {value!r}")

    def __str__(self) -> str:
        """Return the bound in words."""
        spread = f" ± {self.standard_error:.2g}" if self.standard_error else ""
        trust = "certified" if self.certified else "not certified"
        return f"squared error at least {self.distortion:.6g}{spread} ({self.how}, {trust})"
