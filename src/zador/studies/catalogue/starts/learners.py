"""Three ways to learn a codebook from a start: all vectors at once, an average over batches, and gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from zador.codebooks import Ema, Lloyd, Seen, cell_sums, never_chosen, since_chosen
from zador.codebooks.learn.learner import CodewordsState
from zador.models.linear import Loss, Manual, Parameters, generator_stream, polar
from zador.models.linear.engine import Batch
from zador.models.linear.nearest import nearest_of_each
from zador.noise import new_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor

    from zador.codebooks import Reviver
    from zador.studies.catalogue.starts.journal import Journal
    from zador.studies.catalogue.starts.place import Vectors

__all__ = ["Averages", "FullBatch", "Gradients", "marks_up_to"]

_DIVERGED = 1000.0
"""A batch loss this many times that of a model that says nothing is no longer training."""


def marks_up_to(steps: int) -> tuple[int, ...]:
    """Return at most twenty-odd steps from 0 to the last, powers of √2: close to each other where most happens.

    >>> marks_up_to(100)
    (0, 1, 2, 4, 5, 8, 11, 16, 22, 32, 45, 64, 90, 100)
    """
    powers = {int(2 ** (half / 2)) for half in range(2 * steps.bit_length())}
    return (0, *sorted({power for power in powers if power < steps} | {steps}))


@dataclass(frozen=True)
class FullBatch:
    """Lloyd's algorithm on all training vectors, behind the principal axes, until an update gains next to nothing.

    Attributes:
        lloyd: iterations, tolerance, and what becomes of empty cells.
    """

    lloyd: Lloyd = field(default_factory=Lloyd)

    @property
    def marks(self) -> tuple[int, ...]:
        """Updates at which the curve is noted."""
        return marks_up_to(self.lloyd.iterations)

    @property
    def midway(self) -> int:
        """Three updates: most of the way, from most starts."""
        return 3

    def __call__(self, vectors: Vectors, codewords: NDArray[np.float64], _seed: int, journal: Journal) -> str:
        """Learn from these codewords (K, m); return nothing, as it cannot fail."""
        state, before = self.lloyd.init(codewords), np.inf
        for step in range(self.lloyd.iterations):
            moved, info = self.lloyd.step(state, vectors.codes)
            if step > 0 and before - info.distortion <= self.lloyd.tolerance * before:
                journal.finish(step, state.codewords)
                return ""
            if journal.wants(step):
                journal.note(step, state.codewords)
            state, before = moved, info.distortion
        journal.finish(self.lloyd.iterations, state.codewords)
        return ""


@dataclass(frozen=True)
class _Batched:
    """What learners from batches share.

    Attributes:
        revive: what becomes of dead codewords; None: nothing.
        steps: batches.
        batch_size: B, vectors of a batch, drawn with replacement.
    """

    revive: Reviver | None = None
    steps: int = 500
    batch_size: int = 1024

    @property
    def marks(self) -> tuple[int, ...]:
        """Steps at which the curve is noted."""
        return marks_up_to(self.steps)

    @property
    def midway(self) -> int:
        """A tenth of the steps."""
        return self.steps // 10


@dataclass(frozen=True)
class Averages(_Batched):
    """Exponential moving averages behind the principal axes: the `Ema` of a layer, step by step.

    Attributes:
        ema: decay, smoothing and warm-up.
    """

    ema: Ema = field(default_factory=Ema)

    def __call__(self, vectors: Vectors, codewords: NDArray[np.float64], seed: int, journal: Journal) -> str:
        """Learn from these codewords (K, m); return what went wrong, if anything did."""
        codes = vectors.codes.astype(np.float32)
        batches = generator_stream(seed, len(codes), self.batch_size)
        state = self.ema.init(torch.from_numpy(codewords.astype(np.float32)))
        revival, key = None if self.revive is None else _Revival(self.revive, state.codewords), new_key(seed)
        for step in range(self.steps + 1):
            table = state.codewords.numpy()
            if not np.isfinite(table).all():
                return f"diverged at step {step}, codewords that are no numbers"
            if journal.wants(step):
                journal.note(step, table.astype(np.float64))
            if step < self.steps:
                seen = _searched(codes[next(batches)], table, key + torch.tensor([0, step]))
                state = self.ema.step(state, seen)
                if revival is not None:
                    state = revival(state, seen.cells.counts, partial(_itself, seen))
        return ""


@dataclass(frozen=True)
class Gradients(_Batched):
    """Stochastic gradient descent with straight-through: an encoder with orthonormal rows, its transpose, a codebook.

    Protocol A of the reports: their loss, B, and rates at K = 32. The rate of the codebook is K / 32 times theirs, since
    automatic gradients move a codeword in proportion to its share of the vectors: with a fair share it goes 1.25 % of the
    way to its members in a step, whatever K is.

    Attributes:
        encoder_rate: learning rate of W.
        codebook_rate: learning rate of the codewords, divided by K.
    """

    encoder_rate: float = 0.05
    codebook_rate: float = 0.2 / 32

    def __call__(self, vectors: Vectors, codewords: NDArray[np.float64], seed: int, journal: Journal) -> str:
        """Learn from these codewords (K, m); return what went wrong, if anything did."""
        train = vectors.train.astype(np.float32)
        energies = np.square(train).sum(axis=1)
        batches = generator_stream(seed, len(train), self.batch_size)
        encoder: NDArray[Any] = vectors.encoder.astype(np.float32)[None]
        table: NDArray[Any] = codewords.astype(np.float32)[None]
        rates = np.float32(self.encoder_rate), np.float32(self.codebook_rate * len(codewords))
        revival, key = None if self.revive is None else _Revival(self.revive, torch.from_numpy(table[0])), new_key(seed)
        for step in range(self.steps + 1):
            if journal.wants(step):
                journal.note(step, table[0].astype(np.float64), polar(encoder.astype(np.float64))[0])
            if step == self.steps:
                break
            rows = next(batches)
            batch = Batch(train[rows][None], energies[rows].mean(keepdims=True))
            found = Manual(np.float32).gradients(Parameters(encoder, table), batch, Loss())
            if not found.loss[0] <= _DIVERGED * energies.mean():
                return f"diverged at step {step}, loss {found.loss[0]:.0e}"
            before, z = table[0], partial(np.matmul, batch.vectors[0], encoder[0].T)
            encoder = polar(encoder - rates[0] * found.encoder)
            table = table - rates[1] * found.codewords
            if revival is not None:
                moved = CodewordsState(torch.from_numpy(table[0]))
                look = partial(_looked, z, before, key + torch.tensor([0, step]))
                table = revival(moved, torch.from_numpy(found.counts[0]), look).codewords.numpy()[None]
        return ""


class _Revival:
    """A reviver with its state; a batch is looked at only where somebody is dead."""

    def __init__(self, reviver: Reviver, codewords: Tensor) -> None:
        self._reviver, self._state = reviver, reviver.init(codewords)
        self._since = never_chosen(len(codewords))

    def __call__(self, learned: Any, counts: Tensor, look: Callable[[], Seen]) -> Any:
        """Return the learner's state after its step, with what was dead in a new place.

        Args:
            learned: the state.
            counts: (K,) members of each codeword in the batch.
            look: what returns the batch, searched before the step.
        """
        since = since_chosen(self._since, counts)
        if not bool(self._reviver.dead(self._state, since).any()):
            self._since = since  # all that a reviver without a threshold keeps
            return learned
        self._state, self._since, learned = self._reviver.step(self._state, self._since, learned, look())
        return learned


def _itself(seen: Seen) -> Seen:
    return seen


def _looked(codes: Callable[[], NDArray[np.float32]], table: NDArray[np.float32], key: Tensor) -> Seen:
    return _searched(codes(), table, key)


def _searched(z: NDArray[np.float32], table: NDArray[np.float32], key: Tensor) -> Seen:
    """Return a batch of codes (B, m) as learners see it, searched with a table (K, m)."""
    indices = nearest_of_each(z[None], table[None])[0]
    squared = np.square(z - table[indices]).sum(axis=1)
    x, chosen = torch.from_numpy(np.ascontiguousarray(z)), torch.from_numpy(indices)
    return Seen(cell_sums(x, chosen, len(table)), x, chosen, torch.from_numpy(squared), key)
