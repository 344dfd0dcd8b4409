"""Descent on the relaxed problem: particles move to the mean of what they serve, mass flows to where it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.theory.kpoint.covered import climb
from zador.theory.kpoint.nodes import Nodes
from zador.theory.kpoint.particles import Particles, serve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.particles import Service

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

__all__ = ["relax"]

_STEPS = 64
_MOVES = 8
_SMALLEST = 1e-3
_PACE = 0.3
_QUICK = 4
_INSERTED = 16, 24, 32, 40, 48
_ADDED = 4
_ENOUGH, _PLACES = 8192, 48


def relax(nodes: Nodes, codebook_size: int, copies: int, rng: np.random.Generator) -> Particles:
    """Return particles that nearly minimise the relaxed distortion `E Σ_j parts_j(x) |x - c_j|²`.

    A step moves every particle to the mean of what it serves, as Lloyd's does, and multiplies its share by a power of
    `F_j = E (g(x) - |x - c_j|²)₊`, how much x would pay for more mass there: at the optimum all F_j are alike. Half of
    the steps look at a quarter of the nodes.

    Args:
        nodes: what stands for the source; particles share its mirror symmetries.
        codebook_size: K.
        copies: about how many particles stand for a codeword.
        rng: draws the particles from x.
    """
    x, weights, flips = nodes
    base = min(max(1, round(copies * codebook_size / len(flips))), len(x))
    points, shares = x[rng.choice(len(x), base, replace=False)], np.full(base, codebook_size / (base * len(flips)))
    quick = slice(None, None, _QUICK if len(x) > 2 * _QUICK * base else 1)
    for step in range(_STEPS):
        rows = quick if step < _STEPS // 2 else slice(None)
        some = Nodes(x[rows], weights[rows] / weights[rows].sum(), flips)
        particles = _mirrored(points, shares, flips)
        service = serve(some.x, particles)
        wanted = _together(_wanted(service, some.weights, len(particles.points)), flips)
        pace = 0.0 if step < _MOVES else _PACE / (1.0 + max(0, step - _STEPS // 3) / _MOVES)
        points = _moved(some, particles, service)
        shares = _shifted(shares, wanted, pace)
        if step in _INSERTED:
            points, shares = _with_peaks(some, service.prices, points, shares)
    return _mirrored(points, shares, flips)


def _with_peaks(nodes: Nodes, prices: Vector, points: Matrix, shares: Vector) -> tuple[Matrix, Vector]:
    """Add particles where F is highest: descent moves particles, but leaves holes that have none."""
    thin = max(1, len(nodes.x) // _ENOUGH)
    few, asked = nodes.x[::thin], prices[::thin]
    weights = nodes.weights[::thin] / nodes.weights[::thin].sum()
    # A hole is often where coordinates vanish, as the centre is: particles, with their last coordinates struck out.
    starts = np.concatenate([points[:: max(1, len(points) // _PLACES)] * keep for keep in np.tri(points.shape[1])])
    starts = np.concatenate([starts, np.zeros((1, points.shape[1]))])
    peaks = climb(Nodes(few, weights, nodes.flips).whole(), np.tile(asked, len(nodes.flips)), starts, _ADDED)
    total = shares.sum()
    together = np.append(shares, np.full(len(peaks), shares.mean()))
    return np.concatenate([points, peaks]), together * (total / together.sum())


def _mirrored(points: Matrix, shares: Vector, flips: Matrix) -> Particles:
    return Particles((flips[:, None] * points).reshape(-1, points.shape[1]), np.tile(shares, len(flips)))


def _together(values: NDArray[Any], flips: Matrix) -> NDArray[Any]:
    """Sum over mirror images, which are the slow axis of `_mirrored`."""
    return np.asarray(values.reshape(len(flips), -1, *values.shape[1:]).sum(axis=0))


def _wanted(service: Service, mass: Vector, size: int) -> Vector:
    gain = np.maximum(service.prices[:, None] - service.squared_distances, 0.0) * mass[:, None]
    return np.asarray(np.bincount(service.indices.ravel(), gain.ravel(), size), np.float64)


def _moved(nodes: Nodes, particles: Particles, service: Service) -> Matrix:
    from scipy.sparse import csr_array

    count, near = service.indices.shape
    rows = np.arange(0, count * near + 1, near)
    parts = (service.parts * nodes.weights[:, None]).ravel()
    given = csr_array((parts, service.indices.ravel(), rows), shape=(count, len(particles.points)))
    served = _together(np.asarray(given.sum(axis=0)), nodes.flips)[:, None]
    sums = _together(given.T @ nodes.x * np.repeat(nodes.flips, len(served), axis=0), nodes.flips)
    stayed = particles.points[: len(served)]
    return np.where(served > 0, sums / np.maximum(served, np.finfo(float).tiny), stayed)


def _shifted(shares: Vector, wanted: Vector, pace: float) -> Vector:
    if pace == 0.0 or not wanted.any():
        return shares
    total, even = shares.sum(), shares.mean()
    moved = shares * np.maximum(wanted / wanted.mean(), np.finfo(float).tiny) ** pace
    moved = np.clip(moved * (total / moved.sum()), _SMALLEST * even, 1.0)
    return np.asarray(moved * (total / moved.sum()))
