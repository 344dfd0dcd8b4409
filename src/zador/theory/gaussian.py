"""Rate and distortion of a Gaussian vector: reverse water-filling, in closed form.

For X ~ N(μ, Σ) with eigenvalues λ of Σ and squared error summed over coordinates, a water level θ fixes both:

    D(θ) = Σ min(θ, λ_i)        R(θ) = Σ max(0, ½ log2(λ_i / θ))

With λ_1 >= λ_2 >= ..., axis k turns on at the rate R_k = ½ Σ_{j<k} log2(λ_j / λ_k). Between R_k and R_{k+1} the first k
axes share the rate, so θ = λ_k 2^(-2 (R - R_k) / k): no bisection, and exact at every turn-on. The slope is
dD/dR = -2 θ ln 2 per bit. For a source that is not Gaussian D(R) is an upper bound on the least distortion that long
blocks allow; for a Gaussian no quantizer of any size goes below it. Sources: cover2006elements, berger1971rate.

Slopes come in several conventions, and papers mix them. With R in nats, -dR/dD = 1/(2 θ) for squared error summed over
coordinates (`slope` divides by ln 2 for bits); 1/θ for half of the squared error; D/(2 θ) for its mean over D coordinates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from zador.errors import UsageError
from zador.theory.spectrum import as_spectrum
from zador.units import NATS_PER_BIT
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["distortion_rate", "isotropic", "rate_distortion", "reproduction_variances", "slope", "water_level"]

_ALIKE = 1e-9  # relative: eigenvalues of s² I in float32 with a large mean still agree to this
_SMALL = 1e-290


@overload
def distortion_rate(eigenvalues: Any, bits: float) -> float: ...
@overload
def distortion_rate(eigenvalues: Any, bits: NDArray[Any]) -> NDArray[np.float64]: ...
def distortion_rate(eigenvalues: Any, bits: ArrayLike) -> float | NDArray[np.float64]:
    """Return `D(R) = Σ min(θ(R), λ_i)`, the least mean squared error at a rate.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order; zeros are fine.
        bits: rate in bits per vector, at least 0: a number, or an array of any shape.

    Returns:
        Squared error summed over coordinates, in the shape of `bits`. The trace at 0 bits.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: a rate is negative or NaN.

    >>> distortion_rate([4.0, 2.0, 1.0, 0.25], 3.0)
    1.75
    """
    fill = _fill(as_spectrum(eigenvalues))
    rate = _as_nonnegative(bits, "bits")
    if not len(fill.active):
        return _like(bits, np.zeros_like(rate))
    count, level = _level(fill, rate)
    return _like(bits, count * level + fill.tail[count])


@overload
def rate_distortion(eigenvalues: Any, distortion: float) -> float: ...
@overload
def rate_distortion(eigenvalues: Any, distortion: NDArray[Any]) -> NDArray[np.float64]: ...
def rate_distortion(eigenvalues: Any, distortion: ArrayLike) -> float | NDArray[np.float64]:
    """Return `R(D) = Σ max(0, ½ log2(λ_i / θ(D)))`, the least rate at a mean squared error.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order; zeros are fine.
        distortion: squared error summed over coordinates, at least 0: a number, or an array of any shape.

    Returns:
        Bits per vector, in the shape of `distortion`. 0 from the trace on; infinite at distortion 0, which no finite rate
        reaches, unless the source is constant.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: a distortion is negative or NaN.

    >>> rate_distortion([4.0, 2.0, 1.0, 0.25], 1.75)
    3.0
    >>> rate_distortion([4.0, 2.0, 1.0, 0.25], 0.0)
    inf
    """
    fill = _fill(as_spectrum(eigenvalues))
    error = _as_nonnegative(distortion, "distortion")
    if not len(fill.active):
        return _like(distortion, np.zeros_like(error))
    # With θ = λ_k the distortion is (k-1) λ_k + (λ_k + λ_{k+1} + ...): falling in k, hence the two signs.
    turn_on = np.arange(len(fill.active)) * fill.active + fill.tail[:-1]
    count = np.maximum(np.searchsorted(-turn_on, -error, side="right"), 1)
    with np.errstate(divide="ignore"):  # no distortion, no finite rate
        above = np.maximum(error - fill.tail[count], 0.0)
        # A share of a subnormal distortion would lose its digits, or be 0: it is divided as a logarithm.
        log_level = np.where(above > _SMALL, np.log(above / count), np.log(above) - np.log(count))
    nats = fill.turn_on_nats[count - 1] + 0.5 * count * np.maximum(np.log(fill.active[count - 1]) - log_level, 0.0)
    return _like(distortion, nats / NATS_PER_BIT)


def reproduction_variances(eigenvalues: Any, bits: ArrayLike) -> NDArray[np.float64]:
    """Return `(λ_i - θ(R))+`, the variances of the optimal reproduction: what a perfect codebook's points spread like.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        bits: rate in bits per vector, at least 0: a number, or an array of any shape.

    Returns:
        (..., D) variances in the order of `eigenvalues`; they sum to the trace minus `distortion_rate`.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: a rate is negative or NaN.

    >>> reproduction_variances([0.25, 4.0, 1.0, 2.0], 3.0)
    array([0. , 3.5, 0.5, 1.5])
    """
    variances = as_spectrum(eigenvalues)
    level = np.asarray(water_level(variances, np.asarray(bits)))
    return np.maximum(variances - level[..., None], 0.0)


@overload
def water_level(eigenvalues: Any, bits: float) -> float: ...
@overload
def water_level(eigenvalues: Any, bits: NDArray[Any]) -> NDArray[np.float64]: ...
def water_level(eigenvalues: Any, bits: ArrayLike) -> float | NDArray[np.float64]:
    """Return `θ(R)`: what each axis with more variance than that keeps as error; the others keep all of theirs.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        bits: rate in bits per vector, at least 0: a number, or an array of any shape.

    Returns:
        θ in squared units of the data, in the shape of `bits`; the largest eigenvalue at 0 bits.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: a rate is negative or NaN.

    >>> water_level([4.0, 2.0, 1.0, 0.25], 3.0)
    0.5
    """
    fill = _fill(as_spectrum(eigenvalues))
    rate = _as_nonnegative(bits, "bits")
    if not len(fill.active):
        return _like(bits, np.zeros_like(rate))
    return _like(bits, _level(fill, rate)[1])


@overload
def slope(eigenvalues: Any, bits: float) -> float: ...
@overload
def slope(eigenvalues: Any, bits: NDArray[Any]) -> NDArray[np.float64]: ...
def slope(eigenvalues: Any, bits: ArrayLike) -> float | NDArray[np.float64]:
    """Return `-dR/dD = 1 / (2 θ(R) ln 2)`: bits per vector that one unit less of summed squared error costs.

    In nats it is 1/(2 θ): multiply by ln 2. For a cost of half the squared error multiply by 2; for the mean over D
    coordinates multiply by D. As a Lagrange multiplier: `R_bits + slope D` is least at this rate. Source: berger1971rate.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        bits: rate in bits per vector, at least 0: a number, or an array of any shape.

    Returns:
        Bits per squared unit of the data, in the shape of `bits`; infinite where θ is 0 in float64.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: a rate is negative or NaN.

    >>> round(slope([4.0, 2.0, 1.0, 0.25], 3.0), 4)
    1.4427
    """
    level = np.asarray(water_level(eigenvalues, np.asarray(bits)))
    with np.errstate(divide="ignore", over="ignore"):  # 1 / θ of a subnormal θ is out of range
        return _like(bits, 0.5 / NATS_PER_BIT / level)


def isotropic(dim: int, variance: ArrayLike, bits: float) -> float:
    """Return `D(R) = d v 2^(-2R/d)` for a Gaussian with the same variance v along all d axes, and for no other.

    With the *mean* variance of unequal axes the formula is above D(R), the more the less equal they are, and a good
    codebook then seems to beat the theory. So unequal variances are refused. Source: berger1971rate.

    Args:
        dim: dimension d.
        variance: v in squared units of the data; or all d eigenvalues, which then have to agree to 1e-9.
        bits: rate in bits per vector, at least 0.

    Returns:
        Squared error summed over coordinates.

    Raises:
        DataError: an eigenvalue is negative.
        UsageError: the variances differ; `dim` is not a whole number of at least 1 or not their number; bad rate.

    >>> isotropic(2, 1.0, 2.0)
    0.5
    """
    count = as_count(dim, "dim")
    variances = as_spectrum(np.broadcast_to(variance, (count,)) if np.ndim(variance) == 0 else variance)
    if len(variances) != count:
        raise UsageError(f"isotropic: expected one variance or {count} of them, got {len(variances)}")
    if variances.max() - variances.min() > _ALIKE * variances.max():
        raise UsageError(
            f"isotropic: the variances differ ({variances.min():.6g} to {variances.max():.6g}), and the formula with their "
            "mean is above D(R); call gaussian.distortion_rate(eigenvalues, bits), which fills water"
        )
    return distortion_rate(variances, float(_as_nonnegative(bits, "bits")))


class _Fill(NamedTuple):
    """What the closed form needs: positive eigenvalues, largest first; their turn-on rates; sums of the last ones."""

    active: NDArray[np.float64]
    turn_on_nats: NDArray[np.float64]
    tail: NDArray[np.float64]


def _fill(spectrum: NDArray[np.float64]) -> _Fill:
    active = np.sort(spectrum[spectrum > 0])[::-1]
    logs = np.log(active)  # products of many eigenvalues leave the range of floats; sums of logarithms do not
    # R_{k+1} - R_k = (k/2) ln(λ_k / λ_{k+1}): a sum of terms >= 0 keeps its digits for thousands of axes.
    turn_on = np.cumsum(np.arange(len(active)) * np.concatenate([[0.0], -0.5 * np.diff(logs)])[: len(active)])
    # Summed from the smallest up, so that tiny eigenvalues are not lost beside large ones.
    return _Fill(active, turn_on, np.concatenate([np.cumsum(active[::-1])[::-1], [0.0]]))


def _level(fill: _Fill, bits: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    nats = bits * NATS_PER_BIT
    count = np.searchsorted(fill.turn_on_nats, nats, side="right")
    return count, fill.active[count - 1] * np.exp(-2.0 * (nats - fill.turn_on_nats[count - 1]) / count)


def _as_nonnegative(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not (array >= 0).all():  # written so that NaN fails, too
        raise UsageError(f"{name}: expected numbers that are at least 0, got {values!r}")
    return array


def _like(asked: ArrayLike, answer: NDArray[np.float64]) -> float | NDArray[np.float64]:
    return float(answer) if np.ndim(asked) == 0 else answer
