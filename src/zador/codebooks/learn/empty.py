"""What Lloyd's algorithm does with codewords that no vector chose: policies are functions that edit sums and usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmptyPolicy", "keep_empty", "relocate_empty"]

# (sums (K, d), usage (K,), x (N, d), weights (N,) or None, indices (N,), squared distances (N,)): edits the first two.
EmptyPolicy = Callable[
    [
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[Any],
        NDArray[np.float64] | None,
        NDArray[np.int64],
        NDArray[np.float64],
    ],
    None,
]


def keep_empty(*_edited_and_seen: Any) -> None:
    """Leave an empty cell's codeword where it is."""


def relocate_empty(
    sums: NDArray[np.float64],
    usage: NDArray[np.float64],
    x: NDArray[Any],
    weights: NDArray[np.float64] | None,
    indices: NDArray[np.int64],
    squared: NDArray[np.float64],
) -> None:
    """Move each empty cell's codeword onto one of the vectors that lie farthest from theirs, and out of the old cell.

    The sum of squared errors falls by at least that vector's share, so the objective still never increases. This is what
    scikit-learn does [pedregosa2011scikit]. A vector that lies on its codeword is never taken.
    """
    empty = np.flatnonzero(usage == 0)
    if len(empty) == 0:
        return
    mass = np.ones(len(x)) if weights is None else weights
    reachable = np.where(mass > 0, squared, 0.0)
    far = np.argpartition(reachable, -min(len(empty), len(x)))[-len(empty) :]
    far = far[np.argsort(-reachable[far], kind="stable")]
    for cell, row in zip(empty, far[reachable[far] > 0], strict=False):
        vector = mass[row] * x[row].astype(np.float64)
        old = indices[row]
        if usage[old] <= mass[row]:  # the last vector of its cell: taking it would only move the hole
            continue
        sums[old] -= vector
        usage[old] -= mass[row]
        sums[cell], usage[cell] = vector, mass[row]
