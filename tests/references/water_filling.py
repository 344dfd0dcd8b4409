"""Reverse water-filling by bisection on the level, in 50 digits."""

from __future__ import annotations

import mpmath


def distortion_rate(eigenvalues, bits):
    """Return D(R) as a float: bisect θ until the rate of the axes above it is `bits`."""
    with mpmath.workdps(50):
        variances = [mpmath.mpf(float(value)) for value in eigenvalues]

        def rate(level):
            return sum((mpmath.log(v / level, 2) / 2 for v in variances if v > level), mpmath.mpf(0))

        low, high = mpmath.mpf(0), max(variances)
        # Levels fall as far as 2^-2R below the smallest variance; halving the bracket that often finds 50 digits more.
        for _ in range(200 + int(4 * bits)):
            middle = (low + high) / 2
            low, high = (low, middle) if rate(middle) < bits else (middle, high)
        return float(sum(min(v, high) for v in variances))
