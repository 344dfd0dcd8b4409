"""What a measured distortion and its limits should make one suspicious of, in one line each.

A measurement below a proven floor is never a good codebook: it is a mean over coordinates compared with a sum, a floor for
other units, or vectors that the codebook was fitted to. All functions return a tuple of lines, empty when all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.theory.kpoint.bound import KPointBound

__all__ = ["floor_warnings", "measured_warnings", "sample_warnings"]

_SIGMAS = 2.0
_PER_DIM = 10  # vectors per dimension, below which eigenvalues of a sample covariance spread visibly


def measured_warnings(measured: float, *, floor: float, dim: int, standard_error: float = 0.0) -> tuple[str, ...]:
    """Return what is wrong with a measured distortion below a floor: `measured + 2 standard_error < floor`.

    Args:
        measured: mean squared error, meant to be summed over coordinates.
        floor: what no codebook of this size goes below, with whatever the encoder loses in it; squared error, summed.
        dim: number D of coordinates; if D times the measurement is no longer below the floor, it may be a mean over them.
        standard_error: of `measured`; NaN, from a single vector, says that nothing is known.

    Raises:
        UsageError: a distortion is negative or NaN, or `dim` is not a whole number of at least 1.

    >>> measured_warnings(2.9, floor=2.8, dim=64)
    ()
    >>> for line in measured_warnings(0.05, floor=2.8, dim=64):
    ...     print(line)
    below the K-point floor (0.05 < 2.8): units or leakage?
    a mean over coordinates? summed over 64 of them it would be 3.2, above the floor
    """
    for name, value in (("measured", measured), ("floor", floor)):
        if not value >= 0:
            raise UsageError(f"{name}: expected a squared error of at least 0, got {value!r}")
    count = as_count(dim, "dim")
    if not measured + _SIGMAS * standard_error < floor:
        return ()
    lines = [f"below the K-point floor ({measured:.6g} < {floor:.6g}): units or leakage?"]
    if count * measured >= floor:
        summed = f"summed over {count} of them it would be {count * measured:.6g}"
        lines.append(f"a mean over coordinates? {summed}, above the floor")
    return tuple(lines)


def sample_warnings(count: int, dim: int) -> tuple[str, ...]:
    """Return a line if a covariance of `dim` dimensions comes from fewer than 10 samples for each of them.

    The largest eigenvalues of a sample are then too large and the smallest too small, so that D(R) and what an encoder
    drops come out too low.

    Raises:
        UsageError: `count` or `dim` is not a whole number of at least 1.

    >>> sample_warnings(500, 64)
    ('covariance from n = 500 < 10 d = 640 samples: limits made from it are too low',)
    """
    samples, axes = as_count(count, "count"), as_count(dim, "dim")
    if samples >= _PER_DIM * axes:
        return ()
    return (f"covariance from n = {samples} < 10 d = {_PER_DIM * axes} samples: limits made from it are too low",)


def floor_warnings(bound: KPointBound) -> tuple[str, ...]:
    """Return a line if the floor is not certified: it is then an estimate of a bound.

    >>> from zador.theory.kpoint import KPointBound
    >>> floor_warnings(KPointBound(2.28, certified=False, how="particle prices"))
    ('the K-point floor is not certified (particle prices): an estimate, and it may lie above a codebook',)
    """
    if bound.certified:
        return ()
    return (f"the K-point floor is not certified ({bound.how}): an estimate, and it may lie above a codebook",)
