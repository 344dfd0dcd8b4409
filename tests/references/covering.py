"""Slow, obvious versions of what particles do: service by a walk, coverage by a loop, the relaxed optimum by a programme."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import block_diag, eye_array, hstack, kron


def brute_service(x: NDArray[Any], points: NDArray[Any], shares: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the price and the distortion of each x, walking from the nearest particle outwards."""
    prices, distortions = [], []
    for row in x:
        squared = [float(((row - point) ** 2).sum()) for point in points]
        order = sorted(range(len(points)), key=squared.__getitem__)

        def radius(mass: float, order: list[int] = order, squared: list[float] = squared) -> float:
            held = 0.0
            for j in order:
                held += float(shares[j])
                if held >= mass:
                    break
            return squared[j]

        left, distortion = 1.0, 0.0
        for j in order:
            part = min(left, float(shares[j]))
            left -= part
            distortion += part * squared[j]
        # 600 midpoints between 0.85 and 1.15: exact for shares that are multiples of 0.05.
        prices.append(sum(radius(0.85 + 0.3 * (i + 0.5) / 600) for i in range(600)) / 600)
        distortions.append(distortion)
    return np.array(prices), np.array(distortions)


def brute_coverage(x: NDArray[Any], prices: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of `(g(x) - |x - c|²)₊` for each place c."""
    return np.array(
        [sum(max(0.0, g - ((row - c) ** 2).sum()) for row, g in zip(x, prices, strict=True)) / len(x) for c in places]
    )


def relaxed_optimum(x: NDArray[Any], places: NDArray[Any], size: int) -> float:
    """Return the least `mean Σ_j parts_nj |x_n - c_j|²` with `0 <= parts_nj <= mass_j`, `Σ_j parts_nj = 1`, `Σ mass = K`."""
    rows, columns = len(x), len(places)
    squared = np.square(x[:, None] - places).sum(axis=2)
    cost = np.concatenate([squared.ravel() / rows, np.zeros(columns)])
    capacity = hstack([eye_array(rows * columns), kron(-np.ones((rows, 1)), eye_array(columns))])
    served = block_diag([kron(eye_array(rows), np.ones((1, columns))), np.ones((1, columns))])
    wanted = np.append(np.ones(rows), float(size))
    found = linprog(cost, capacity, np.zeros(rows * columns), served, wanted, method="highs-ipm")
    return float(found.fun)
