"""The distance between two normal laws, by its definition with matrix roots; and what published code makes of it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import sqrtm


def moments(x):
    """Return the mean and the covariance of rows, divided by their number."""
    return x.mean(axis=0), np.cov(x.T, bias=True).reshape(x.shape[1], x.shape[1])


def squared_distance(first, second):
    """Return W2² between N(m, A) and N(n, B): |m - n|² + tr (A + B - 2 (A^½ B A^½)^½)."""
    (m, a), (n, b) = first, second
    root = sqrtm(a)
    return float(((m - n) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(root @ b @ root))))


def by_eigh_of_the_product(first, second):
    """Return the same with the roots of the eigenvalues that `eigh` finds for AB, of which it reads the lower half."""
    (m, a), (n, b) = first, second
    roots = np.sqrt(np.maximum(np.linalg.eigh(a @ b)[0], 0)).sum()
    return float(((m - n) ** 2).sum() + np.trace(a + b) - 2 * roots)
