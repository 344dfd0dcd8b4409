"""Reverse water-filling by bisection on the logarithm of the level, in 50 digits."""

from __future__ import annotations

import mpmath


def distortion_rate(eigenvalues, bits):
    """Return D(R) as a float: bisect θ until the rate of the axes above it is `bits`."""
    with mpmath.workdps(50):
        variances = [mpmath.mpf(float(value)) for value in eigenvalues]

        def rate(level):
            return sum((mpmath.log(v / level, 2) / 2 for v in variances if v > level), mpmath.mpf(0))

        # Levels fall as far as 2^-2R below the smallest variance: bisect their logarithm, to 50 digits of it.
        positive = [v for v in variances if v > 0]
        low, high = mpmath.log(min(positive)) - 2 * bits - 1, mpmath.log(max(positive))
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (low, middle) if rate(mpmath.exp(middle)) < bits else (middle, high)
        return float(sum(min(v, mpmath.exp(high)) for v in variances))
