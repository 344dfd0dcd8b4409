"""How near the nearest of K random codewords comes to a given vector: `∫ P(|x - Y|² > t)^K dt` for Y ~ N(0, diag s).

W = |x - Y|² has the transform `M(z) = E e^(-zW) = Π (1 + 2 z s_i)^(-1/2) exp(-z x_i² / (1 + 2 z s_i))`, and its distribution
function is the inverse transform of M(z) / z. The parabola z = z_0 (1 + iu)² through the saddlepoint z_0 of the integrand
keeps the relative accuracy of small probabilities, which is what a large K asks for, and lets the trapezoidal rule converge
exponentially (weideman2007parabolic). The saddlepoint belongs to `t = 1/z_0 - (ln M)'(z_0)`, so z_0 itself serves as the
variable of the outer integral and no equation is solved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

__all__ = ["nearest_draw"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(56)
_CONTOUR = (np.arange(30) + 0.5) * 0.18  # in units of 1/√(z_0 t): the last term is e^-28 of the first
_ROUNDING = 1e-16
_SURE, _NOTHING = np.log(100.0), np.log(1e-11)
_BLOCK = 1 << 21
_SCAN = np.geomspace(1.0, 1e60, 481)


def nearest_draw(x: Vector, variances: Vector, codebook_size: int) -> Vector:
    """Return `E min_k |x - Y_k|²` over K independent Y_k ~ N(0, diag s), for each row of x.

    Args:
        x: (n, d) vectors in the axes of the codeword law, centred on its mean.
        variances: (d,) s >= 0; an axis of variance 0 adds x_i².
        codebook_size: K >= 1.

    Returns:
        (n,) squared distances summed over coordinates. Against quantiles of noncentral chi-squared they are right to 1e-3,
        and mostly to 1e-8; for K < 20 and codewords that are all far away, |x|² > 100 Σ s, to 3e-3.

    >>> nearest_draw(np.array([[0.0]]), np.array([1.0]), 1)
    array([1.])
    """
    spread = variances > 0
    fixed = (x[:, ~spread] ** 2).sum(axis=1)
    if codebook_size == 1 or not spread.any():
        return np.asarray((x**2).sum(axis=1) + variances.sum())
    offsets, scales = x[:, spread] ** 2, variances[spread]
    rows = max(1, _BLOCK // (len(_NODES) * len(_CONTOUR) * len(scales)))
    blocks = [_block(offsets[i : i + rows], scales, codebook_size) for i in range(0, len(x), rows)]
    return np.asarray(fixed + np.concatenate(blocks))


def _block(offsets: Vector, scales: Vector, size: int) -> Vector:
    """Integrate over ln z_0, from distances within which some codeword surely lies to those where surely none does."""
    first, last = _ends(offsets, scales, size)
    half = 0.5 * np.log(last / first)[:, None]
    z = first[:, None] * np.exp(half * (_NODES + 1.0))
    _, slope, bend = _log_transform(z, offsets, scales)
    t = 1 / z - slope
    none_nearer = np.exp(size * np.log1p(-np.clip(_probability(z, t, offsets, scales), 0.0, 1.0 - _ROUNDING)))
    return np.asarray(_below(last, offsets, scales) + (half * _WEIGHTS * none_nearer * (1 / z + z * bend)).sum(axis=1))


def _ends(offsets: Vector, scales: Vector, size: int) -> tuple[Vector, Vector]:
    """Return the z between which `P(W > t)^K` falls from 1 to 0, to a share of 1e-11 of the integral."""
    deviation = np.sqrt((2 * scales**2 + 4 * scales * offsets).sum(axis=1))
    widest = 1.0 / ((offsets + scales).sum(axis=1) + 8 * deviation + 40 * scales.max())
    scan = widest[:, None] * _SCAN
    log_m, slope, bend = _log_transform(scan, offsets, scales)
    t = 1 / scan - slope
    chernoff = np.log(size) + scan * t + log_m  # K P(W <= t) is at most the exponential of this
    sure = chernoff - 0.5 * np.log(2 * np.pi * (1 + scan**2 * bend)) > _SURE
    start = np.maximum(sure.sum(axis=1) - 1, 0)[:, None]
    typical = np.take_along_axis(t, (chernoff > 0).sum(axis=1, keepdims=True) - 1, axis=1)
    nothing = chernoff + np.log(t / typical) < _NOTHING
    stop = nothing.argmax(axis=1)[:, None]
    return np.take_along_axis(scan, start, axis=1)[:, 0], np.take_along_axis(scan, stop, axis=1)[:, 0]


def _below(last: Vector, offsets: Vector, scales: Vector) -> Vector:
    _, slope, _ = _log_transform(last[:, None], offsets, scales)
    return np.asarray(1 / last - slope[:, 0])


def _log_transform(z: Vector, offsets: Vector, scales: Vector) -> tuple[Vector, Vector, Vector]:
    """Return ln M and its two derivatives at real z (n, m)."""
    ratio = 1 / (1 + 2 * z[:, :, None] * scales)
    away = offsets[:, None, :]
    return (
        (0.5 * np.log(ratio) - z[:, :, None] * away * ratio).sum(axis=2),
        -(scales * ratio + away * ratio**2).sum(axis=2),
        (2 * scales**2 * ratio**2 + 4 * scales * away * ratio**3).sum(axis=2),
    )


def _probability(z: Vector, t: Vector, offsets: Vector, scales: Vector) -> Vector:
    """Return `P(W <= t) = (1/π) ∫ Re[e^(ζt) M(ζ) / (1 + iu)] du` over ζ = z (1 + iu)², z the saddlepoint for t."""
    unit = 1 / np.sqrt(z * t)
    turn = 1 + 1j * unit[:, :, None] * _CONTOUR
    path = z[:, :, None] * turn**2
    exponent = path * t[:, :, None]
    roots = np.ones_like(path)
    for axis, scale in enumerate(scales):
        at_saddle = 1 + 2 * scale * z[:, :, None]
        factor = 1 + 2 * scale * path
        exponent -= 0.5 * np.log(at_saddle) + offsets[:, axis, None, None] * path / factor
        roots *= np.sqrt(factor / at_saddle)  # axis by axis: the root of a product may have the other sign
    step = unit * (_CONTOUR[1] - _CONTOUR[0])
    return np.asarray(2 / np.pi * step * (np.exp(exponent) / (turn * roots)).real.sum(axis=2))
