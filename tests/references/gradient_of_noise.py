"""Expected losses under Gaussian noise on the line, from erf and from Gauss-Hermite nodes: nothing is drawn."""

from __future__ import annotations

import numpy as np
from scipy import stats


def staircase(codewords, losses, x, sigma):
    """Return E f(nearest codeword of x + ε), ε ~ N(0, σ²), on the line: Σ_k f_k P(cell k)."""
    order = np.argsort(codewords)
    places, heights = np.asarray(codewords)[order], np.asarray(losses)[order]
    borders = np.concatenate([[-np.inf], (places[1:] + places[:-1]) / 2, [np.inf]])
    return float((heights * np.diff(stats.norm.cdf((borders - x) / sigma))).sum())


def smooth(function, x, sigma, nodes=120):
    """Return E function(x + ε) for ε ~ N(0, σ² I) by a tensor product of Gauss-Hermite rules; x (d,), d at most 2."""
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    grids = np.meshgrid(*[places] * len(x), indexing="ij")
    points = x + sigma * np.stack([grid.ravel() for grid in grids], axis=1)
    joint = np.prod(np.meshgrid(*[weights] * len(x), indexing="ij"), axis=0).ravel()
    return joint @ function(points)


def slope(function, x, step=1e-4):
    """Return central differences of function at x (d,)."""
    x = np.asarray(x, np.float64)
    rows = np.eye(len(x)) * step
    return np.array([(function(x + row) - function(x - row)) / (2 * step) for row in rows])
