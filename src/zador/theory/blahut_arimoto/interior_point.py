"""The best weights of a mixture by a primal-dual interior point: 20 to 40 steps where Blahut–Arimoto needs thousands.

    minimise  -Σ_i p_i ln (K q)_i + Σ_j q_j     over q >= 0

whose solution sums to 1. The optimality conditions are 1 - c(q) = z, q z = 0 with q, z >= 0; Newton's method follows
q z = μ to μ = 0 with a predictor and a corrector. Sources: koenker2014convex, mehrotra1992implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["best_weights", "relative_kernel"]

_STEPS = 80
_SHRINKS = 12
_TO_BOUNDARY = 0.99
_SMALL = 1e9
_NOTHING = -46.0
_ROWS = 2048
_DUST = (1e-8, 1e-10, 1e-13, 1e-17, 1e-22, 1e-30)


def best_weights(kernel: Floats, p: Floats, start: Floats, tolerance: float) -> Floats:
    """Return the (k,) weights, summing to 1, that minimise `-Σ p ln (K q)` to within `tolerance` nats.

    Args:
        kernel: (n, k) numbers at least 0, each row with a positive one.
        p: (n,) probabilities.
        start: (k,) positive weights to begin with.
        tolerance: stop when `max ln c - Σ q c ln c` is below this, in nats.

    Returns:
        The weights that were best by that measure, also when it could not be brought below `tolerance`.

    >>> best_weights(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([0.5, 0.5]), np.array([0.1, 0.9]), 1e-12).round(6)
    array([0.5, 0.5])
    """
    if kernel.shape[0] * kernel.shape[1] ** 2 < _SMALL:
        with threadpool_limits(1, user_api="blas"):  # threads that wait for each other cost more than so little work
            return _follow(kernel, p, start, tolerance)
    return _follow(kernel, p, start, tolerance)


def relative_kernel(exponent: Floats) -> Floats:
    """Return exp(exponent) over its largest in each row, (n, k), with zeros below 1e-20; `exponent` is overwritten.

    Zeros cost nothing; numbers near the end of the range of floats cost several times what others do.

    >>> relative_kernel(np.array([[-3.0, -3.0, -99.0]]))
    array([[1., 1., 0.]])
    """
    exponent -= exponent.max(axis=1, keepdims=True)
    np.putmask(exponent, exponent < _NOTHING, -np.inf)
    return np.exp(exponent, out=exponent)


def _follow(kernel: Floats, p: Floats, start: Floats, tolerance: float) -> Floats:
    state = _State(kernel, p, start / start.sum(), None)
    best, least = state.q, state.gap
    for _ in range(_STEPS):
        if least <= tolerance:
            break
        moved = state.step()
        if moved is None:
            break
        state = moved
        if state.gap < least:
            best, least = state.q, state.gap
    return _without_dust(kernel, p, best / best.sum(), max(tolerance, 2 * least))


def _without_dust(kernel: Floats, p: Floats, q: Floats, tolerance: float) -> Floats:
    """Return q with its smallest weights at zero, as many as the certificate allows: far tails need weights of 1e-15."""
    for least in _DUST:
        swept = np.where(q > least, q, 0.0)
        swept /= swept.sum()
        if not (kernel @ swept > 0).all():
            continue
        if _State(kernel, p, swept, None).gap <= tolerance:
            return swept
    return q


class _State:
    def __init__(self, kernel: Floats, p: Floats, q: Floats, z: Floats | None) -> None:
        self.kernel, self.p, self.q = kernel, p, q
        self.ratio = kernel @ q
        self.c = (p / self.ratio) @ kernel
        self.z = np.maximum(1.0 - self.c, 0.1) if z is None else z
        self.mu = float(self.q @ self.z) / len(q)
        self.residual = float(np.abs(1.0 - self.c - self.z).max())

    @property
    def gap(self) -> float:
        """The certificate of the weights scaled to sum to 1."""
        total = self.q.sum()
        c = self.c * total
        used = c > 0
        log_c = np.log(c[used])
        return float(log_c.max() - (self.q[used] / total * c[used]) @ log_c)

    def step(self) -> _State | None:
        """Return the state after one predictor-corrector step, or None if none helps."""
        newton = self._newton()
        if newton is None:
            return None
        dq, dz = newton(0.0, 0.0)
        # How far the plain Newton step gets says how much to aim at the centre.
        reach = min(_reach(self.q, dq), _reach(self.z, dz))
        ahead = float((self.q + reach * dq) @ (self.z + reach * dz)) / len(self.q)
        centring = (ahead / self.mu) ** 3
        dq, dz = newton(centring * self.mu, dq * dz)
        reach = _TO_BOUNDARY * min(_reach(self.q, dq), _reach(self.z, dz))
        for _ in range(_SHRINKS):
            moved = _State(self.kernel, self.p, self.q + reach * dq, self.z + reach * dz)
            # The residual is not linear in the step: shrink it until gap and residual together come down.
            if moved.mu + moved.residual < (1 - 1e-3 * reach) * (self.mu + self.residual) or moved.gap < self.gap:
                return moved
            reach *= 0.5
        return None

    def _newton(self) -> Callable[[float, Floats | float], tuple[Floats, Floats]] | None:
        by_row, spread = np.sqrt(self.p) / self.ratio, np.sqrt(self.q / self.z)
        rows, columns = self.kernel.shape
        wide = columns > rows
        weighted = self.kernel * by_row[:, None] * spread if wide else np.empty((0, columns))
        matrix = weighted @ weighted.T if wide else _gram(self.kernel, by_row, spread)
        matrix[np.diag_indices_from(matrix)] += 1.0
        try:
            factor = cho_factor(matrix, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            return None

        def solve(right: Floats) -> Floats:
            right = spread * right
            if wide:
                return np.asarray(spread * (right - weighted.T @ cho_solve(factor, weighted @ right, check_finite=False)))
            return np.asarray(spread * cho_solve(factor, right, check_finite=False))

        def direction(target: float, second: Floats | float) -> tuple[Floats, Floats]:
            goal = (target - second) / self.q
            dq = solve(self.c - 1.0 + goal)
            return dq, goal - self.z - self.z * dq / self.q

        return direction


def _reach(value: Floats, change: Floats) -> float:
    falling = change < 0
    return min(1.0, float((-value[falling] / change[falling]).min())) if falling.any() else 1.0


def _gram(kernel: Floats, by_row: Floats, by_column: Floats) -> Floats:
    """Return W^T W of W_ij = by_row_i K_ij by_column_j, with no second matrix of the size of K."""
    result = np.zeros((kernel.shape[1], kernel.shape[1]))
    for start in range(0, len(kernel), _ROWS):
        weighted = kernel[start : start + _ROWS] * by_row[start : start + _ROWS, None]
        weighted *= by_column
        result += weighted.T @ weighted
    return result
