"""Nearest codewords one pair at a time, as the definition says."""

from __future__ import annotations

import numpy as np


def brute_force(x, codebook):
    """Return the float64 argmin over k of ||x - c_k||² (lowest k on ties) and the minimum."""
    x, codebook = np.asarray(x, np.float64), np.asarray(codebook, np.float64)
    indices, distances = [], []
    for row in x:
        squared = ((row - codebook) ** 2).sum(axis=-1)
        indices.append(int(np.argmin(squared)))
        distances.append(float(squared.min()))
    return np.array(indices, np.int64), np.array(distances)
