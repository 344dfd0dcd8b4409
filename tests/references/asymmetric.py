"""Asymmetric distances one pair at a time, and all of them sorted."""

from __future__ import annotations

import numpy as np


def nearest_of_all(queries, vectors, k):
    """Return numbers and float64 squared distances of the k nearest vectors of each query, the lower number on ties."""
    queries, vectors = np.asarray(queries, np.float64), np.asarray(vectors, np.float64)
    indices, distances = [], []
    with np.errstate(over="ignore"):
        for query in queries:
            squared = ((query - vectors) ** 2).sum(axis=1)
            order = np.argsort(squared, kind="stable")[:k]
            indices.append(order)
            distances.append(squared[order])
    return np.array(indices, np.int64).reshape(-1, k), np.array(distances).reshape(-1, k)


def decoded_search(quantizer, indices, queries, k):
    """Return what a search among codes has to find: decode everything, compare everything, sort everything."""
    return nearest_of_all(queries, quantizer.decode(np.asarray(indices, np.int64)), k)
