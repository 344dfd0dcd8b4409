"""The training loop: one step moves every member of the stack, and a member that diverges disturbs no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zador.errors import DataError
from zador.models.divergence import divergence
from zador.models.linear.autoencoder import LinearAutoencoder
from zador.models.linear.engine import Batch, Gradients, Parameters
from zador.models.linear.evaluation import Evaluation, evaluate_clean
from zador.models.linear.members import as_members, as_seeds, each_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from zador.models.linear.engine import Engine
    from zador.models.linear.recipe import Recipe

__all__ = ["Curve", "Training", "train"]

_Arrays: TypeAlias = tuple["NDArray[Any]", ...]


@dataclass(frozen=True, eq=False)
class Curve:
    """Figures on the evaluation vectors along the way.

    Attributes:
        steps: (T,) updates done: 0, `record_every`, …, the last.
        points: what `evaluate` says of the members after so many.
    """

    steps: tuple[int, ...]
    points: tuple[Evaluation, ...]

    def of(self, figure: str) -> NDArray[np.float64]:
        """Return (T, S) the values of a figure such as "reconstruction_mse", a field or property of `Evaluation`."""
        return np.array([getattr(point, figure) for point in self.points])


@dataclass(frozen=True, eq=False)
class Training:
    """Where a run ended.

    Attributes:
        model: the members after the last step; finite, also where training diverged.
        curve: along the way; None without evaluation vectors.
        failures: one a member: None, or "diverged at step 41, loss 3e8". A member that diverged goes on, and its figures
            are as bad as they are; where a number would no longer be finite it stays as it was before that step.
    """

    model: LinearAutoencoder
    curve: Curve | None
    failures: tuple[str | None, ...]


def train(
    start: LinearAutoencoder,
    x: Any,
    recipe: Recipe,
    engine: Engine,
    *,
    seeds: Sequence[int],
    evaluation: Any = None,
) -> Training:
    """Return where `recipe.steps` steps from `start` lead, for all seeds together.

    A step draws a batch for each member from its own stream, asks the engine for gradients, moves W and E along them and
    brings W back to orthonormal rows. Each member gets the same bits whichever others are trained beside it (at one number
    of threads of the linear algebra).

    Args:
        start: S members, from `zador.models.linear.start`.
        x: training vectors, (N, D) for all seeds, or (S, N, D), one matrix a seed; float32 and float64 are not copied where
            they are what the engine computes in and the mean is 0.
        recipe: how to train.
        engine: `Manual()` or `Autograd(estimator)`.
        seeds: S seeds, of the batches.
        evaluation: vectors for the curve, as `x`; None for no curve.

    Raises:
        UsageError: no seeds.
        DataError: shapes that do not fit.
        NonFiniteError: NaN or infinity in the data.

    Example:
        >>> from zador.data import low_rank_gaussian
        >>> from zador.models.linear import Manual, Recipe, start
        >>> bed = low_rank_gaussian(dim=8, rank=4, train=500, evaluation=100)
        >>> begin = start(bed.train, codebook_size=4, encoder_dim=2, seeds=[1, 2])
        >>> done = train(begin, bed.train, Recipe(steps=20), Manual(), seeds=[1, 2], evaluation=bed.evaluation)
        >>> done.curve.steps, done.curve.of("reconstruction_mse").shape, done.failures
        ((0, 20), (2, 2), (None, None))
    """
    numbers = as_seeds(seeds)
    data = as_members(x, len(numbers), "x")
    judged = None if evaluation is None else as_members(evaluation, len(numbers), "evaluation")
    dims = {start.encoder.shape[2], data[0].shape[1], *([] if judged is None else [judged[0].shape[1]])}
    if start.members != len(numbers) or len(dims) > 1:
        raise DataError(
            f"train: expected one start and one D for each of the {len(numbers)} seeds, got {start.members} members "
            f"and vectors of {' and '.join(map(str, sorted(dims)))} coordinates"
        )
    source = _Source(_centred(data, start.mean, engine), recipe, numbers, engine.batch_bytes)
    state = _State(start, recipe, engine)
    points: list[tuple[int, Evaluation]] = []
    for number in range(recipe.steps + 1):
        if judged is not None and (number % recipe.record_every == 0 or number == recipe.steps):
            points.append((number, evaluate_clean(state.model(), judged)))
        if number < recipe.steps:
            state.advance(source, number)
    curve = None if judged is None else Curve(*zip(*points, strict=True))
    return Training(state.model(), curve, state.failures(source.zero_rate))


def _centred(data: list[NDArray[Any]], mean: NDArray[np.float64], engine: Engine) -> list[NDArray[Any]]:
    if mean.any():
        return [np.asarray(x - offset, engine.dtype) for x, offset in zip(data, mean, strict=True)]
    return each_once(data, lambda x: x.astype(engine.dtype, copy=False))


class _Source:
    """Batches of all members, gathered into one array that is used again."""

    def __init__(self, data: list[NDArray[Any]], recipe: Recipe, seeds: list[int], batch_bytes: int) -> None:
        self.data, self.size = data, recipe.batch_size
        self.energies = each_once(data, lambda x: np.einsum("nd,nd->n", x, x))
        self.zero_rate = [float(energy.mean(dtype=np.float64)) for energy in self.energies]
        self.streams: list[Iterator[NDArray[np.int64]]] = [
            recipe.batches(seed, len(x), self.size) for seed, x in zip(seeds, data, strict=True)
        ]
        shape = (self.size, data[0].shape[1])
        together = max(1, batch_bytes // (shape[0] * shape[1] * data[0].itemsize))
        self.groups = [slice(first, min(first + together, len(data))) for first in range(0, len(data), together)]
        self.vectors = np.empty((min(together, len(data)), *shape), data[0].dtype)

    def next(self, group: slice) -> Batch:
        """Return the next batch of the members of a group; it is valid until the next call."""
        members = range(group.start, group.stop)
        energy = np.empty((len(members), self.size), self.vectors.dtype)
        for place, number in enumerate(members):
            rows = next(self.streams[number])
            # With "raise" NumPy would gather into a buffer of its own first.
            np.take(self.data[number], rows, axis=0, out=self.vectors[place], mode="clip")
            np.take(self.energies[number], rows, out=energy[place], mode="clip")
        return Batch(self.vectors[: len(members)], energy.mean(axis=1))


class _State:
    """Parameters and optimiser states of all members, and what went wrong with whom."""

    def __init__(self, start: LinearAutoencoder, recipe: Recipe, engine: Engine) -> None:
        self.recipe, self.engine, self.mean = recipe, engine, start.mean
        self.parameters = Parameters(*(np.array(a, engine.dtype, order="C") for a in (start.encoder, start.codewords)))
        self.moments: list[_Arrays] = [recipe.step.optimiser.init(parameter) for parameter in self.parameters]
        self.frozen = np.full(start.members, -1)
        self.losses: list[NDArray[Any]] = []

    def model(self) -> LinearAutoencoder:
        encoder, codewords = (array.astype(np.float64) for array in self.parameters)
        return LinearAutoencoder(encoder, codewords, self.mean)

    def advance(self, source: _Source, number: int) -> None:
        """Move every member that is not frozen by one step, and freeze who would leave the finite numbers."""
        with np.errstate(over="ignore", invalid="ignore"):
            gradients = self._gradients(source)
            self.losses.append(gradients.loss.astype(np.float64))
            moved, moments = self._moved(gradients, number)
        self.frozen[(self.frozen < 0) & ~_finite(moved)] = number
        keep = (self.frozen >= 0)[:, None, None]
        (kept,) = _where(keep, (self.parameters.encoder,), (moved.encoder,))
        encoder = self.recipe.step.retraction(kept)
        self.parameters = Parameters(*_where(keep, self.parameters, Parameters(encoder, moved.codewords)))
        self.moments = [_where(keep, *pair) for pair in zip(self.moments, moments, strict=True)]

    def _gradients(self, source: _Source) -> Gradients:
        parts = []
        for group in source.groups:
            parameters = Parameters(*(array[group] for array in self.parameters))
            parts.append(self.engine.gradients(parameters, source.next(group), self.recipe.loss))
        return parts[0] if len(parts) == 1 else Gradients(*map(np.concatenate, zip(*parts, strict=True)))

    def _moved(self, gradients: Gradients, number: int) -> tuple[Parameters, list[_Arrays]]:
        recipe, step = self.recipe, self.recipe.step
        factor = recipe.rates.schedule(number, recipe.steps)
        along = (
            step.encoder_gradient(gradients.encoder, self.parameters.encoder),
            step.codebook_gradient(gradients.codewords, gradients.counts, recipe.batch_size),
        )
        pairs = zip(self.moments, along, strict=True)
        after = [step.optimiser.step(state, gradient, number) for state, gradient in pairs]
        rates = [self.engine.dtype(factor * rate) for rate in (recipe.rates.encoder, recipe.rates.codebook)]
        (encoder, codewords), (first, second) = self.parameters, (update for _, update in after)
        moved = Parameters(encoder - rates[0] * first, codewords - rates[1] * second)
        return moved, [state for state, _ in after]

    def failures(self, zero_rate: list[float]) -> tuple[str | None, ...]:
        losses = np.array(self.losses).reshape(-1, len(self.frozen))
        return tuple(
            divergence(column, int(stop), zero) for column, stop, zero in zip(losses.T, self.frozen, zero_rate, strict=True)
        )


def _where(keep: NDArray[np.bool_], old: _Arrays, new: _Arrays) -> _Arrays:
    if not keep.any():
        return new
    return tuple(np.where(keep, before, after) for before, after in zip(old, new, strict=True))


def _finite(arrays: Parameters) -> NDArray[np.bool_]:
    return np.asarray(np.all([np.isfinite(array).all(axis=(1, 2)) for array in arrays], axis=0))
