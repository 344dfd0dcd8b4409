"""Large codebooks: Zador's asymptote, and what is known about its constant.

As K grows, the best K points for a density p on R^d reach

    D_K ~ d G_d ||p||_{d/(d+2)} K^(-2/d),        ||p||_a = (∫ p^a)^(1/a)

with G_d the normalized second moment per dimension of the best space-filling cell. Exact G_d are known for d = 1, 2 only;
elsewhere there is a best known lattice, which is achievable, and two proven bounds. It is an asymptote, not a bound: at
four cells an axis it is too high by up to 45 % (ask `is_valid`). Sources: zador1982asymptotic, gersho1979asymptotically,
graf2000foundations.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zador.errors import DataError
from zador.theory.gaussian import water_level
from zador.theory.spectrum import as_spectrum, numerical_zero
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["distortion", "is_valid", "lattice_constant", "sphere_bound", "zador_upper_bound"]

_CELLS_PER_AXIS = 4


class _Lattice(NamedTuple):
    name: str
    constant: float
    source: str


# Best known lattices. Dimensions 13-15 and 17-23 are left out: better lattices than any printed table keep being found.
_LATTICES = {
    1: _Lattice("Z", 1 / 12, "conway1999sphere"),
    2: _Lattice("A2", 5 / (36 * math.sqrt(3)), "conway1999sphere"),
    3: _Lattice("A3*", 19 / (192 * 2 ** (1 / 3)), "conway1999sphere"),
    4: _Lattice("D4", 13 / (120 * math.sqrt(2)), "conway1999sphere"),
    5: _Lattice("D5*", 2641 / (23040 * 2 ** (3 / 5)), "conway1999sphere"),
    6: _Lattice("E6*", 12619 * 3 ** (1 / 6) / 204120, "conway1999sphere"),
    7: _Lattice("E7*", 21361 * 2 ** (1 / 7) / 322560, "conway1999sphere"),
    8: _Lattice("E8", 929 / 12960, "conway1999sphere"),
    9: _Lattice("AE9", 0.071622594, "allen2021optimal"),
    10: _Lattice("D10+", 4568341 / 64512000, "agrell2023best"),
    11: _Lattice("A11 with glue of order 3", 0.070426259, "agrell2023best"),
    12: _Lattice("glued D6 x D6", 0.070034, "agrell2024glued"),
    16: _Lattice("Barnes-Wall", 207049815983 * math.sqrt(2) / 4287303820800, "agrell2023best"),
    24: _Lattice("Leech", 0.065771, "conway1999sphere"),
}


def distortion(eigenvalues: Any, codebook_size: int) -> float:
    """Return Zador's asymptote `2π d G_d ((d+2)/d)^((d+2)/2) (Π λ_i)^(1/d) K^(-2/d)` for a Gaussian.

    d counts the axes that have variance: eigenvalues within rounding of zero (`spectrum.numerical_zero`) are left out. G_d
    is the best known lattice's constant; where none is kept here, the geometric mean of the two proven bounds, which is
    off by at most half their distance: 0.16 dB at d = 13, less above.

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Returns:
        Squared error summed over coordinates. An estimate that can lie below the Shannon bound or above the variance when
        `is_valid` says no.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> round(distortion([1.0, 1.0], 64), 5)
    0.06298
    """
    size = as_count(codebook_size, "codebook_size")
    active = _active(as_spectrum(eigenvalues))
    dim = len(active)
    if dim == 0:
        return 0.0
    norm = 2 * math.pi * math.pow((dim + 2) / dim, (dim + 2) / 2) * _geometric_mean(active)
    return dim * _constant(dim) * norm * math.exp(-2 * math.log(size) / dim)


def is_valid(eigenvalues: Any, codebook_size: int) -> bool:
    """Return whether the weakest axis gets four cells: `K^(1/d) sqrt(λ_min / λ_geometric_mean) >= 4`.

    That is a water level of at most λ_min / 16, and `K^(1/d) >= 4` when all axes are alike. Below, `distortion` is not
    even roughly right; at the border it is still up to 45 % too high (d = 1, K = 4).

    Args:
        eigenvalues: (D,) variances of the principal axes in squared units of the data, in any order.
        codebook_size: number K of codewords.

    Raises:
        DataError: an eigenvalue is negative beyond rounding, or the spectrum is not a vector.
        UsageError: `codebook_size` is not a whole number of at least 1.

    >>> is_valid([1.0, 1.0], 16), is_valid([1.0, 0.01], 16)
    (True, False)
    """
    size = as_count(codebook_size, "codebook_size")
    active = _active(as_spectrum(eigenvalues))
    if len(active) == 0:
        return True
    rounding = 1 + 1e-12  # K = 4^d is to be valid, whatever the last bit of the logarithms
    return water_level(active, math.log2(size)) * _CELLS_PER_AXIS**2 <= float(active.min()) * rounding


def lattice_constant(dim: int) -> float:
    """Return the best known `G_n = E|x - q(x)|^2 / (n V^(2/n))`, x uniform over a lattice's cell of volume V.

    Optimal among all quantizers for n = 1, 2; among lattices for n = 3; elsewhere the least that is known.

    Args:
        dim: dimension n; kept for 1 to 12, 16 and 24.

    Returns:
        Normalized second moment per dimension, without a unit. Source: conway1999sphere; for 9 to 12 and 16
        allen2021optimal, agrell2023best, agrell2024glued.

    Raises:
        DataError: no settled value for `dim`; the message gives the interval that is proven.
        UsageError: `dim` is not a whole number of at least 1.

    >>> lattice_constant(8) == 929 / 12960
    True
    """
    number = as_count(dim, "dim")
    if number not in _LATTICES:
        raise DataError(
            f"lattice_constant: no settled value for dimension {number} (kept: {', '.join(map(str, _LATTICES))}); it lies "
            f"between sphere_bound({number}) = {sphere_bound(number):.6f} and "
            f"zador_upper_bound({number}) = {zador_upper_bound(number):.6f}"
        )
    return _LATTICES[number].constant


def sphere_bound(dim: int) -> float:
    """Return `Γ(n/2 + 1)^(2/n) / ((n + 2) π)`, the second moment of a ball: no cell of equal volume does better.

    Args:
        dim: dimension n.

    Returns:
        Proven lower bound on G_n; falls to 1 / (2 π e) = 0.058550. Source: zador1982asymptotic.

    Raises:
        UsageError: `dim` is not a whole number of at least 1.

    >>> round(sphere_bound(2), 6)
    0.079577
    """
    number = as_count(dim, "dim")
    return math.exp(2 * math.lgamma(number / 2 + 1) / number) / ((number + 2) * math.pi)


def zador_upper_bound(dim: int) -> float:
    """Return `Γ(1 + 2/n) Γ(n/2 + 1)^(2/n) / (n π)`, what randomly placed points reach.

    Args:
        dim: dimension n.

    Returns:
        Proven upper bound on G_n; falls to 1 / (2 π e) = 0.058550. Source: zador1982asymptotic.

    Raises:
        UsageError: `dim` is not a whole number of at least 1.

    >>> round(zador_upper_bound(2), 6)
    0.159155
    """
    number = as_count(dim, "dim")
    return math.gamma(1 + 2 / number) * math.exp(2 * math.lgamma(number / 2 + 1) / number) / (number * math.pi)


def _active(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    return spectrum[spectrum > numerical_zero(spectrum)]


def _geometric_mean(active: NDArray[np.float64]) -> float:
    return math.exp(float(np.log(active).mean()))


def _constant(dim: int) -> float:
    if dim in _LATTICES:
        return _LATTICES[dim].constant
    return math.sqrt(sphere_bound(dim) * zador_upper_bound(dim))
