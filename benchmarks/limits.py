"""Certified R(D) curves of Laplace, uniform and Bernoulli sources, 20 points each, beside plain Blahut-Arimoto steps.

Target: every bracket at most 1e-3 bit, each curve in under 10 s on 2 cores. The peer does what a textbook does: 1000 steps
for each slope on a grid of 400 reproductions, which tells nothing of reproductions between its points; its bracket is
judged by the same formulas. The last lines time the ladder of the testbed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

import zador
from zador.theory import blahut_arimoto, densities, line_source

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS, STEPS, GRID = 20, 1000, 400
SLOPES = 0.72 / np.geomspace(0.9, 1 / 280, POINTS)  # about 0.1 to 4 bits for unit variance
BIASED = np.array([0.7, 0.3])


def main() -> None:
    """Print one line a source, then one a codebook size."""
    for name in ("laplace", "uniform"):
        _line(
            name, lambda name=name: [point.gap for point in line_source.curve(name, SLOPES)], lambda name=name: _plain(name)
        )
    flips = 1.0 - np.eye(2)
    slopes = np.log2((1 - np.linspace(0.005, 0.29, POINTS)) / np.linspace(0.005, 0.29, POINTS))
    _line(
        "bernoulli",
        lambda: [found.gap for found in blahut_arimoto.curve(BIASED, flips, slopes)],
        lambda: [_stepped(BIASED, flips, slope) for slope in slopes],
    )
    for size in (8, 16, 32, 64):
        start = time.perf_counter()
        ladder = zador.limits(np.geomspace(4, 0.25, 6), codebook_size=size, encoder_dim=4)
        best = ladder.best_known
        share = ladder.floor.distortion / best.distortion if best else float("nan")
        print(f"K = {size}: floor / best known {share:.4f}, {time.perf_counter() - start:.1f} s", flush=True)


def _line(name: str, ours: Callable[[], list[float]], peer: Callable[[], list[float]]) -> None:
    (gap, seconds), (peer_gap, peer_seconds) = _timed(ours), _timed(peer)
    print(
        f"{name:>9}: bracket {gap:.1e} bit in {seconds:.2f} s; plain steps {peer_gap:.1e} bit in {peer_seconds:.2f} s, "
        f"{seconds / peer_seconds:.2f} of their time",
        flush=True,
    )


def _timed(work: Callable[[], list[float]]) -> tuple[float, float]:
    start = time.perf_counter()
    gaps = work()
    return max(gaps), time.perf_counter() - start


def _plain(name: str) -> list[float]:
    quantiles = densities.named(name).density.ppf((np.arange(2 * GRID) + 0.5) / (2 * GRID))
    reproductions = np.linspace(quantiles[0], quantiles[-1], GRID)
    costs = np.square(quantiles[:, None] - reproductions)
    return [_stepped(np.full(len(quantiles), 1 / len(quantiles)), costs, slope) for slope in SLOPES]


def _stepped(p: np.ndarray, costs: np.ndarray, slope: float) -> float:
    kernel = np.exp2(-slope * costs)
    q = np.full(kernel.shape[1], 1 / kernel.shape[1])
    for _ in range(STEPS):
        c = (p / (kernel @ q)) @ kernel
        q = q * c
    c = (p / (kernel @ q)) @ kernel
    return float(np.log2(c.max()) - (q * c) @ np.log2(np.maximum(c, 1e-300)))


if __name__ == "__main__":
    main()
