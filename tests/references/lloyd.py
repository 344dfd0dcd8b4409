"""Lloyd's algorithm with Python loops over cells, as the definition says."""

from __future__ import annotations

import numpy as np

from references.search import brute_force


def lloyd(x, start, iterations, weights=None):
    """Return the codewords after `iterations` updates and the weighted mean distortion before each and after the last."""
    weights = np.ones(len(x)) if weights is None else weights
    codewords, history = np.array(start, np.float64), []
    for _ in range(iterations):
        indices, squared = brute_force(x, codewords)
        history.append(np.average(squared, weights=weights))
        for k in range(len(codewords)):
            mine = indices == k
            if weights[mine].sum() > 0:
                codewords[k] = np.average(x[mine], axis=0, weights=weights[mine])
    history.append(np.average(brute_force(x, codewords)[1], weights=weights))
    return codewords, history
