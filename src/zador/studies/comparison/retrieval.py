"""Recall: how well a search among codes finds the nearest neighbours among the vectors themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from zador import metrics
from zador.errors import DataError
from zador.quantizers import nearest_neighbours, search_codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zador.quantizers import Quantizer

__all__ = ["ANSWERS", "Retrieval"]

ANSWERS = (1, 10, 100)
_MOST_QUERIES = 1000
_BASE_TO_QUERIES = 4


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Queries, and the true nearest of the vectors that are searched.

    Attributes:
        queries: (Q, d), the first held-out vectors.
        truth: (Q, 1) nearest among the other held-out vectors.
        base: how many those are.
    """

    queries: NDArray[Any]
    truth: NDArray[np.int64]
    base: int

    @classmethod
    def among(cls, held_out: NDArray[Any]) -> Self:
        """Return the task with up to 1000 queries, a fifth of `held_out` (H, d) at most.

        Raises:
            DataError: fewer than five vectors.
        """
        count = min(_MOST_QUERIES, len(held_out) // (_BASE_TO_QUERIES + 1))
        if count == 0:
            raise DataError(f"retrieval: {len(held_out)} held-out vectors are too few; hold out at least 5")
        truth = nearest_neighbours(held_out[count:], held_out[:count], 1).indices
        return cls(held_out[:count], truth, len(held_out) - count)

    @property
    def note(self) -> str:
        """What was searched for among what."""
        return (
            f"Recall: {len(self.queries)} held-out vectors as queries, searched by asymmetric distance among the codes of "
            f"{self.base} others; recall@k is the share whose true nearest neighbour is among the k found."
        )

    def recall(self, quantizer: Quantizer, indices: NDArray[np.int64]) -> dict[int, float]:
        """Return recall@k for k = 1, 10, 100, as far as there are so many vectors.

        Args:
            quantizer: whose codes are searched.
            indices: (H, S) of all held-out vectors, queries first.
        """
        most = min(max(ANSWERS), self.base)
        found = search_codes(quantizer, indices[len(self.queries) :], self.queries, most).indices
        return {k: metrics.recall(found[:, :k], self.truth) for k in ANSWERS if k <= most}
