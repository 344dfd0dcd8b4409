"""The public door to K-point lower bounds: the strongest method that the spectrum and K allow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zador.theory import gaussian
from zador.theory.kpoint import anisotropic, radial, simplex
from zador.theory.kpoint.bound import KPointBound
from zador.theory.spectrum import numerical_zero, spectrum_of
from zador.validation import as_count, generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["lower_bound"]

_SAME = 1e-9
_MOST_AXES = 8


def lower_bound(eigenvalues: Any, codebook_size: int, *, seed: int | np.random.Generator = 0) -> KPointBound:
    """Return a distortion that no codebook of K points goes below for X ~ N(μ, Σ); never below Shannon's D(log2 K).

    | source | K | method | certified |
    |---|---|---|---|
    | any | 1, 2 | exact: the mean; the best two half-spaces | yes |
    | one axis | up to 2^16 | Lloyd–Max, which is optimal for a Gaussian | yes |
    | equal variances | any | `radial.lower_bound` | yes |
    | any other | up to 4096 | `anisotropic.lower_bound`: about ten seconds, a minute at 4096 | no |
    | any other | more | the best of Shannon and of the leading axes made equal | yes |

    Eigenvalues within rounding of zero (`spectrum.numerical_zero`) count as zero. Source of the inequality behind it:
    erlenkotter1978dual, applied to a continuous source.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order, or a (D, D) covariance.
        codebook_size: number K of codewords.
        seed: draws nodes and starts where the axes differ.

    Returns:
        Squared error summed over coordinates. Where it is not certified, two standard errors are taken off and the
        supremum over codewords is the best of many climbs.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or neither spectrum nor covariance.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> print(lower_bound([4.0, 1.0], 2))
    squared error at least 2.45352 (exact: two half-spaces, certified)
    """
    size = as_count(codebook_size, "codebook_size")
    spectrum = spectrum_of(eigenvalues)
    variances = spectrum[spectrum > numerical_zero(spectrum)]
    if size == 1 or not len(variances):
        return KPointBound(float(spectrum.sum()) if size == 1 else 0.0, certified=True, how="exact: the mean")
    if size == 2:  # noqa: PLR2004 - two
        return KPointBound(simplex.two_points(spectrum), certified=True, how="exact: two half-spaces")
    if variances[-1] >= variances[0] * (1.0 - _SAME):
        return radial.lower_bound(len(variances), float(variances[-1]), size)
    return _of_different_axes(variances, size, generator(seed))


def _of_different_axes(variances: NDArray[np.float64], size: int, rng: np.random.Generator) -> KPointBound:
    proven = max([_shannon(variances, size), *_of_equal_axes(variances, size)], key=lambda bound: bound.distortion)
    if size > anisotropic.LARGEST:
        return proven
    found = anisotropic.lower_bound(variances, size, rng)
    return found if found.distortion > proven.distortion else proven


def _shannon(variances: NDArray[np.float64], size: int) -> KPointBound:
    return KPointBound(gaussian.distortion_rate(variances, math.log2(size)), certified=True, how="Shannon")


def _of_equal_axes(variances: NDArray[np.float64], size: int) -> list[KPointBound]:
    """Return bounds by shrinking the first m axes to the variance of the last of them, which makes the task easier."""
    least = gaussian.distortion_rate(variances, math.log2(size))
    counts = [m for m in range(2, len(variances) + 1) if m * variances[m - 1] > least][:_MOST_AXES]
    bounds = [radial.lower_bound(m, float(variances[m - 1]), size) for m in counts]
    return [KPointBound(bound.distortion, certified=True, how=f"{bound.how}, equal axes") for bound in bounds]
