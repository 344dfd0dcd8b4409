"""What a random codebook is expected to do, by quadrature: `E D = E_x ∫ P(|x - Y|² > t)^K dt`."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats


def expected_distortion(dim, size, variance, nodes=121, steps=4001):
    """Return E min_k |X - Y_k|² for X ~ N(0, I) and K = `size` independent codewords Y_k ~ N(0, variance I)."""
    radii = np.linspace(1e-6, np.sqrt(stats.chi2.isf(1e-10, dim)), nodes)
    roots = np.linspace(0.0, 2 * radii[-1], steps)
    # |X - Y|² / variance given |X| is noncentral chi-squared; the substitution t = s² takes the kink at 0 away.
    survival = [stats.ncx2.sf(roots**2 / variance, dim, radius**2 / variance) ** size for radius in radii]
    inner = integrate.simpson(np.array(survival) * 2 * roots, x=roots, axis=1)
    return float(integrate.simpson(inner * stats.chi.pdf(radii, dim), x=radii))
