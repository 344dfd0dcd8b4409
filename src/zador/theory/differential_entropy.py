"""Differential entropies h = -∫ p log2 p, in bits: closed forms, and any density on the line.

Independent parts add up: h of a product source is the sum. Scaling by s adds log2 s per coordinate. Nats times 1/ln 2.
Source: cover2006elements.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import entr

from zador.errors import UsageError
from zador.theory.densities import as_standard
from zador.theory.quadrature import RunningIntegral
from zador.theory.spectrum import as_spectrum, numerical_zero
from zador.units import NATS_PER_BIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.densities import Density

__all__ = ["gaussian", "generalised_gaussian", "laplace", "logistic", "of_density", "uniform"]


def gaussian(eigenvalues: Any) -> float:
    """Return `½ Σ log2(2πe λ_i)`; minus infinity where an eigenvalue is zero up to rounding.

    Args:
        eigenvalues: (d,) variances of the principal axes, in squared units of the data.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.

    >>> round(gaussian([1.0]), 6)
    2.047096
    """
    variances = as_spectrum(eigenvalues)
    if not (variances > numerical_zero(variances)).all():
        return -math.inf
    return 0.5 * float(np.log2(2 * math.pi * math.e * variances).sum())


def uniform(width: float) -> float:
    """Return `log2 w`.

    Args:
        width: length w of the interval; the standard deviation is w/√12.

    Raises:
        UsageError: `width` is not positive and finite.
    """
    return math.log2(_positive(width, "width"))


def laplace(scale: float) -> float:
    """Return `log2(2 e b)`.

    Args:
        scale: b, the mean absolute deviation; the standard deviation is √2 b.

    Raises:
        UsageError: `scale` is not positive and finite.
    """
    return math.log2(2 * math.e) + math.log2(_positive(scale, "scale"))


def logistic(scale: float) -> float:
    """Return `log2 s + 2 log2 e`.

    Args:
        scale: s; the standard deviation is π s/√3.

    Raises:
        UsageError: `scale` is not positive and finite.
    """
    return math.log2(_positive(scale, "scale")) + 2 / NATS_PER_BIT


def generalised_gaussian(scale: float, exponent: float) -> float:
    """Return `log2(2 α Γ(1/β) / β) + log2(e) / β` of the density proportional to `exp(-|x/α|^β)`.

    Args:
        scale: α, in units of the data.
        exponent: β; 1 is Laplace with b = α, 2 is Gaussian with σ = α/√2, large β tends to uniform.

    Raises:
        UsageError: `scale` or `exponent` is not positive and finite.

    >>> round(generalised_gaussian(1.0, 1.0), 9) == round(laplace(1.0), 9)
    True
    """
    shape = _positive(exponent, "exponent")
    nats = 1 / shape + math.log(2 / shape) + math.lgamma(1 / shape)
    return nats / NATS_PER_BIT + math.log2(_positive(scale, "scale"))


def of_density(density: str | Density) -> float:
    """Return `-∫ p log2 p` of a density on the line: closed form for a name, quadrature for an object.

    Args:
        density: "gaussian", "laplace", "uniform" or "logistic" (zero mean, unit variance), or an object such as a frozen
            `scipy.stats` distribution (`zador.theory.densities`).

    Raises:
        UsageError: unknown density.
        DataError: its mean or variance is not finite, or it is not bounded.

    >>> from scipy import stats
    >>> round(of_density(stats.expon()), 9) == round(1 / math.log(2), 9)
    True
    """
    if isinstance(density, str) and density in _NAMED:
        return _NAMED[density]
    source = as_standard(density)

    def surprise(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(entr(source.density.pdf(x)))

    return RunningIntegral(surprise, source.density.ppf).total / NATS_PER_BIT + math.log2(source.scale)


def _positive(value: float, name: str) -> float:
    if not 0 < float(value) < math.inf:
        raise UsageError(f"{name}: expected a positive finite number, got {value!r}")
    return float(value)


_NAMED = {
    "gaussian": gaussian([1.0]),
    "laplace": laplace(math.sqrt(0.5)),
    "uniform": uniform(math.sqrt(12.0)),
    "logistic": logistic(math.sqrt(3.0) / math.pi),
}
