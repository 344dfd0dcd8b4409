"""k-means++ with the probabilities written out."""

from __future__ import annotations

import numpy as np

from references.search import brute_force


def next_probabilities(x, chosen, weights=None):
    """Return p_n = w_n D²(x_n) / Σ w D², D the distance to the nearest of the rows `chosen`."""
    weights = np.ones(len(x)) if weights is None else weights
    mass = weights * brute_force(x, x[chosen])[1]
    return mass / mass.sum()
