"""A uniformly random point on a sphere: how often, and by how much, a ball around another point covers it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import betainc, gammaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Cover", "cover", "log_radius_density"]


class Cover(NamedTuple):
    """What a ball of squared radius t around c does with the sphere |x| = r; X is uniform on the sphere.

    Attributes:
        gain: `E (t - |X - c|²)₊`.
        mass: `P(|X - c|² < t)`, the slope of `gain` in t.
        density: the slope of `mass` in t. In one dimension, where the mass jumps, it is 0.
    """

    gain: NDArray[np.float64]
    mass: NDArray[np.float64]
    density: NDArray[np.float64]


def cover(dim: int, radius: NDArray[np.float64], centre: NDArray[np.float64], price: NDArray[np.float64]) -> Cover:
    """Return `E (t - |X - c|²)₊` and its two slopes in t, for X uniform on the sphere of radius r in `dim` dimensions.

    The cosine U between X and c has density `∝ (1 - u²)^((d-3)/2)`, and `|X - c|² < t` is `U > u = (r² + ρ² - t) / 2rρ`.
    With `s = (1 - u) / 2` and I the regularised incomplete beta function

        mass = I_s((d-1)/2, (d-1)/2)        gain = 2rρ (E[U; U > u] - u mass)

    Args:
        dim: d.
        radius: r >= 0, in units of the data.
        centre: ρ = |c| >= 0, broadcast against r.
        price: t, in squared units of the data, broadcast against r; a ball of negative t is empty.

    >>> cover(3, np.array([1.0]), np.array([1.0]), np.array([2.0])).mass  # a half-space
    array([0.5])
    """
    near = price - (radius - centre) ** 2
    if dim == 1:
        far = price - (radius + centre) ** 2
        gain = 0.5 * (np.maximum(near, 0.0) + np.maximum(far, 0.0))
        return Cover(gain, 0.5 * ((near > 0) + 1.0 * (far > 0)), np.zeros_like(gain))
    across = np.maximum(4.0 * radius * centre, np.finfo(np.float64).tiny)
    # near / across and not (1 - u) / 2: for small balls u is too near 1 to be subtracted from it.
    with np.errstate(over="ignore"):
        share = np.clip(near / across, 0.0, 1.0)
    half = 0.5 * (dim - 1)
    mass = betainc(half, half, share)
    log_scale = gammaln(0.5 * dim) - gammaln(half) - 0.5 * math.log(math.pi)
    with np.errstate(divide="ignore"):  # the ends of the cosine
        log_sine = np.log(4.0 * share * (1.0 - share))
    first_moment = np.exp(log_scale + half * log_sine) / (2.0 * half)
    partly = 0.5 * across * np.maximum(first_moment - (1.0 - 2.0 * share) * mass, 0.0)
    gain = np.where(share >= 1.0, price - radius**2 - centre**2, np.where(share > 0.0, partly, 0.0))
    inside = (share > 0.0) & (share < 1.0)
    log_slope = math.log(2.0) + log_scale + (half - 1.0) * np.where(inside, log_sine, 0.0) - np.log(across)
    return Cover(gain, mass, np.where(inside, np.exp(np.where(inside, log_slope, 0.0)), 0.0))


def log_radius_density(dim: int, radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the density of |X| for X ~ N(0, I_d): `(1 - d/2) ln 2 - ln Γ(d/2) + (d - 1) ln r - r²/2`.

    >>> bool(np.isclose(np.exp(log_radius_density(2, np.array([1.0])))[0], math.exp(-0.5)))
    True
    """
    constant = (1 - 0.5 * dim) * math.log(2.0) - gammaln(0.5 * dim)
    with np.errstate(divide="ignore"):
        growth = (dim - 1) * np.log(radius) if dim > 1 else 0.0
    return np.asarray(constant + growth - 0.5 * radius**2)
