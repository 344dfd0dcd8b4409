"""The backward of the rotation trick on the CPU: each row is read twice, the second time from the cache."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from zador.search.threads import in_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["turn_rows"]

# Squared norms, accumulated in double precision, that lost nothing to underflow or overflow.
_LEAST, _MOST = 1e-280, 1e280
# Below this 1 + x̂ᵀq̂ has lost three digits to cancellation.
_ANTIPODAL = 1e-3


def turn_rows(g: NDArray[Any], x: NDArray[Any], q: NDArray[Any], *, rescale: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return λ Rᵀ g, and the rows that are left to do with more care: zero, opposite, or far from 1 in size.

    With c = x̂ᵀq̂ and s = (x̂ᵀg + q̂ᵀg) / (1 + c) the five inner products of a row decide it:

        λ Rᵀ g = λ g + λ (2 q̂ᵀg - s) x̂ - λ s q̂.

    Args:
        g: (N, d) gradient, C-contiguous, float32 or float64 as the others.
        x: (N, d) what was quantized.
        q: (N, d) what it became.
        rescale: whether λ = ||q|| / ||x||, or 1.
    """
    back, doubtful = np.empty_like(x), np.zeros(len(x), np.bool_)
    least = float(np.finfo(x.dtype).tiny) * 1e8

    def work(start: int, stop: int) -> None:
        _turn((g, x, q, back), (rescale, least), doubtful, start, stop)

    in_threads(work, len(x))
    return back, np.flatnonzero(doubtful)


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _turn(rows: Any, rule: Any, doubtful: Any, start: int, stop: int) -> None:
    g, x, q, back = rows
    rescale, least = rule
    for n in range(start, stop):
        xx, qq, xq, xg, qg = 0.0, 0.0, 0.0, 0.0, 0.0
        for t in range(x.shape[1]):
            x_t, q_t, g_t = np.float64(x[n, t]), np.float64(q[n, t]), np.float64(g[n, t])
            xx += x_t * x_t
            qq += q_t * q_t
            xq += x_t * q_t
            xg += x_t * g_t
            qg += q_t * g_t
        x_norm, q_norm = math.sqrt(xx), math.sqrt(qq)
        cosine = xq / x_norm / q_norm
        ratio = q_norm / x_norm if rescale else 1.0
        turn = (xg / x_norm + qg / q_norm) / (1.0 + cosine)
        along_x = ratio * (2.0 * (qg / q_norm) - turn) / x_norm
        along_q = -ratio * turn / q_norm
        sound = _LEAST < xx < _MOST and _LEAST < qq < _MOST and cosine > _ANTIPODAL - 1.0
        if not (sound and _fits(ratio, least) and _fits(along_x, least) and _fits(along_q, least)):
            doubtful[n] = True
            continue
        # In the dtype of the rows: the second loop runs twice as fast without conversions.
        a, b, c = x.dtype.type(ratio), x.dtype.type(along_x), x.dtype.type(along_q)
        for t in range(x.shape[1]):
            back[n, t] = a * g[n, t] + b * x[n, t] + c * q[n, t]


@njit(nogil=True, cache=True)
def _fits(scalar: float, least: float) -> bool:
    return scalar == 0.0 or least < abs(scalar) < 1.0 / least
