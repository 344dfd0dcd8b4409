"""Nearest lattice points over cosets of the checkerboard, and by trying every point around; second moments from draws."""

from __future__ import annotations

import itertools

import numpy as np

# Dimension, scale and coset leaders: the lattice is the union of scale D_n + leader; volume of a cell.
_DESCRIBED = {
    "D4": (4, 1.0, [np.zeros(4)], 2.0),
    "E8": (8, 1.0, [np.zeros(8), np.full(8, 0.5)], 1.0),
    "D10+": (10, 1.0, [np.zeros(10), np.full(10, 0.5)], 1.0),
}


def second_moment(name, count, seed=0):
    """Return (G, standard error) of D4, E8, D10+ or the Barnes-Wall lattice from `count` uniform points."""
    dim, scale, _, volume = described(name)
    x = np.random.default_rng(seed).random((count, dim)) * 2 * scale
    moments = squared_distances(name, x) / (dim * volume ** (2 / dim))
    return moments.mean(), moments.std() / np.sqrt(count)


def squared_distances(name, x):
    """Return the squared distance of each row of x (N, n) to the lattice."""
    _, scale, cosets, _ = described(name)
    return np.min([scale**2 * _to_checkerboard((x - coset) / scale) for coset in cosets], axis=0)


def described(name):
    """Return dimension, scale, coset leaders and cell volume."""
    if name == "Barnes-Wall":
        return 16, 2.0, _first_order_reed_muller(), 2.0**12
    return _DESCRIBED[name]


def by_trying(x, shifts, even, low, high):
    """Return the squared distance of one vector to the nearest `y + shift`, low <= y <= high, sum of y even if asked for."""
    best = np.inf
    for shift in shifts:
        around = [
            range(int(max(a, np.floor(min(max(t, a), b)) - 1)), int(min(b, np.floor(min(max(t, a), b)) + 2)) + 1)
            for t, a, b in zip(x - shift, low, high, strict=True)
        ]
        points = np.array(list(itertools.product(*around)))
        allowed = points[points.sum(axis=1) % 2 == 0] if even else points
        if len(allowed):
            best = min(best, ((allowed + shift - x) ** 2).sum(axis=1).min())
    return best


def _to_checkerboard(x):
    """Squared distance to the integer points of even sum: round; if the sum is odd, give up the worst rounding."""
    nearest = np.rint(x)
    error = x - nearest
    return (error**2).sum(1) + (nearest.sum(1) % 2) * (1 - 2 * np.abs(error).max(1))


def _first_order_reed_muller():
    rows = np.array([[1] * 16, *([(i >> bit) & 1 for i in range(16)] for bit in range(4))])
    return [np.array(word) @ rows % 2 for word in itertools.product([0, 1], repeat=5)]
