"""Radial prices g(|x|) and what they prove: `D_K >= E g(X) - K sup_c F(c)` with `F(c) = E (g(X) - |X - c|²)₊`.

For X ~ N(0, I_d) and radial g, F depends on ρ = |c| alone and is an integral over r = |X| of `shell.cover`. Each
`(g - |x - c|²)₊ + |c|²` is a maximum of two convex functions of c, so `F + ρ²` is convex along a line; and because the
second slope of F is nowhere below -2 P(|X - c|² < g(X)),

    F <= the chord of F over [a, b] + M (ρ - a)(b - ρ),    M >= P(|X - c|² < g(X)) for all ρ in [a, b]

which encloses the supremum between the points at which F was integrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from zador.theory.kpoint.shell import cover, log_radius_density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

__all__ = ["Enclosure", "Prices"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
# Panels a piece for windows up to each width: wide ones reach into the tails and hold most of their mass in a part.
_WIDTHS, _PANELS = np.array([0.1, 0.5, 2.0]), np.array([4, 4, 8, 16])
_FINER = 3
_KNOTS_A_CELL = 8
_CHUNK = 1 << 15
_START = 257
_MOST_CENTRES = 1 << 15
_CHECKED = 512
_SAFETY = 2.0


class Enclosure(NamedTuple):
    """An upper end for a number, and the part of it that only allows for quadrature.

    Attributes:
        upper: the number is at most this.
        attained: the largest value found.
        quadrature: how much of `upper` allows for the error of quadrature, as estimated on a finer grid.
    """

    upper: float
    attained: float
    quadrature: float


class _Ends(NamedTuple):
    """One end of every cell: where it is and F there."""

    centre: Vector
    paid: Vector

    def of(self, chosen: NDArray[np.bool_]) -> _Ends:
        return _Ends(self.centre[chosen], self.paid[chosen])

    def and_(self, other: _Ends) -> _Ends:
        return _Ends(np.concatenate([self.centre, other.centre]), np.concatenate([self.paid, other.paid]))


@dataclass(frozen=True, eq=False)
class Prices:
    """The cubic spline g through (`radii`, `prices`), for X ~ N(0, I_dim); outside the radii nothing is paid.

    Attributes:
        dim: d.
        radii: (m,) ascending |x|.
        prices: (m,) g there, in squared units of a source with variance 1 per axis.
    """

    dim: int
    radii: Vector
    prices: Vector

    @cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(self.radii, self.prices)

    @cached_property
    def _reach(self) -> tuple[Vector, Vector, Vector, Vector]:
        """Radii; the smallest r - √g from each on; the largest r + √g up to each; the largest √g - r from each on."""
        cells = (len(self.radii) - 1) * _KNOTS_A_CELL
        radii = np.linspace(self.radii[0], self.radii[-1], cells + 1)
        root = np.sqrt(np.maximum(self._spline(radii), 0.0))
        inner, around = radii - root, root - radii
        return (
            radii,
            np.minimum.accumulate(inner[::-1])[::-1],
            np.maximum.accumulate(radii + root),
            np.maximum.accumulate(around[::-1])[::-1],
        )

    def mean(self) -> tuple[float, float]:
        """Return `E g(X)` and the estimated error of its quadrature."""
        values = [self._mean(per_cell) for per_cell in (1, 2)]
        return values[1], _SAFETY * abs(values[1] - values[0])

    def _mean(self, per_cell: int) -> float:
        edges = np.linspace(self.radii[0], self.radii[-1], (len(self.radii) - 1) * per_cell + 1)
        radius, weight = _nodes(edges[:-1], edges[1:], 1)
        return float((weight * self._spline(radius) * np.exp(log_radius_density(self.dim, radius))).sum())

    def paid(self, centres: Vector, *, finer: bool = False) -> Vector:
        """Return `F(ρ)` for each ρ of `centres`; `finer` integrates over more panels, and wider than where g pays."""
        return self._over_windows(centres, np.zeros_like(centres), gain=True, finer=finer)

    def mass(self, centres: Vector, reach: Vector, *, finer: bool = False) -> Vector:
        """Return `P(|X - c| < √g(X) + reach)`, at least the mass that any centre within `reach` of c covers."""
        return self._over_windows(centres, reach, gain=False, finer=finer)

    def supremum(self, slack: float) -> Enclosure:
        """Return an enclosure of `sup_ρ F(ρ)` over all ρ >= 0, refined until `slack` or the budget of centres is reached."""
        edges = np.linspace(0.0, float(self._reach[2][-1]), _START)  # farther out no ball reaches any price
        paid = self.paid(edges)
        left, right = _Ends(edges[:-1], paid[:-1]), _Ends(edges[1:], paid[1:])
        settled, used = -np.inf, _START
        centres, found = [edges], [paid]
        while True:
            bounds = self._over_cells(left, right)
            attained = max(float(values.max()) for values in found)
            open_ = bounds > attained + slack
            settled = max(settled, float(bounds[~open_].max(initial=-np.inf)))
            if not open_.any() or used + int(open_.sum()) > _MOST_CENTRES:
                break
            left, right = left.of(open_), right.of(open_)
            centre = 0.5 * (left.centre + right.centre)
            middle = _Ends(centre, self.paid(centre))
            centres.append(middle.centre)
            found.append(middle.paid)
            used += len(centre)
            left, right = left.and_(middle), middle.and_(right)
        error = self._error(np.concatenate(centres), np.concatenate(found))
        upper = max(settled, float(bounds[open_].max(initial=-np.inf)), attained)
        return Enclosure(upper + error, attained, error)

    def _over_cells(self, left: _Ends, right: _Ends) -> Vector:
        """Return the maximum of chord + M (ρ - a)(b - ρ) over each cell."""
        width, rise = right.centre - left.centre, right.paid - left.paid
        # The mass only bends the bound between two centres, so that a few per cent to spare cost nothing.
        mass = 1.05 * self.mass(left.centre + 0.5 * width, 0.55 * width) + np.finfo(np.float64).tiny
        at = np.clip(0.5 + 0.5 * rise / (mass * width**2), 0.0, 1.0)
        return np.asarray(left.paid + at * rise + mass * width**2 * at * (1 - at))

    def _error(self, centres: Vector, paid: Vector) -> float:
        """Return the largest change of F that finer quadrature makes, with a margin, where F is largest and elsewhere."""
        order = np.argsort(paid)[::-1]
        spread = order[np.linspace(0, len(order) - 1, _CHECKED).astype(int)]
        chosen = np.unique(np.concatenate([order[:_CHECKED], spread]))
        return _SAFETY * float(np.abs(self.paid(centres[chosen], finer=True) - paid[chosen]).max())

    def _over_windows(self, centres: Vector, reach: Vector, *, gain: bool, finer: bool) -> Vector:
        start, kink, stop = self._window(centres, reach, padded=finer)
        panels = _PANELS[np.searchsorted(_WIDTHS, stop - start)] * (_FINER if finer else 1)
        result = np.empty_like(centres)
        for count in np.unique(panels):
            rows = np.flatnonzero(panels == count)
            for chunk in np.array_split(rows, -(-len(rows) * int(count) // _CHUNK)):
                pieces = zip(_nodes(start[chunk], kink[chunk], count), _nodes(kink[chunk], stop[chunk], count), strict=True)
                radius, weight = (np.concatenate(pair, axis=1) for pair in pieces)
                result[chunk] = self._integral(radius, weight, centres[chunk, None], reach[chunk, None], gain=gain)
        return result

    def _window(self, centres: Vector, reach: Vector, *, padded: bool) -> tuple[Vector, Vector, Vector]:
        """Return between which radii balls reach the centre, and where they end to cover their sphere whole: a kink."""
        radii, inner, outer, around = self._reach
        pad = (radii[1] - radii[0]) * (1.0 if padded else 0.02)
        start = np.clip(np.interp(centres - reach, outer, radii) - pad, radii[0], radii[-1])
        stop = np.clip(np.interp(centres + reach, inner, radii) + pad, start, radii[-1])
        return start, np.clip(np.interp(reach - centres, -around, radii), start, stop), stop

    def _integral(self, radius: Vector, weight: Vector, centre: Vector, reach: Vector, *, gain: bool) -> Vector:
        price = self._spline(radius)
        if reach.any():
            price = np.where(price > 0, (np.sqrt(np.maximum(price, 0.0)) + reach) ** 2, price)
        covered = cover(self.dim, radius, centre, price)
        weight = weight * np.exp(log_radius_density(self.dim, radius))
        return np.asarray((weight * (covered.gain if gain else covered.mass)).sum(axis=1))


def _nodes(start: Vector, stop: Vector, panels: int) -> tuple[Vector, Vector]:
    """Return Gauss–Legendre nodes and weights (n, 8 panels) of each interval, crowded towards both of its ends.

    With r = start + (stop - start)(3 u² - 2 u³), panels equal in u: fractional powers at the ends become smooth.
    """
    u = ((np.arange(panels)[:, None] + 0.5 * (_NODES + 1.0)) / panels).ravel()
    weight = 6.0 * u * (1.0 - u) * np.tile(0.5 * _WEIGHTS / panels, panels)
    width = (stop - start)[:, None]
    return start[:, None] + width * (u * u * (3.0 - 2.0 * u)), width * weight
