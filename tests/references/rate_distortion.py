"""Rate-distortion by the plainest means: textbook iterations with their textbook bounds, and a general convex solver."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize


def plain_blahut(p, cost, slope_nats, iterations):
    """Return (lower, upper, distortion) in nats after Blahut's iterations from uniform weights, each element in turn."""
    kernel = np.exp(-slope_nats * np.asarray(cost, float))
    q = np.full(kernel.shape[1], 1.0 / kernel.shape[1])
    for _ in range(iterations):
        q = q * (kernel.T @ (p / (kernel @ q)))
    z = kernel @ q
    c = kernel.T @ (p / z)
    channel = kernel * q / z[:, None]
    distortion = float((p[:, None] * channel * cost).sum())
    output = p @ channel
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.nansum(p[:, None] * channel * np.log(channel / output))
    lower = -slope_nats * distortion - float(p @ np.log(z)) - float(np.log(c.max()))
    return lower, float(information), distortion


def convex_rate(p, cost, distortion):
    """Return R(distortion) in nats: the mutual information minimised over channels by sequential quadratic programming."""
    n, m = cost.shape

    def information(flat):
        w = np.maximum(flat.reshape(n, m), 1e-300)
        return float((p[:, None] * w * np.log(w / (p @ w))).sum())

    def gradient(flat):
        w = np.maximum(flat.reshape(n, m), 1e-300)
        return (p[:, None] * np.log(w / (p @ w))).ravel()

    sums = np.kron(np.eye(n), np.ones(m))
    constraints = [
        {"type": "eq", "fun": lambda f: sums @ f - 1, "jac": lambda _: sums},
        {
            "type": "ineq",
            "fun": lambda f: distortion - (p[:, None] * cost).ravel() @ f,
            "jac": lambda _: -(p[:, None] * cost).ravel(),
        },
    ]
    start = np.exp(-3 * (cost - cost.min(axis=1, keepdims=True)))
    start /= start.sum(axis=1, keepdims=True)
    return minimize(
        information, start.ravel(), jac=gradient, bounds=[(1e-12, 1)] * (n * m), constraints=constraints,
        method="SLSQP", options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
