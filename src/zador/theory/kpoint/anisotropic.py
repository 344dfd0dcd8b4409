"""The K-point lower bound of a Gaussian whose axes differ: prices from particles, judged on fresh nodes.

For any function g,

    D_K >= E g(X) - K sup_c E (g(X) - |X - c|²)₊,

because g(x) is at most the distance to the nearest codeword plus what is left of g there. On the leading axes g is the mean
price of a few systems of particles: what prices prove is concave in them, so the mean proves at least the mean of what each
proves, and graininess averages out. Every further axis adds its own square to g, which is right while that axis is not worth
coding. Whether it is, is part of the supremum: of all directions outside the leading axes the one with the largest variance
gains most, so one more axis stands for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.theory.kpoint import nodes
from zador.theory.kpoint.judged import judged
from zador.theory.kpoint.leading import worth_coding
from zador.theory.kpoint.particles import serve
from zador.theory.kpoint.relaxed import relax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.bound import KPointBound

__all__ = ["LARGEST", "lower_bound"]

LARGEST = 4096
_SYSTEMS = 3
_PARTICLES = 1536
_COPIES = 4, 32
_NODES_A_CODEWORD = 64
_NODES = 1 << 12, 1 << 16
_JUDGED = 1 << 15
_WIDE, _WIDE_STARTS = 2.0, 128


def lower_bound(eigenvalues: NDArray[np.float64], codebook_size: int, rng: np.random.Generator) -> KPointBound:
    """Return what `judged` leaves of the bound, plus the variance of the axes that it does not look at.

    Args:
        eigenvalues: (d,) positive variances, descending.
        codebook_size: K, at most `LARGEST`.
        rng: draws nodes and starts.
    """
    kept = worth_coding(eigenvalues, codebook_size)
    spread = (kept + 2) / kept
    count = _power_of_two(int(np.clip(_NODES_A_CODEWORD * codebook_size, *_NODES)))
    copies = int(np.clip(_PARTICLES // codebook_size, *_COPIES))
    systems = [
        relax(nodes.of_gaussian(eigenvalues[:kept], count, spread, rng), codebook_size, copies, rng) for _ in range(_SYSTEMS)
    ]
    fresh = nodes.of_gaussian(eigenvalues[: kept + 1], max(count, _JUDGED), spread, rng)
    leading, further = fresh.x[:, :kept], fresh.x[:, kept:]
    prices = np.mean([serve(leading, system).prices for system in systems], axis=0) + np.square(further).sum(axis=1)
    inside = np.concatenate([system.points[: len(system.points) // len(fresh.flips)] for system in systems])
    wide = rng.standard_normal((_WIDE_STARTS, fresh.x.shape[1])) * np.sqrt(_WIDE * eigenvalues[: kept + 1])
    starts = np.concatenate([np.pad(inside, ((0, 0), (0, further.shape[1]))), wide])
    unseen = float(eigenvalues[kept + 1 :].sum())
    return judged(fresh, prices, codebook_size, starts, unseen)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
