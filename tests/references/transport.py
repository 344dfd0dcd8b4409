"""Optimal transport by other means: a linear programme, and Sinkhorn's scaling as the textbook has it."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array


def cheapest_plan(costs, masses):
    """Return the plan (N, K) of least cost with row sums 1 and column sums N m_k, by the simplex method."""
    count, size = costs.shape
    entry = np.arange(count * size)
    rows = coo_array((np.ones(count * size), (entry // size, entry)))
    columns = coo_array((np.ones(count * size), (entry % size, entry)))
    constraints = np.concatenate([rows.toarray(), columns.toarray()])
    wanted = np.concatenate([np.ones(count), count * np.asarray(masses)])
    found = linprog(costs.ravel(), A_eq=constraints, b_eq=wanted, bounds=(0, None), method="highs-ds")
    assert found.status == 0
    return found.x.reshape(count, size)


def scaled(costs, epsilon, masses, turns):
    """Return the entropic plan (N, K): `diag(u) exp(-C / ε) diag(v)`, u and v in turn, in float64."""
    kernel = np.exp(-costs / epsilon)
    v = np.ones(costs.shape[1])
    for _ in range(turns):
        u = 1 / (kernel @ v)
        v = len(costs) * np.asarray(masses) / (kernel.T @ u)
    return u[:, None] * kernel * v
