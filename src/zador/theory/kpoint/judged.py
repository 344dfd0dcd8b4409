"""What prices prove, on nodes that they have not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.theory.kpoint.bound import KPointBound
from zador.theory.kpoint.covered import climb, gains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.theory.kpoint.nodes import Nodes

__all__ = ["judged"]

_STANDARD_ERRORS = 2.0


def judged(
    nodes: Nodes, prices: NDArray[np.float64], codebook_size: int, starts: NDArray[np.float64], unseen: float = 0.0
) -> KPointBound:
    """Return `E g - K sup F + unseen`, less two standard errors, not certified: the supremum is the best of many climbs.

    The supremum over a sample is on average at least the true one, so that sampling errs on the safe side there; a climb
    that misses the highest peak does not.

    Args:
        nodes: what stands for X, not those that the prices were made from.
        prices: (N,) values of g there.
        codebook_size: K.
        starts: (M, d) where to begin to climb.
        unseen: variance of coordinates that no codeword needs to follow, added to the bound.
    """
    place = climb(nodes.whole(), np.tile(prices, len(nodes.flips)), starts, 1)
    covered = gains(nodes.x, prices, nodes.flips * place).mean(axis=0)
    values = nodes.replicates(prices - codebook_size * covered)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    bound = unseen + float(values.mean()) - _STANDARD_ERRORS * error
    return KPointBound(max(0.0, bound), certified=False, how="particle prices", standard_error=error)
