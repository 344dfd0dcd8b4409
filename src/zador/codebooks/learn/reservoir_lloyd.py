"""Lloyd's algorithm, now and then, on a sample of what went by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from zador.codebooks.learn.learner import Learning, as_statistics
from zador.codebooks.learn.lloyd import Lloyd
from zador.codebooks.learn.peers import peers_of
from zador.codebooks.learn.reservoir import Reservoir, empty_reservoir, with_batch
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks.learn.cells import Seen

__all__ = ["ReservoirLloyd", "ReservoirLloydState"]

# Vectors a codeword that are kept unless said otherwise: k-means overfits that many by about 1 / 128.
_PER_CODEWORD = 128


class ReservoirLloydState(NamedTuple):
    """What the next step needs.

    Attributes:
        codewords: (K, d).
        vectors: (R, d) the reservoir.
        offered: 0-d, vectors that were offered to it.
        steps: 0-d, batches seen.
    """

    codewords: Tensor
    vectors: Tensor
    offered: Tensor
    steps: Tensor


@dataclass(frozen=True)
class ReservoirLloyd(Learning):
    """Every so many batches, a few iterations of Lloyd's algorithm on a uniform sample of all vectors so far.

    Each run is exact k-means on the host, from the codewords as they are [lloyd1982least]; between runs they rest. The
    sample [vitter1985random] never forgets: for vectors that keep their distribution, as those of a frozen encoder do.

    Attributes:
        size: vectors kept; None for 128 a codeword.
        every: batches from one run to the next; the first follows the first batch.
        iterations: most updates of a run.

    Raises:
        UsageError: a number that is no whole number of at least 1.
    """

    size: int | None = None
    every: int = 10
    iterations: int = 3

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        for name in ("size", "every", "iterations"):
            if getattr(self, name) is not None:
                as_count(getattr(self, name), f"ReservoirLloyd: {name}")

    def init(self, codewords: Tensor) -> ReservoirLloydState:
        """Return the state that starts from codewords (K, d), with an empty reservoir."""
        table = as_statistics(codewords)
        vectors, offered = empty_reservoir(table, self.size or _PER_CODEWORD * len(table))
        return ReservoirLloydState(table, vectors, offered, torch.zeros_like(offered))

    def step(self, state: ReservoirLloydState, seen: Seen) -> ReservoirLloydState:
        """Return the state after one batch."""
        valid = (seen.indices >= 0) & torch.isfinite(seen.squared)
        kept = with_batch(Reservoir(state.vectors, state.offered), seen.x, valid, seen.key, seen.peers)
        due = state.steps % self.every == 0
        moved = _lloyd(state.codewords, *kept, due, self.iterations, seen.peers.handle)
        return ReservoirLloydState(moved, *kept, state.steps + 1)


@torch.library.custom_op("zador::lloyd", mutates_args=())
def _lloyd(codewords: Tensor, vectors: Tensor, offered: Tensor, due: Tensor, iterations: int, handle: int) -> Tensor:
    """Run on the host if it is due and there is something to run on; one operation, so that compiled code need not ask."""
    filled = min(len(vectors), int(offered))
    if filled == 0 or not bool(due):
        return codewords.clone()
    start, sample = (tensor.detach().cpu().numpy() for tensor in (codewords, vectors[:filled]))
    moved = torch.from_numpy(Lloyd(iterations=iterations).fit(sample, start).codewords)
    # Arithmetic on another processor may differ in its last bit.
    return peers_of(handle).agreed(moved.to(codewords.device, codewords.dtype)).clone()


@_lloyd.register_fake
def _(codewords: Tensor, vectors: Tensor, offered: Tensor, due: Tensor, iterations: int, handle: int) -> Tensor:
    del vectors, offered, due, iterations, handle
    return torch.empty_like(codewords)
