"""k-means++: each new codeword is a vector drawn with probability proportional to its squared distance to the last ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KMeansPlusPlus"]


@dataclass(frozen=True)
class KMeansPlusPlus:
    """Draw codeword k + 1 = x_n with probability `w_n D²(x_n) / Σ w D²`, D the distance to the nearest of the first k.

    The distribution is the exact one [arthur2007kmeans]; of `candidates` draws a round the one that lowers `Σ w D²` most
    is kept (the greedy variant). Blocks of neighbouring vectors that a candidate cannot reach, by the triangle
    inequality, are skipped [raff2021exact]; that changes the time, not the result.

    Attributes:
        candidates: draws a round; None means `2 + floor(ln K)`, 1 is the original algorithm.

    Example:
        >>> x = np.array([[0.0], [0.1], [5.0], [5.1]])
        >>> sorted(KMeansPlusPlus()(x, 2, np.random.default_rng(0)).round().ravel().tolist())
        [0.0, 5.0]
    """

    candidates: int | None = None

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Return (K, d) codewords, rows of x (N, d); with fewer distinct vectors than K the rest are copies."""
        if self.candidates is not None and self.candidates < 1:
            raise UsageError(f"KMeansPlusPlus: candidates={self.candidates}; ask for at least 1 draw a round")
        from zador.codebooks.initialise.seeding import Seeding

        draws = self.candidates or 2 + int(np.log(codebook_size))
        seeding = Seeding(x, weights)
        chosen = [seeding.first(rng)]
        while len(chosen) < codebook_size:
            chosen.append(seeding.next(rng, draws))
        return np.ascontiguousarray(x[chosen])
