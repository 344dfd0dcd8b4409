"""The codebook as an exponential moving average of what chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from zador.codebooks.learn.cells import means
from zador.codebooks.learn.learner import Learning, as_statistics
from zador.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["Ema", "EmaState"]


class EmaState(NamedTuple):
    """What the next step needs.

    Attributes:
        codewords: (K, d).
        counts: (K,) averaged members a batch of each codeword, N_k; 0 at the start, so that the first members place it.
        steps: 0-d, batches that held a vector.
    """

    codewords: Tensor
    counts: Tensor
    steps: Tensor


@dataclass(frozen=True)
class Ema(Learning):
    """Each codeword follows the mean m_k of its n_k members of the batch: `c_k <- c_k + a_k (m_k - c_k)`.

        N_k <- γ N_k + (1 - γ) n_k,    a_k = (1 - γ) n_k / N̂_k,    N̂_k = (N_k + ε) T / (T + K ε),    T = Σ N_k

    With ε = 0 this is the ratio of the averaged sum to the averaged count of [oord2017neural, appendix A], written so that
    no sum needs to be kept and no codeword can leave the convex hull of itself and its members: a_k is held to [0, 1].
    The smoothing ε adds as many members to every codeword, placed where the codeword stands, so rarely used ones move
    more slowly; the total T is restored after it, without which every codeword would grow by the factor T. A codeword
    without members stays where it is, and a batch without a vector changes nothing. At γ = 0 a codeword is the mean of
    its last members.

    As counts start at 0, the state is the weighted mean of what was seen from the first batch on. The first batches were
    assigned to codewords that had yet to move, and at a constant γ they would weigh as much as any: so γ grows,
    `γ_t = min(decay, (1 + t) / (warmup + t))` at batch t = 0, 1, ...: about t / (warmup - 1) batches are remembered.

    Attributes:
        decay: γ in [0, 1), once warm; about 1 / (1 - γ) batches are remembered.
        smoothing: ε >= 0, in members a batch.
        warmup: at least 1; 1 is a constant γ = decay.

    Raises:
        UsageError: a parameter out of its range.

    >>> from zador.codebooks.learn.cells import Seen, cell_sums
    >>> x, chosen = torch.tensor([[1.0], [2.0], [7.0]]), torch.tensor([0, 0, 1])
    >>> learner = Ema(decay=0.0)
    >>> state = learner.init(torch.tensor([[0.0], [5.0], [50.0]]))
    >>> learner.step(state, Seen(cell_sums(x, chosen, 3), x, chosen, x[:, 0], torch.zeros(2))).codewords.tolist()
    [[1.5], [7.0], [50.0]]
    """

    decay: float = 0.99
    smoothing: float = 1e-7
    warmup: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what no batch could make sense of."""
        if not (0 <= self.decay < 1 and self.smoothing >= 0 and self.warmup >= 1):
            raise UsageError(
                "Ema: expected 0 <= decay < 1, smoothing >= 0 and warmup >= 1, "
                f"got decay={self.decay}, smoothing={self.smoothing}, warmup={self.warmup}"
            )

    def init(self, codewords: Tensor) -> EmaState:
        """Return the state that starts from codewords (K, d), of which the first members take the place."""
        table = as_statistics(codewords)
        return EmaState(table, table.new_zeros(len(table)), torch.zeros((), dtype=torch.int64, device=table.device))

    def step(self, state: EmaState, seen: Seen) -> EmaState:
        """Return the state after one batch."""
        members = seen.cells.counts.to(state.counts.dtype)
        any_seen = (members.sum() > 0).to(state.steps.dtype)
        t = state.steps.to(state.counts.dtype)
        # 1 - γ, as its own formula: near γ = 1 it would lose digits as a difference.
        share = ((self.warmup - 1) / (self.warmup + t)).clamp(min=1 - self.decay) * any_seen
        counts = state.counts + share * (members - state.counts)
        part = _part(share * members, counts, self.smoothing)
        moved = torch.lerp(state.codewords, means(seen.cells).to(state.codewords.dtype), part[:, None])
        return EmaState(moved, counts, state.steps + any_seen)


def _part(new: Tensor, counts: Tensor, smoothing: float) -> Tensor:
    """Return a_k = new_k / N̂_k in [0, 1]; 0 where nothing is new, and where N̂_k > 0 is not needed."""
    total = counts.sum()
    smoothed = (counts + smoothing) * total
    part = new * (total + len(counts) * smoothing) / torch.where(new > 0, smoothed, 1)
    return part.clamp(0, 1)
