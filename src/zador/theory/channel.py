"""The test channel of a Gaussian: the noisy map that meets its rate–distortion bound with equality.

Along an axis of variance λ, with a = (1 - θ/λ)+:

    forward   y = a x + N(0, a min(λ, θ))        backward   x = y + N(0, min(λ, θ)),  the noise independent of y

It is a map to draw from, to check an estimator or to make exactly distorted data; it is no code. Sources: berger1971rate,
cover2006elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import DataError
from zador.theory.gaussian import distortion_rate, water_level
from zador.theory.gaussian_law import GaussianLaw, as_mean
from zador.theory.rate_point import RatePoint
from zador.theory.spectrum import principal_axes
from zador.validation import as_vectors, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GaussianChannel", "optimal_channel"]


@dataclass(frozen=True)
class GaussianChannel:
    """The optimal channel of N(mean, axes.T diag(variances) axes) at one rate.

    Attributes:
        mean: (D,) mean of the source, and of the reproduction.
        axes: (D, D) principal axes, one a row.
        variances: (D,) λ, variance of the source along each axis.
        level: the water level θ.
        point: the rate and the distortion that it attains.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]
    level: float
    point: RatePoint

    @property
    def gains(self) -> NDArray[np.float64]:
        """(D,) a = (1 - θ/λ)+ along each axis; 0 where no rate goes."""
        on = self.variances > self.level
        return np.where(on, 1.0 - self.level / np.where(on, self.variances, 1.0), 0.0)

    @property
    def error_variances(self) -> NDArray[np.float64]:
        """(D,) min(λ, θ), the error along each axis: they sum to the distortion."""
        return np.minimum(self.variances, self.level)

    @property
    def reproduction(self) -> GaussianLaw:
        """The law of y."""
        return GaussianLaw(self.mean, self.axes, np.maximum(self.variances - self.level, 0.0))

    def forward(self, x: Any, seed: int | np.random.Generator) -> NDArray[np.float64]:
        """Return (N, D) reproductions y of the vectors x (N, D): `y = a x + N(0, a min(λ, θ))` along each axis.

        Raises:
            DataError: `x` does not have D columns.
            NonFiniteError: `x` holds NaN or infinity.
        """
        return self._through(x, seed, self.gains, self.gains * self.error_variances)

    def backward(self, y: Any, seed: int | np.random.Generator) -> NDArray[np.float64]:
        """Return (N, D) sources x that the reproductions y (N, D) may come from: `x = y + N(0, min(λ, θ))`.

        Raises:
            DataError: `y` does not have D columns.
            NonFiniteError: `y` holds NaN or infinity.
        """
        return self._through(y, seed, np.ones_like(self.variances), self.error_variances)

    def _through(
        self, vectors: Any, seed: int | np.random.Generator, gains: NDArray[np.float64], noise: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        rows = as_vectors(vectors, "vectors").astype(np.float64)
        if rows.shape[1] != len(self.mean):
            raise DataError(f"vectors: the channel is for {len(self.mean)} dimensions, got shape {rows.shape}")
        along = (rows - self.mean) @ self.axes.T
        along = gains * along + np.sqrt(noise) * generator(seed).standard_normal(along.shape)
        return np.asarray(self.mean + along @ self.axes)


def optimal_channel(covariance_or_eigenvalues: Any, bits: float, *, mean: Any = None) -> GaussianChannel:
    """Return the channel with `I(X; Y) = R` and `E|X - Y|² = D(R)` for a Gaussian X.

    Args:
        covariance_or_eigenvalues: (D, D) covariance, or (D,) variances of uncorrelated coordinates; squared units of data.
        bits: rate in bits per vector, at least 0.
        mean: (D,) mean of the source; None for 0.

    Raises:
        DataError: not a covariance or spectrum, or `mean` has another dimension.
        UsageError: the rate is negative or NaN.

    >>> channel = optimal_channel([4.0, 2.0, 1.0, 0.25], 3.0)
    >>> print(channel.point)
    3 bits per vector, squared error 1.75 (Gaussian test channel)
    >>> channel.gains
    array([0.875, 0.75 , 0.5  , 0.   ])
    """
    eigenvalues, axes = principal_axes(covariance_or_eigenvalues)
    point = RatePoint(float(bits), distortion_rate(eigenvalues, float(bits)), "Gaussian test channel")
    level = water_level(eigenvalues, float(bits))
    return GaussianChannel(as_mean(mean, len(eigenvalues)), axes, eigenvalues, level, point)
