"""The radial prices that prove most: maximise `E g(X) - K max_ρ F(ρ)`, a concave function of g.

The price is `g = g_0 Σ_b c_b B_b(r)`: a guess times a cubic spline. The guess is the least price at which a random Gaussian
codeword covers |x| = r with probability 1/K, a quantile of the noncentral chi-squared law. The maximum over a grid of ρ is
smoothed to `T ln Σ exp(F / T)`, which Newton's method with Levenberg's damping climbs while T falls.

Turned around, weights π over shells of codewords say what no price can exceed: with x free to be covered by the nearest 1/K
of the law of the codewords, `E_x max_t [t - K Σ_j π_j E (t - |x - Y_j|²)₊]` is at least `E g - K sup F` for every g.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.interpolate import BSpline, CubicSpline
from scipy.sparse import csr_array
from scipy.special import chndtrix, gammainccinv, gammaincinv, logsumexp

from zador.theory.kpoint.prices import Prices
from zador.theory.kpoint.shell import cover, log_radius_density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.shell import Cover

    Vector = NDArray[np.float64]

__all__ = ["OptimalPrices", "optimal_prices"]

_COEFFICIENTS = 64
_SHELLS, _SHELLS_HIGH_UP, _HIGH_UP = 256, 128, 6  # in six dimensions and more balls are wide
_DEGREE = 3
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_WIDEST_PANEL = 0.25
_LOST = 1e-7  # share of a price that may be given up in the two tails of |X|
_SMOOTHNESS = 1e-6  # of the least distortion, on squared second differences of the coefficients
_TEMPERATURES = (1e-1, 1e-2, 1e-3, 1e-4)  # times the least distortion, over K
_STEPS = 30
_STUCK = 1e8
_TABLE = 768
_BISECTIONS = 50
_NEGLIGIBLE = 1e-9
_MOST_RADII = 600
_SECOND = np.diff(np.eye(_COEFFICIENTS), 2, axis=0)
_ROUGHNESS = _SECOND.T @ _SECOND


class OptimalPrices(NamedTuple):
    """Prices for N(0, I_d) and what no prices can exceed.

    Attributes:
        prices: g.
        ceiling: upper bound on `E g - K sup F` over all g, to quadrature: how near `prices` come to the best. Infinite where
            the shells on which it rests would be too coarse for it.
    """

    prices: Prices
    ceiling: float


def optimal_prices(dim: int, codebook_size: int) -> OptimalPrices:
    """Return radial prices for `dim` dimensions and K = `codebook_size` >= 2 codewords.

    Args:
        dim: d >= 1.
        codebook_size: K; the work grows as K^(1/d).
    """
    problems = (_Problem.of(dim, codebook_size, variance) for variance in _guesses(dim, codebook_size))
    starts = [problem.best_multiple() for problem in problems]
    value, multiple, problem = max(starts, key=lambda start: start[0])
    scale = max(value, _shannon(dim, codebook_size))
    coefficients, shares = np.full(_COEFFICIENTS, multiple), np.empty(0)
    for temperature in _TEMPERATURES:
        coefficients, shares = problem.climb(coefficients, temperature * scale / codebook_size, scale)
    radii = np.linspace(problem.radii[0], problem.radii[-1], _TABLE)
    prices = np.exp(problem.log_guess(radii)) * (_basis(problem.knots, radii) @ coefficients)
    return OptimalPrices(Prices(dim, radii, prices), problem.ceiling(shares))


def _shannon(dim: int, codebook_size: int) -> float:
    return float(dim * codebook_size ** (-2.0 / dim))


def _range(dim: int, codebook_size: int) -> tuple[float, float]:
    """Return the radii between which prices are paid: beyond them next to nothing is lost by paying nothing."""
    lost = _LOST * codebook_size ** (-2.0 / dim)
    inner, outer = (math.sqrt(2.0 * float(inverse(0.5 * dim, lost))) for inverse in (gammaincinv, gammainccinv))
    return (0.0 if inner < 0.1 * outer else inner), outer


def _basis(knots: Vector, radii: Vector) -> csr_array:
    return BSpline.design_matrix(np.clip(radii, knots[0], knots[-1]), knots, _DEGREE)


def _guesses(dim: int, codebook_size: int) -> Vector:
    """Return variances of the random codeword, from below that of R(D) to above Zador's (d + 2) / d."""
    return np.geomspace(0.7 * -math.expm1(-2.0 * math.log(codebook_size) / dim), 1.1 * (dim + 2) / dim, 8)


class _State(NamedTuple):
    """The smoothed objective at some coefficients, its gradient, minus its Hessian, and the shares of the shells."""

    value: float
    gradient: Vector
    curvature: NDArray[np.float64]
    shares: Vector


