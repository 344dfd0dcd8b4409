"""Training of the pair by the straight-through estimator, all seeds together; the gradients are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zador.models.linear import Adam, constant, generator_stream, polar
from zador.models.linear.nearest import cell_sums, chosen, nearest_of_each
from zador.studies.catalogue.linear_pair.pair import LinearPair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.layers import Weight
    from zador.models.linear import Optimiser, Schedule

__all__ = ["PairRecipe", "PairTraining", "Revived", "train_pair"]

_DIVERGED = 1000.0
"""A batch whose error is this many times that of a model which says nothing is no longer training."""

_WINDOW = 64
"""Vectors a codeword over which usage is counted, as in `zador.layers`."""


@dataclass(frozen=True)
class Revived:
    """Codewords that nobody chose for `patience` K vectors move to vectors of the batch, drawn by their squared errors.

    Attributes:
        patience: vectors a codeword.
    """

    patience: float = 64.0


@dataclass(frozen=True)
class PairRecipe:
    """How to train: mean over the batch of ‖x − x̂‖² + ‖sg(z) − q‖² + β ‖z − sg(q)‖², each summed over coordinates.

    Attributes:
        orthonormal: the decoder is the encoder's transpose, and its rows are made orthonormal after each step (polar
            factor); otherwise encoder and decoder are free and know nothing of each other.
        commitment: β, or a weight that changes with step and usage.
        revive: what happens to dead codewords.
        steps: number of updates.
        batch_size: B.
        rate: of encoder and decoder.
        codebook_rate: of codewords.
        optimiser: of all three.
        schedule: factor on the rates.
        record_every: steps between two points of the curve.
    """

    orthonormal: bool
    commitment: float | Weight = 0.25
    revive: Revived | None = None
    steps: int = 600
    batch_size: int = 256
    rate: float = 0.01
    codebook_rate: float = 0.01
    optimiser: Optimiser = field(default_factory=Adam)
    schedule: Schedule = constant
    record_every: int = 50


@dataclass(frozen=True)
class PairTraining:
    """Where a run ended.

    Attributes:
        model: after the last step; finite.
        failures: one a member, empty or "diverged at step 41".
        steps: of the curve.
        models: along the way, at these steps.
        weights: (T, S) β along the way.
    """

    model: LinearPair
    failures: tuple[str, ...]
    steps: tuple[int, ...]
    models: tuple[LinearPair, ...]
    weights: NDArray[np.float64]


def train_pair(start: LinearPair, x: NDArray[np.float64], recipe: PairRecipe, seeds: Sequence[int]) -> PairTraining:
    """Return where `recipe.steps` steps from `start` lead; a member gets the same bits whichever others are beside it.

    Args:
        start: S members.
        x: (S, N, D) training vectors.
        recipe: how to train.
        seeds: S seeds, of the batches.
    """
    state = _State(start, x, recipe, seeds)
    steps: list[int] = []
    models: list[LinearPair] = []
    weights: list[NDArray[np.float64]] = []
    for number in range(recipe.steps + 1):
        if number % recipe.record_every == 0 or number == recipe.steps:
            steps.append(number)
            models.append(state.model)
            weights.append(state.weights())
        if number < recipe.steps:
            with np.errstate(over="ignore", invalid="ignore"):
                state.advance()
    failures = tuple(f"diverged at step {stop}" if stop >= 0 else "" for stop in state.stopped.tolist())
    return PairTraining(state.model, failures, tuple(steps), tuple(models), np.array(weights))


class _State:
    def __init__(self, start: LinearPair, x: NDArray[np.float64], recipe: PairRecipe, seeds: Sequence[int]) -> None:
        self.model, self.x, self.recipe, self.number = start, x, recipe, 0
        self.streams = [generator_stream(seed, x.shape[1], recipe.batch_size) for seed in seeds]
        self.generators = [np.random.default_rng([seed, 2]) for seed in seeds]
        parts: tuple[NDArray[np.float64], ...] = tuple(start)
        self.moments: list[Any] = [recipe.optimiser.init(part) for part in parts]
        self.since: NDArray[np.float64] = np.full(start.codewords.shape[:2], -1.0)
        self.stopped = np.full(len(seeds), -1)
        self.bound = _DIVERGED * np.square(x).sum(2).mean(1)

    def weights(self) -> NDArray[np.float64]:
        """Return β (S,) of the next step, of what has been chosen so far."""
        given, members = self.recipe.commitment, len(self.since)
        if not callable(given):
            return np.full(members, float(given))
        window = _WINDOW * self.since.shape[1]
        usage = np.mean((self.since >= 0) & (self.since < window), axis=1, dtype=np.float32)
        weights = given(torch.tensor(self.number), torch.from_numpy(usage)).to(torch.float64)
        return weights.expand(members).numpy()

    def advance(self) -> None:
        """Move every member that has not diverged by one step."""
        batch = np.stack([vectors[next(stream)] for vectors, stream in zip(self.x, self.streams, strict=True)])
        z = batch @ self.model.encoder.transpose(0, 2, 1)
        indices = nearest_of_each(z, self.model.codewords)
        cells = cell_sums(z, indices, self.model.codewords.shape[1])
        q = chosen(self.model.codewords, indices)
        left = batch - q @ self.model.decoder
        self._heard(cells[0])
        moved = self._moved(self._gradients(batch, z, q, left, cells))
        if self.recipe.revive is not None:
            moved = self._with_revived(moved, z, np.square(z - q).sum(2), self.recipe.revive)
        bad = ~(np.square(left).sum(2).mean(1) <= self.bound) | ~_finite(moved)
        self.stopped[bad & (self.stopped < 0)] = self.number
        stay = (self.stopped >= 0)[:, None, None]
        self.model = LinearPair(*(np.where(stay, old, new) for old, new in zip(self.model, moved, strict=True)))
        self.number += 1

    def _heard(self, counts: NDArray[np.float64]) -> None:
        passed = np.where(self.since < 0, self.since - self.recipe.batch_size, self.since + self.recipe.batch_size)
        self.since = np.where(counts > 0, 0.0, passed)

    def _gradients(
        self,
        batch: NDArray[np.float64],
        z: NDArray[np.float64],
        q: NDArray[np.float64],
        left: NDArray[np.float64],
        cells: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> LinearPair:
        """Return the gradients of the loss in the class's docstring; what reaches ẑ passes to z as it is."""
        scale = 2.0 / self.recipe.batch_size
        reaches_z = self.weights()[:, None, None] * (z - q) - left @ self.model.decoder.transpose(0, 2, 1)
        encoder = scale * (reaches_z.transpose(0, 2, 1) @ batch)
        decoder = -scale * (q.transpose(0, 2, 1) @ left)
        counts, sums = cells
        codewords = scale * (counts[:, :, None] * self.model.codewords - sums)
        return LinearPair(encoder + decoder if self.recipe.orthonormal else encoder, decoder, codewords)

    def _moved(self, gradients: LinearPair) -> LinearPair:
        recipe, factor = self.recipe, self.recipe.schedule(self.number, self.recipe.steps)
        rates = (recipe.rate, recipe.rate, recipe.codebook_rate)
        moved = []
        for place, (parameter, gradient, rate) in enumerate(zip(self.model, gradients, rates, strict=True)):
            self.moments[place], update = recipe.optimiser.step(self.moments[place], gradient, self.number)
            moved.append(parameter - factor * rate * update)
        if not recipe.orthonormal:
            return LinearPair(*moved)
        sound = np.isfinite(moved[0]).all((1, 2), keepdims=True)
        rows = np.where(sound, polar(np.where(sound, moved[0], self.model.encoder)), moved[0])
        return LinearPair(rows, rows, moved[2])

    def _with_revived(
        self, moved: LinearPair, z: NDArray[np.float64], squared: NDArray[np.float64], how: Revived
    ) -> LinearPair:
        """Return the model in which dead codewords stand on vectors of the batch; their time begins again."""
        age = np.where(self.since < 0, -1 - self.since, self.since)
        dead = age >= how.patience * age.shape[1]
        codewords = moved.codewords.copy()
        for member in np.flatnonzero(dead.any(1) & np.isfinite(squared).all(1) & (squared.sum(1) > 0)).tolist():
            where = np.flatnonzero(dead[member])
            shares = squared[member] / squared[member].sum()
            rows = self.generators[member].choice(len(shares), len(where), p=shares)
            codewords[member, where] = z[member, rows]
            self.since[member, where] = -1.0
        return moved._replace(codewords=codewords)


def _finite(model: LinearPair) -> NDArray[np.bool_]:
    return np.asarray(np.all([np.isfinite(part).all(axis=(1, 2)) for part in model], axis=0))
