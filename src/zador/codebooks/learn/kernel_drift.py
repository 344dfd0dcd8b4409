"""Codewords that nobody chose go along with those that somebody did: a learner around another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from zador.codebooks.learn.ema import Ema
from zador.codebooks.learn.frozen import Frozen
from zador.codebooks.learn.gradient import Gradient
from zador.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.initialise.base import Initialiser
    from zador.codebooks.learn.cells import Seen
    from zador.codebooks.learn.learner import Learner
    from zador.codebooks.revive.base import Reviver

__all__ = ["KernelDrift", "drift"]

# Numbers of the K × K kernel that exist at a time.
_BLOCK_ELEMENTS = 1 << 22
_LEARNER = ("start", "revive", "seed", "init", "step")


@dataclass(frozen=True)
class KernelDrift:
    """What an encoder that drifts does to chosen codewords is done to the others, too [lu2026beyond].

        Δ_j = Σ_k w_jk Δ_k / Σ_k w_jk  over the chosen k,    w_jk = exp(-||c_j - c_k||² / 2h²)

    for every codeword j that no vector of the batch chose, Δ_k being the step that the learner inside takes: where the
    vectors around it go, a codeword goes as well, instead of staying behind for good. One that is far from all others goes
    with the nearest of them. Takes K × K products a step, not all of them at a time.

    Attributes:
        learner: takes the step; its `start`, `revive` and `seed` are those of this one.
        bandwidth: h > 0, in units of the vectors; None for the median distance, at the time, of a codeword to the nearest
            other one.

    Raises:
        UsageError: a learner that takes no steps, or a bandwidth that is not positive.

    >>> from zador.codebooks.learn.cells import Seen, cell_sums
    >>> x, chosen = torch.tensor([[1.0], [11.0]]), torch.tensor([0, 2])
    >>> learner = KernelDrift(Ema(decay=0.0), bandwidth=1.0)
    >>> state = learner.init(torch.tensor([[0.0], [2.0], [10.0]]))
    >>> learner.step(state, Seen(cell_sums(x, chosen, 3), x, chosen, x[:, 0], torch.zeros(2))).codewords.tolist()
    [[1.0], [3.0], [11.0]]
    """

    learner: Learner = field(default_factory=Ema)
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could not drift."""
        if isinstance(self.learner, Gradient | Frozen) or not all(hasattr(self.learner, name) for name in _LEARNER):
            raise UsageError(f"KernelDrift: expected a learner that takes steps, such as Ema(), got {self.learner!r}")
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise UsageError(f"KernelDrift: expected bandwidth > 0, or None, got {self.bandwidth}")

    @property
    def start(self) -> Initialiser | Any:
        """How the codebook starts: as the learner inside says."""
        return self.learner.start

    @property
    def revive(self) -> Reviver | None:
        """What happens to dead codewords: as the learner inside says."""
        return self.learner.revive

    @property
    def seed(self) -> int:
        """Of every random choice: that of the learner inside."""
        return self.learner.seed

    def init(self, codewords: Tensor) -> Any:
        """Return the state of the learner inside, from codewords (K, d)."""
        return self.learner.init(codewords)

    def step(self, state: Any, seen: Seen) -> Any:
        """Return its state after one batch, in which all codewords have moved."""
        learnt = self.learner.step(state, seen)
        moves = learnt.codewords - state.codewords
        return learnt._replace(
            codewords=learnt.codewords + drift(state.codewords, moves, seen.cells.counts > 0, self.bandwidth)
        )


def drift(codewords: Tensor, moves: Tensor, chosen: Tensor, bandwidth: float | None = None) -> Tensor:
    """Return the kernel-weighted mean of the moves of chosen codewords (K, d), at those that were not; 0 at those that were.

    Args:
        codewords: (K, d), before they moved.
        moves: (K, d).
        chosen: (K,) booleans; if there is none, nothing drifts.
        bandwidth: h; see `KernelDrift`.
    """
    size = len(codewords)
    rows = max(1, _BLOCK_ELEMENTS // size)
    table = codewords - codewords.mean(dim=0)
    squares = (table**2).sum(dim=1)
    if bandwidth is None:
        twice = 2.0 * torch.cat([_nearest_other(table, squares, start, rows) for start in range(0, size, rows)]).median()
    else:
        twice = squares.new_full((), 2.0 * bandwidth**2)
    drifted = [_mean_move(_squared(table, squares, start, rows), moves, chosen, twice) for start in range(0, size, rows)]
    idle = ~chosen & chosen.any()
    return torch.cat(drifted).where(idle[:, None], 0.0)


def _squared(table: Tensor, squares: Tensor, start: int, rows: int) -> Tensor:
    """Return squared distances (rows, K) of a block of codewords to all."""
    part = slice(start, start + rows)
    return (squares[part, None] + squares - 2.0 * table[part] @ table.T).clamp(min=0)


def _nearest_other(table: Tensor, squares: Tensor, start: int, rows: int) -> Tensor:
    numbers = torch.arange(len(table), device=table.device)
    itself = numbers[start : start + rows, None] == numbers
    return _squared(table, squares, start, rows).masked_fill(itself, torch.inf).amin(dim=1)


def _mean_move(squared: Tensor, moves: Tensor, chosen: Tensor, twice: Tensor) -> Tensor:
    """Return the weighted means (rows, d) of the moves of the chosen."""
    squared = squared.masked_fill(~chosen, torch.inf)
    # Relative to the nearest of them, whose weight is 1 then: however far they are, some weight is left.
    relative = squared - squared.amin(dim=1, keepdim=True)
    weights = torch.exp(-relative / twice.clamp(min=torch.finfo(squared.dtype).tiny))
    weights = weights.where(chosen, 0.0)
    return weights @ moves / weights.sum(dim=1, keepdim=True).clamp(min=1.0)
