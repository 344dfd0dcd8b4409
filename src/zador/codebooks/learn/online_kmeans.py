"""The codebook as the mean of everything that ever chose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from zador.codebooks.learn.cells import means
from zador.codebooks.learn.learner import Learning, as_statistics

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["OnlineKMeans", "OnlineKMeansState"]


class OnlineKMeansState(NamedTuple):
    """What the next step needs: the codewords (K, d), and the vectors (K,) that each is the mean of."""

    codewords: Tensor
    counts: Tensor


@dataclass(frozen=True)
class OnlineKMeans(Learning):
    """Each codeword is the mean of all its members so far: `N_k <- N_k + n_k`, `c_k <- c_k + n_k / N_k (m_k - c_k)`.

    MacQueen's k-means [macqueen1967methods], in batches [sculley2010web]. The step of a codeword falls as 1 / N_k and never
    grows again: for vectors that keep their distribution; under an encoder that learns, take `Ema`.
    """

    def init(self, codewords: Tensor) -> OnlineKMeansState:
        """Return the state that starts from codewords (K, d), of which the first members take the place."""
        table = as_statistics(codewords)
        return OnlineKMeansState(table, table.new_zeros(len(table)))

    def step(self, state: OnlineKMeansState, seen: Seen) -> OnlineKMeansState:
        """Return the state after one batch."""
        members = seen.cells.counts.to(state.counts.dtype)
        counts = state.counts + members
        part = members / counts.clamp(min=1)
        return OnlineKMeansState(
            torch.lerp(state.codewords, means(seen.cells).to(state.codewords.dtype), part[:, None]), counts
        )
