"""The function ln c(y) of a squared-error Lagrangian over all of space: its values, its modes and a proven bound on it.

    c(y) = Σ_i w_i exp(-s |x_i - y|²),    w_i = p_i / Z_i

ln c(y) + s |y|² is a logarithm of a sum of exponentials of linear functions, so it is convex. On a box with half widths r
therefore ln c <= max over the corners of ln c, plus s |r|². Splitting the boxes where that is not yet small enough gives
a bound on sup_y ln c(y) that no hidden mode can break. Outside the bounding box of the points c only falls.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Bumps"]

_BLOCK = 1 << 20
_FIRST_BOXES = 4096
_LEAST_BATCH = 16
_STRETCH = 1.8


class Bumps:
    """A sum of Gaussian bumps of one width.

    Args:
        points: (n, d) centres x.
        log_weights: (n,) ln w.
        slope: s > 0 in nats per unit of squared error; the variance of a bump is 1 / (2 s).
    """

    def __init__(self, points: Floats, log_weights: Floats, slope: float) -> None:
        self.points, self.log_weights, self.slope = points, log_weights, slope
        self._offset = log_weights - slope * np.einsum("id,id->i", points, points)

    def log_c(self, y: Floats) -> Floats:
        """Return ln c at each of y (k, d)."""
        return self._look(y, move=False)[0]

    def climb(self, y: Floats, steps: int) -> tuple[Floats, Floats]:
        """Return y (k, d) after mean-shift steps (cheng1995mean), stretched by nearly 2, and ln c there."""
        for _ in range(steps):
            y = y + _STRETCH * (self._look(y, move=True)[1] - y)
        return y, self.log_c(y)

    def _look(self, y: Floats, *, move: bool) -> tuple[Floats, Floats]:
        values, means = np.empty(len(y)), np.empty_like(y)
        step = max(_LEAST_BATCH, _BLOCK // len(self.points))
        for start in range(0, len(y), step):
            some = y[start : start + step]
            exponent = some @ (2.0 * self.slope * self.points.T) + self._offset
            top = exponent.max(axis=1)
            kernel = np.exp(exponent - top[:, None])
            total = kernel.sum(axis=1)
            values[start : start + step] = np.log(total) + top - self.slope * np.einsum("kd,kd->k", some, some)
            if move:
                means[start : start + step] = (kernel @ self.points) / total[:, None]
        return values, means

    def supremum(self, tolerance: float, budget: float, known: float = -math.inf) -> tuple[float, float]:
        """Return (largest value seen, bound that no y exceeds), at most `tolerance` apart unless the budget ends first.

        Args:
            tolerance: in nats.
            budget: most pairs of y and x to look at.
            known: a value of ln c that is reached somewhere, if one is known already.
        """
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        dim = len(low)
        width = 1.0 / math.sqrt(2 * self.slope)
        counts = np.clip(np.ceil((high - low) / width), 1, max(1, int(_FIRST_BOXES ** (1 / dim)))).astype(int)
        half = (high - low) / counts / 2
        centres = _grid([low[k] + half[k] * (2 * np.arange(counts[k]) + 1) for k in range(dim)])
        best, settled = known, -math.inf
        corners = _grid([np.array([-1.0, 1.0])] * dim)
        while len(centres):
            vertices = (centres[:, None] + corners * half).reshape(-1, dim)
            # Neighbours share corners.
            _, one, again = np.unique(
                np.rint((vertices - low) / np.where(half > 0, half, 1.0)).astype(np.int64),
                axis=0,
                return_index=True,
                return_inverse=True,
            )
            values = self.log_c(vertices[one])[again.ravel()].reshape(len(centres), -1).max(axis=1)
            budget -= len(one) * len(self.points)
            best = max(best, float(values.max()))
            bounds = values + self.slope * float(half @ half)
            still = bounds > best + tolerance
            settled = max(settled, float(bounds[~still].max(initial=-math.inf)))
            if 2**dim * still.sum() * 2**dim * len(self.points) > budget:
                return best, max(best, settled, float(bounds.max()))
            half = half / 2
            centres = (centres[still][:, None] + corners * half).reshape(-1, dim)
        return best, max(best, settled)


def _grid(axes: list[Floats]) -> Floats:
    return np.array(list(itertools.product(*axes)))
