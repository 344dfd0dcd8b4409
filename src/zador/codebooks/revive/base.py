"""What the revival policies share: when a codeword is dead, and what a revived one starts with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from zador.codebooks.revive.since import age, restarted, since_chosen
from zador.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from zador.codebooks.learn.cells import Seen

__all__ = ["Load", "Proposal", "Revival", "Reviver", "revived"]


class Load(NamedTuple):
    """What a reviver remembers: (K,) averaged hits a batch of each codeword; -1 before the first batch."""

    hits: Tensor


class Proposal(NamedTuple):
    """A codebook after revival.

    Attributes:
        codewords: (K, d) all of them; they differ where `revived` or `donors` says so.
        revived: (K,) bool, dead codewords that were given a new place.
        donors: (K,) bool, codewords that share their members with a revived one from now on.
    """

    codewords: Tensor
    revived: Tensor
    donors: Tensor


class Revival(NamedTuple):
    """What `Reviver.step` returns: the reviver's own state, `since` (K,), and the state of the learner."""

    state: Any
    since: Tensor
    learned: Any


@dataclass(frozen=True, kw_only=True)
class Reviver(ABC):
    """Gives dead codewords a new place, after the learner's step: no average of old members pulls them back.

    A codeword is dead when `patience · K` vectors have passed without choosing it. One that is used as often as the
    average meets that with probability exp(-patience) a wait, whatever the size of the batches. Good codebooks hold
    codewords that are used a tenth as often: those of rare clusters, which nothing else is near to. They meet it with
    exp(-patience / 10), so that 16 would move them every few waits, and 64 hardly ever. The field's usual criterion, an
    average of the hits a batch below `threshold`, can be asked for as well.

    A policy of your own derives from this class and says in `propose` where the dead go.

    Attributes:
        patience: in vectors a codeword.
        threshold: in hits a batch, averaged with `decay`; 0 for none. It depends on the size of the batches.
        decay: of the average that `threshold` is compared with; both start a codeword at the fair share, N / K.

    Raises:
        UsageError: a parameter out of its range.
    """

    patience: float = 64.0
    threshold: float = 0.0
    decay: float = 0.99

    def __post_init__(self) -> None:
        """Refuse what no batch could make sense of."""
        if not (self.patience > 0 and self.threshold >= 0 and 0 <= self.decay < 1):
            raise UsageError(
                f"{type(self).__name__}: expected patience > 0, threshold >= 0 and 0 <= decay < 1, "
                f"got patience={self.patience}, threshold={self.threshold}, decay={self.decay}"
            )

    def init(self, codewords: Tensor) -> Any:
        """Return the state that starts with codewords (K, d): a NamedTuple of tensors, of which one is `hits` (K,)."""
        return Load(codewords.new_full((len(codewords),), -1, dtype=torch.float32))

    @abstractmethod
    def propose(self, state: Any, seen: Seen, codewords: Tensor, dead: Tensor) -> Proposal:
        """Return where the codewords (K, d) marked in `dead` (K,) go; those without a good place stay as they are.

        Args:
            state: of this reviver, after `observed`.
            seen: the batch.
            codewords: after the learner's step.
            dead: see `dead`.
        """

    def step(self, state: Any, since: Tensor, learned: Any, seen: Seen) -> Revival:
        """Return everything after one batch, which the learner has already taken its step with.

        Args:
            state: of this reviver.
            since: (K,) see `never_chosen`.
            learned: the state of the learner, after its step.
            seen: the batch, searched with the codewords before that step.

        Raises:
            UsageError: on the first batch, a threshold that batches of this size cannot reach.
        """
        if self.threshold > 0 and not torch.compiler.is_compiling() and bool(state.hits[0] < 0):
            self.check_batch(len(since), int(seen.peers.sum(torch.tensor(len(seen.indices), device=since.device))))
        state, since = self.observed(state, seen), since_chosen(since, seen.cells.counts)
        dead = self.dead(state, since)
        if not torch.compiler.is_compiling() and not bool(dead.any()):
            return Revival(state, since, learned)
        proposal = self.propose(state, seen, learned.codewords, dead)
        return Revival(self.settled(state, proposal), restarted(since, proposal.revived), revived(learned, proposal))

    def check_batch(self, codebook_size: int, vectors: int) -> None:
        """Raise UsageError if `threshold` hits for each of K codewords are more than a batch of `vectors` can give."""
        needed = self.threshold * codebook_size
        if needed > vectors:
            raise UsageError(
                f"threshold {self.threshold:g} × {codebook_size} codewords = {needed:g} hits a batch, but a batch holds "
                f"{vectors} vectors; use threshold <= {vectors / codebook_size:g}, or patience alone"
            )

    def observed(self, state: Any, seen: Seen) -> Any:
        """Return the state that knows of this batch; one without vectors leaves it as it is."""
        counts = seen.cells.counts.to(state.hits.dtype)
        total = counts.sum()
        before = torch.where(state.hits < 0, total / len(counts), state.hits)
        return state._replace(hits=torch.where(total > 0, torch.lerp(counts, before, self.decay), state.hits))

    def dead(self, state: Any, since: Tensor) -> Tensor:
        """Return (K,) bool, the codewords to revive now."""
        waited = age(since) >= math.ceil(self.patience * len(since))
        return waited | (state.hits < self.threshold) if self.threshold > 0 else waited

    def settled(self, state: Any, proposal: Proposal) -> Any:
        """Return the state in which revived codewords have the average number of hits, and donors half of theirs."""
        shared = torch.where(proposal.donors, state.hits / 2, state.hits)
        return state._replace(hits=torch.where(proposal.revived, state.hits.mean(), shared))


def revived(learned: Any, proposal: Proposal) -> Any:
    """Return a learner's state with the proposed codewords: a revived one stands for nothing yet, a donor for half.

    With a count of 0 the next members alone decide where a revived codeword goes: it neither falls back nor stays glued.
    """
    fields = {"codewords": proposal.codewords}
    if "counts" in learned._fields:
        shared = torch.where(proposal.donors, learned.counts / 2, learned.counts)
        fields["counts"] = torch.where(proposal.revived, 0, shared)
    return learned._replace(**fields)
