"""What theory says at the sizes of a curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.theory import gaussian, high_rate, kpoint
from zador.theory.scalar import lloyd_max

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.catalogue.growth.curve import Curve
    from zador.studies.rows import Outcome

__all__ = ["Law", "Predicted", "floor", "scalar", "shannon", "zador"]

# (variances, K) -> distortion.
Law = Callable[[tuple[float, ...], int], float]


def shannon(variances: tuple[float, ...], size: int) -> float:
    """Return D(log2 K)."""
    return gaussian.distortion_rate(variances, float(np.log2(size)))


def floor(variances: tuple[float, ...], size: int) -> float:
    """Return the floor under K codewords."""
    return kpoint.lower_bound(variances, size).distortion


def zador(variances: tuple[float, ...], size: int) -> float:
    """Return Zador's asymptote [zador1982asymptotic], valid or not."""
    return high_rate.estimate(variances, size).distortion


def scalar(variances: tuple[float, ...], size: int) -> float:
    """Return the error of the optimal quantizer of one coordinate."""
    return variances[0] * lloyd_max("gaussian", size).distortion


@dataclass(frozen=True)
class Predicted:
    """What theory says at each size, and the exponent of that.

    Attributes:
        curve: source and sizes.
        law: what theory.
    """

    curve: Curve
    law: Law

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the same, once for each seed."""
        return [self.curve.outcome([self.law(self.curve.variances, size) for size in self.curve.sizes])] * len(seeds)
