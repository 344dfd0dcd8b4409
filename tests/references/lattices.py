"""Second moments of lattices by drawing points and finding the nearest lattice point over cosets of the checkerboard."""

from __future__ import annotations

import itertools

import numpy as np


def second_moment(name, count, seed=0):
    """Return (G, standard error) of D4, E8, D10+ or the Barnes-Wall lattice from `count` uniform points."""
    rng = np.random.default_rng(seed)
    if name == "Barnes-Wall":
        dim, scale, cosets, volume = 16, 2.0, _first_order_reed_muller(), 2.0**12
    else:
        dim, scale = {"D4": 4, "E8": 8, "D10+": 10}[name], 1.0
        cosets = [np.zeros(dim)] if name == "D4" else [np.zeros(dim), np.full(dim, 0.5)]
        volume = 2.0 / len(cosets)
    x = rng.random((count, dim)) * 2 * scale
    squared = np.min([scale**2 * _to_checkerboard((x - coset) / scale) for coset in cosets], axis=0)
    moments = squared / (dim * volume ** (2 / dim))
    return moments.mean(), moments.std() / np.sqrt(count)


def _to_checkerboard(x):
    """Squared distance to the integer points of even sum: round; if the sum is odd, give up the worst rounding."""
    nearest = np.rint(x)
    error = x - nearest
    return (error**2).sum(1) + (nearest.sum(1) % 2) * (1 - 2 * np.abs(error).max(1))


def _first_order_reed_muller():
    rows = np.array([[1] * 16, *([(i >> bit) & 1 for i in range(16)] for bit in range(4))])
    return [np.array(word) @ rows % 2 for word in itertools.product([0, 1], repeat=5)]
