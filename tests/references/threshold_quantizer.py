"""The entropy-coded scalar quantizer with equal steps, by integrals over its cells."""

from __future__ import annotations

import numpy as np
from scipy import integrate, optimize, stats
from scipy.special import entr

NORMAL = stats.norm()


def uniform(step, source=NORMAL, cells=200):
    """Return (bits, mean squared error) with cells [(k - ½) step, (k + ½) step], each decoded to its mean."""
    edges = np.concatenate([[-np.inf], (np.arange(-cells, cells) + 0.5) * step, [np.inf]])
    masses = np.diff(source.cdf(edges))
    distortion = source.var()
    for low, high, mass in zip(edges[:-1], edges[1:], masses, strict=True):
        if mass > 1e-15:
            first = integrate.quad(lambda t: t * source.pdf(t), max(low, -40.0), min(high, 40.0), epsabs=1e-12)[0]
            distortion -= first**2 / mass
    return float(entr(masses).sum() / np.log(2)), float(distortion)


def uniform_at(bits, source=NORMAL):
    """Return the mean squared error at this entropy."""
    step = optimize.brentq(lambda s: uniform(s, source)[0] - bits, 0.05, 12.0, xtol=1e-6)
    return uniform(step, source)[1]
