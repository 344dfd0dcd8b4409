"""How compact a space-filling cell can be: the normalized second moment G_n, its bounds, and the best lattices.

    G_n = E|x - q(x)|² / (n V^(2/n)),    x uniform over a cell of volume V

G_n is known for n = 1 and 2 only. Otherwise there are lattices, whose constants are achievable; the sphere bound, below
which no cell goes; Zador's bound, which random points reach; and Conway and Sloane's conjectured lower bound. The bounds
tend to 1/(2πe). Sources: conway1999sphere, conway1985lower, zador1982asymptotic, agrell2023best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.polynomial import chebyshev

from zador.errors import DataError
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LARGEST_DIM",
    "CellConstant",
    "best_lattice",
    "conway_sloane_bound",
    "lattice_constant",
    "sphere_bound",
    "zador_upper_bound",
]

LARGEST_DIM = 24
_NODES = 48
_DEEPEST = 64


@dataclass(frozen=True)
class CellConstant:
    """A lattice and its normalized second moment.

    Attributes:
        dim: dimension n.
        name: the lattice, as the literature calls it.
        value: G_n, per dimension and without a unit.
        source: key into docs/references.bib of the value.
        status: "optimal" among all quantizers; "optimal lattice"; "best known"; or "product": a product of lattices kept
            here at the best ratio of scales. Its value is exact and achievable, and better lattices are published whose
            values are not known here.
    """

    dim: int
    name: str
    value: float
    source: str
    status: Literal["optimal", "optimal lattice", "best known", "product"]

    def __str__(self) -> str:
        """Return the constant in words."""
        return f"G_{self.dim} = {self.value:.6f} ({self.name}, {self.status}; {self.source})"


_PRINTED = (
    CellConstant(1, "Z", 1 / 12, "conway1999sphere", "optimal"),
    CellConstant(2, "A2", 5 / (36 * math.sqrt(3)), "conway1999sphere", "optimal"),
    CellConstant(3, "A3*", 19 / (192 * 2 ** (1 / 3)), "conway1999sphere", "optimal lattice"),
    CellConstant(4, "D4", 13 / (120 * math.sqrt(2)), "conway1999sphere", "best known"),
    CellConstant(5, "D5*", 2641 / (23040 * 2 ** (3 / 5)), "conway1999sphere", "best known"),
    CellConstant(6, "E6*", 12619 * 3 ** (1 / 6) / 204120, "conway1999sphere", "best known"),
    CellConstant(7, "E7*", 21361 * 2 ** (1 / 7) / 322560, "conway1999sphere", "best known"),
    CellConstant(8, "E8", 929 / 12960, "conway1999sphere", "best known"),
    CellConstant(9, "AE9", 0.071622594, "allen2021optimal", "best known"),
    CellConstant(10, "D10+", 4568341 / 64512000, "agrell2023best", "best known"),
    CellConstant(11, "A11 with glue of order 3", 0.070426259, "agrell2023best", "best known"),
    CellConstant(12, "glued D6 x D6", 0.070034, "agrell2024glued", "best known"),
    CellConstant(16, "Barnes-Wall", 207049815983 * math.sqrt(2) / 4287303820800, "agrell2023best", "best known"),
    CellConstant(24, "Leech", 0.065771, "conway1999sphere", "best known"),
)


def best_lattice(dim: int) -> CellConstant:
    """Return the lattice with the least G_n that can be stated here, with its source and how good it is.

    For n = 13 to 15 and 17 to 23 it is a product. Lattices of dimensions a and b, scaled so that both parts have the same
    error per dimension, have `G_{a+b} = (G_a^a G_b^b)^(1/(a+b))`, the best ratio of scales (agrell2023best).

    Args:
        dim: dimension n, at most 24.

    Raises:
        DataError: n exceeds 24; the message gives the interval that is proven.
        UsageError: `dim` is not a whole number of at least 1.

    >>> print(best_lattice(8))
    G_8 = 0.071682 (E8, best known; conway1999sphere)
    >>> print(best_lattice(13))
    G_13 = 0.070977 (glued D6 x D6 x Z, product; agrell2023best)
    """
    number = as_count(dim, "dim")
    if number > LARGEST_DIM:
        raise DataError(
            f"lattice_constant: no value kept for dimension {number}, only up to {LARGEST_DIM}; it lies between "
            f"sphere_bound({number}) = {sphere_bound(number):.6f} and "
            f"zador_upper_bound({number}) = {zador_upper_bound(number):.6f}"
        )
    return _BEST[number]


def lattice_constant(dim: int) -> float:
    """Return the least known `G_n = E|x - q(x)|² / (n V^(2/n))`: that of `best_lattice`, where it is a statement on G_n.

    Optimal among all quantizers for n = 1, 2; among lattices for n = 3; the best known for 4 to 12, 16 and 24. For 13, 14
    and 17 achievable, though better is published. For 15 and 18 to 23 the lattice that can be stated here is above
    `zador_upper_bound`, so random points do better than it and it says nothing on G_n: not known.

    Args:
        dim: dimension n: 1 to 14, 16, 17, 24.

    Returns:
        Normalized second moment per dimension, without a unit.

    Raises:
        DataError: not known; the message gives the interval that is proven.
        UsageError: `dim` is not a whole number of at least 1.

    >>> lattice_constant(8) == 929 / 12960
    True
    """
    lattice = best_lattice(dim)
    if lattice.value >= zador_upper_bound(dim):
        raise DataError(
            f"lattice_constant: not known for dimension {dim}; it lies between sphere_bound({dim}) = "
            f"{sphere_bound(dim):.6f} and zador_upper_bound({dim}) = {zador_upper_bound(dim):.6f}, and the best lattice "
            f"that can be stated here has {lattice.value:.6f} (best_lattice({dim}): {lattice.name})"
        )
    return lattice.value


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


def conway_sloane_bound(dim: int) -> float:
    """Return `(n + 3 - 2 H_{n+2}) / (4 n (n + 1)) (n + 1)^(1/n) n!^(4/n) f_n(n)^(2/n)`, a *conjectured* lower bound on G_n.

    H is the harmonic number, and f_n is Schläfli's function for the regular simplex: f_0 = f_1 = 1 and
    `f_n(x) = 1/π ∫_{n-1}^x f_{n-2}(y - 2) / (y sqrt(y² - 1)) dy`. Met with equality for n = 1, 2. Source: conway1985lower.

    Args:
        dim: dimension n, at most 64.

    Raises:
        DataError: n exceeds 64, beyond which the recursion has not been checked.
        UsageError: `dim` is not a whole number of at least 1.

    >>> round(conway_sloane_bound(24), 6)
    0.065608
    """
    number = as_count(dim, "dim")
    if number > _DEEPEST:
        raise DataError(f"conway_sloane_bound: kept up to dimension {_DEEPEST}, got {number}; use sphere_bound")
    harmonic = math.fsum(1 / k for k in range(1, number + 3))
    logs = math.log(number + 1) + 4 * math.lgamma(number + 1) + 2 * _log_simplex(number)
    return (number + 3 - 2 * harmonic) / (4 * number * (number + 1)) * math.exp(logs / number)


def _log_simplex(dim: int) -> float:
    """Return ln f_n(n), with y = n - 1 + u²: the same u serves y - 2 one level down, and f_n is smooth in it."""
    u: NDArray[np.float64] = 0.5 * (1 + chebyshev.chebpts1(_NODES))
    f: NDArray[Any] = np.ones(_NODES)
    scale = 0.0
    for n in range(2 + dim % 2, dim + 1, 2):
        y = n - 1 + u * u
        integrand = 2 * u * f / (math.pi * y * np.sqrt((n - 2 + u * u) * (n + u * u)))  # y² - 1, factored
        coefficients = chebyshev.chebint(chebyshev.chebfit(2 * u - 1, integrand, _NODES - 1), lbnd=-1, scl=0.5)
        top = float(chebyshev.chebval(1.0, coefficients))
        f, scale = np.asarray(chebyshev.chebval(2 * u - 1, coefficients)) / top, scale + math.log(top)
    return scale


def _with_products() -> dict[int, CellConstant]:
    best = {entry.dim: entry for entry in _PRINTED}
    for dim in range(1, LARGEST_DIM + 1):
        if dim not in best:
            splits = [(best[a], best[dim - a]) for a in range(dim - 1, dim // 2 - 1, -1)]
            best[dim] = min((_product(one, other) for one, other in splits), key=lambda entry: entry.value)
    return best


def _product(one: CellConstant, other: CellConstant) -> CellConstant:
    dim = one.dim + other.dim
    value = math.exp((one.dim * math.log(one.value) + other.dim * math.log(other.value)) / dim)
    return CellConstant(dim, f"{one.name} x {other.name}", value, "agrell2023best", "product")


_BEST = _with_products()