@dataclass(frozen=True, eq=False)
class _Problem:
    """Fixed radii r_i with their probabilities, fixed shells ρ_j, and a basis for the price."""

    dim: int
    size: int
    radii: Vector
    probabilities: Vector
    shells: Vector
    log_guess: CubicSpline
    knots: Vector
    basis: csr_array  # (i, b): g_0(r_i) B_b(r_i)

    @classmethod
    def of(cls, dim: int, size: int, variance: float) -> _Problem:
        inner, outer = _range(dim, size)
        table = np.linspace(inner, outer, _TABLE)
        log_guess = CubicSpline(table, np.log(variance * chndtrix(1.0 / size, dim, table**2 / variance)))
        edges = [inner]
        while edges[-1] < outer:
            # A ball is smooth on the scale of its radius.
            edges.append(min(outer, edges[-1] + min(_WIDEST_PANEL, 0.5 * math.exp(0.5 * float(log_guess(edges[-1]))))))
        width = np.diff(edges)[:, None]
        radii = (np.array(edges[:-1])[:, None] + 0.5 * width * (_NODES + 1.0)).ravel()
        probabilities = (0.5 * width * _WEIGHTS).ravel() * np.exp(log_radius_density(dim, radii))
        shells = np.linspace(0.0, outer, _SHELLS if dim < _HIGH_UP else _SHELLS_HIGH_UP)
        inside = np.linspace(inner, outer, _COEFFICIENTS - _DEGREE + 1)
        knots = np.concatenate([[inner] * _DEGREE, inside, [outer] * _DEGREE])
        basis = csr_array(_basis(knots, radii).multiply(np.exp(log_guess(radii))[:, None]))
        return cls(dim, size, radii, probabilities, shells, log_guess, knots, basis)

    def best_multiple(self) -> tuple[float, float, _Problem]:
        """Return what the best multiple of the guess proves, and that multiple."""
        found = []
        for multiple in np.geomspace(0.5, 1.5, 7):
            price = self.basis @ np.full(_COEFFICIENTS, multiple)
            shell, node, covered = self._covered(price)
            paid = np.bincount(shell, self.probabilities[node] * covered.gain, len(self.shells))
            found.append((float(self.probabilities @ price - self.size * paid.max()), float(multiple)))
        return (*max(found), self)

    def climb(self, coefficients: Vector, temperature: float, scale: float) -> tuple[Vector, Vector]:
        """Return coefficients that maximise the smoothed objective, and the shares of the shells there."""
        damping, state = 1e-3, self._state(coefficients, temperature, scale)
        for _ in range(_STEPS):
            gain = 0.0
            while damping < _STUCK:
                # Far out next to nothing is at stake and the Hessian is next to singular: damping keeps steps short there.
                step = np.linalg.solve(state.curvature + damping * scale * np.eye(_COEFFICIENTS), state.gradient)
                promised = float(state.gradient @ step - 0.5 * step @ state.curvature @ step)
                trial = self._state(coefficients + step, temperature, scale)
                gain = trial.value - state.value
                if gain >= 0.1 * promised:
                    coefficients, state = coefficients + step, trial
                    damping = max(0.1 * damping, 1e-10) if gain > 0.5 * promised else damping
                    break
                damping *= 5.0
            if gain < 1e-3 * temperature * self.size:
                break
        return coefficients, state.shares

    def ceiling(self, shares: Vector) -> float:
        """Return `E_r [g - K Σ π_j gain_j]` at the price g that a codeword of law π covers with probability 1/K."""
        if len(self.radii) > _MOST_RADII:  # balls are smaller than what lies between two shells
            return math.inf
        used = shares > _NEGLIGIBLE
        shells, weights = self.shells[used], shares[used] / shares[used].sum()
        low = np.zeros_like(self.radii)
        high = (self.radii + shells[-1]) ** 2
        for _ in range(_BISECTIONS):
            price = 0.5 * (low + high)
            often = self._of_shells(price, shells).mass @ weights > 1.0 / self.size
            low, high = np.where(often, low, price), np.where(often, price, high)
        gain = self._of_shells(low, shells).gain @ weights
        return float(self.probabilities @ (low - self.size * gain))

    def _of_shells(self, price: Vector, shells: Vector) -> Cover:
        return cover(self.dim, self.radii[:, None], shells, price[:, None])

    def _covered(self, price: Vector) -> tuple[NDArray[np.intp], NDArray[np.intp], Cover]:
        """Return pairs (j, i) in which the ball of r_i may reach shell ρ_j, and what it covers."""
        root = np.sqrt(np.maximum(price, 0.0))
        inner = np.minimum.accumulate((self.radii - root)[::-1])[::-1]
        outer = np.maximum.accumulate(self.radii + root)
        start = np.searchsorted(outer, self.shells, side="right")
        count = np.maximum(np.searchsorted(inner, self.shells, side="left") - start, 0)
        shell = np.repeat(np.arange(len(self.shells)), count)
        node = np.arange(len(shell)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
        return shell, node, cover(self.dim, self.radii[node], self.shells[shell], price[node])

    def _state(self, coefficients: Vector, temperature: float, scale: float) -> _State:
        price = self.basis @ coefficients
        shell, node, covered = self._covered(price)
        paid = np.bincount(shell, self.probabilities[node] * covered.gain, len(self.shells))
        smooth = temperature * float(logsumexp(paid / temperature))
        shares = np.exp((paid - smooth) / temperature)
        slopes = (
            csr_array((self.probabilities[node] * covered.mass, (shell, node)), (len(self.shells), len(price))) @ self.basis
        )
        slopes = slopes.toarray()
        mean = shares @ slopes
        bend = np.bincount(node, shares[shell] * self.probabilities[node] * covered.density, len(price))
        spread = (slopes * shares[:, None]).T @ slopes - np.outer(mean, mean)
        curved = (self.basis.T @ self.basis.multiply(bend[:, None])).toarray()
        rough = _SMOOTHNESS * scale * _ROUGHNESS
        return _State(
            float(self.probabilities @ price - self.size * smooth - 0.5 * coefficients @ rough @ coefficients),
            self.basis.T @ self.probabilities - self.size * mean - rough @ coefficients,
            self.size * (curved + spread / temperature) + rough,
            shares,
        )
