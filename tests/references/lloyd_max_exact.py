"""Lloyd-Max in 40 digits: the Laplacian from its outermost cell inwards; cells of the Gaussian and the logistic."""

from __future__ import annotations

from itertools import pairwise

import mpmath

DIGITS = 40


def laplace(levels):
    """Return the least error of a unit-variance Laplacian: each cell's width follows from the one outside of it.

    The last level is b beyond its threshold, by memorylessness. A threshold is midway, so the cell within ends as far above
    its own level as the next level is above the threshold; that fixes its width, and where its level is, and so on.
    """
    with mpmath.workdps(DIGITS):
        reach, widths = mpmath.mpf(1), []  # in units of b; distance of the level above from the threshold below it
        for _ in range((levels + 1) // 2 - 1 if levels % 2 == 0 else (levels - 1) // 2 - 1):
            width = mpmath.findroot(lambda w, r=reach: w - _mean(w) - r, 2 * reach)
            widths.insert(0, width)
            reach = _mean(width)
        start, error = mpmath.mpf(0), mpmath.mpf(0)
        if levels % 2:  # the middle cell is decoded to 0, and its border is midway
            start, error = reach, 2 - mpmath.exp(-reach) * (reach**2 + 2 * reach + 2)
        for width in widths:
            error += mpmath.exp(-start) * _variance(width)
            start += width
        return float((error + mpmath.exp(-start)) / 2)  # b² is half the variance


def judged(name, levels):
    """Return (error, largest distance of a level from the mean of its cell) with these levels, at unit variance."""
    below, moment = {"gaussian": (_normal, _normal_moment), "logistic": (_logistic, _logistic_moment)}[name]
    with mpmath.workdps(DIGITS):
        c = [mpmath.mpf(float(level)) for level in levels]
        edges = [(a + b) / 2 for a, b in pairwise(c)]
        masses = _steps([mpmath.mpf(0), *map(below, edges), mpmath.mpf(1)])
        moments = _steps([mpmath.mpf(0), *map(moment, edges), mpmath.mpf(0)])
        error = 1 + sum(x * (m * x - 2 * f) for x, m, f in zip(c, masses, moments, strict=True))
        off = max(abs(f / m - x) for x, m, f in zip(c, masses, moments, strict=True))
        return float(error), float(off)


def _steps(values):
    return [b - a for a, b in pairwise(values)]


def _mean(w):
    return 1 - w / mpmath.expm1(w)


def _variance(w):
    mass = -mpmath.expm1(-w)
    return 2 - mpmath.exp(-w) * (w**2 + 2 * w + 2) - mass * _mean(w) ** 2


def _normal(t):
    return mpmath.ncdf(t)


def _normal_moment(t):
    return -mpmath.npdf(t)


def _logistic(t):
    return 1 / (1 + mpmath.exp(-t * mpmath.pi / mpmath.sqrt(3)))


def _logistic_moment(t):
    s = mpmath.sqrt(3) / mpmath.pi
    return t * _logistic(t) - s * mpmath.log1p(mpmath.exp(t / s))
