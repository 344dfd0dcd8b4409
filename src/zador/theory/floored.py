"""D(R) above a floor that no rate removes: what an encoder or noise has lost before any quantizer comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.errors import UsageError
from zador.theory import gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FlooredGaussian"]


class FlooredGaussian:
    """A Gaussian with `spectrum` to be coded, and an error `floor` that is there at infinite rate; errors are summed.

    Subclasses have both, as fields or properties.
    """

    if TYPE_CHECKING:

        @property
        def floor(self) -> float:
            """The error at infinite rate, in squared units of the data."""

        @property
        def spectrum(self) -> NDArray[np.float64]:
            """(m,) variances of what is coded, largest first."""

    def distortion_rate(self, bits: float) -> float:
        """Return `floor + Σ min(θ, λ_i)`: no quantizer at `bits` per vector goes below it.

        Raises:
            UsageError: the rate is negative or NaN.
        """
        return self.floor + gaussian.distortion_rate(self.spectrum, bits)

    def rate_distortion(self, distortion: float) -> float:
        """Return the least bits per vector at a mean squared error; infinite at `floor` and below.

        Raises:
            UsageError: the distortion is negative or NaN.
        """
        if not distortion >= 0:
            raise UsageError(f"distortion: expected a number that is at least 0, got {distortion!r}")
        if distortion < self.floor:
            return np.inf
        return gaussian.rate_distortion(self.spectrum, distortion - self.floor)
