"""What a ball covers of a sphere, by adaptive integration over the cosine."""

from __future__ import annotations

import math

from scipy import integrate, special


def gain(dim, radius, centre, price):
    """Return E (t - |X - c|²)₊ for X uniform on the sphere of radius `radius` in `dim` >= 2 dimensions, |c| = `centre`."""
    log_scale = special.gammaln(dim / 2) - special.gammaln((dim - 1) / 2) - 0.5 * math.log(math.pi)

    def integrand(angle):  # the cosine is cos(angle), with density ∝ sin(angle)^(d-2)
        left = price - (radius**2 + centre**2 - 2 * radius * centre * math.cos(angle))
        return max(left, 0.0) * math.exp(log_scale) * math.sin(angle) ** (dim - 2)

    cosine = (radius**2 + centre**2 - price) / (2 * radius * centre)
    edge = math.acos(min(1.0, max(-1.0, cosine)))
    return integrate.quad(integrand, 0.0, edge, epsabs=1e-13, epsrel=1e-12)[0]
