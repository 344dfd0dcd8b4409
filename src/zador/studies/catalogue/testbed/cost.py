"""What a method costs: processor time of a step, memory of a gradient, processor time of the whole fit."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.models.linear import Batch, LinearAutoencoder, Loss, Parameters, Recipe, pca_lloyd, start, train
from zador.studies.catalogue.testbed.memory import peak_mib
from zador.studies.catalogue.testbed.methods import OnScene
from zador.studies.design import Metric
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zador.studies.catalogue.testbed.arms import Variant

__all__ = ["COSTS", "LloydCost", "TrainingCost"]

COSTS = (
    Metric("step ms", "ms a step", "Processor time of a step and seed, median of three runs of 20 steps.", decimals=3),
    Metric("memory MiB", "MiB a step", "Most memory that the gradient of a step holds at once, for a seed.", decimals=3),
    Metric(
        "fit s", "s a fit", "Processor time of the start and 300 steps, or of the start and 30 updates of Lloyd.", decimals=3
    ),
)

_RUNS, _STEPS_A_RUN = 3, 20
_STEPS_A_FIT = 300


@dataclass(frozen=True)
class LloydCost(OnScene):
    """Principal axes, k-means++, and 30 updates of Lloyd."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the cost of each seed; there are no steps."""
        return [Outcome({"fit s": self._seconds(seed)}) for seed in seeds]

    def _seconds(self, seed: int) -> float:
        x = self.scene.source.stacked([seed])[0]
        scene = self.scene
        return _seconds(lambda: pca_lloyd(x, codebook_size=scene.codebook_size, encoder_dim=scene.encoder_dim, seeds=[seed]))


@dataclass(frozen=True)
class TrainingCost(OnScene):
    """Gradient descent, of several members at once.

    Attributes:
        variant: how it trains.
        members: how many are trained together, on the same data from the same start; costs are those of one.
    """

    variant: Variant
    members: int = 1

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the cost of each seed."""
        return [Outcome(self._costs(seed)) for seed in seeds]

    def _costs(self, seed: int) -> dict[str, float]:
        x = self.scene.source.stacked([seed])[0][0].astype(self.variant.engine.dtype)
        streams = list(range(seed, seed + self.members))
        recipe = Recipe(steps=_STEPS_A_RUN, step=self.variant.step, batches=self.variant.batches)
        began: list[LinearAutoencoder] = []
        starting = _seconds(lambda: began.append(self._start(x, seed)))
        stack = began[0].select([0] * self.members)

        def run(steps: int) -> float:
            return _seconds(lambda: train(stack, x, replace(recipe, steps=steps), self.variant.engine, seeds=streams))

        run(1)  # what is loaded and compiled once is no part of it
        without = float(np.median([run(0) for _ in range(_RUNS)]))
        step = (float(np.median([run(_STEPS_A_RUN) for _ in range(_RUNS)])) - without) / (_STEPS_A_RUN * self.members)
        memory = self._memory(stack, x[: recipe.batch_size])
        fit = starting + _STEPS_A_FIT * step
        return {"step ms": 1e3 * step, "memory MiB": memory, "fit s": fit}

    def _start(self, x: NDArray[Any], seed: int) -> LinearAutoencoder:
        return start(x, codebook_size=self.scene.codebook_size, encoder_dim=self.scene.encoder_dim, seeds=[seed])

    def _memory(self, begun: LinearAutoencoder, x: NDArray[Any]) -> float:
        engine = self.variant.engine
        parameters = Parameters(begun.encoder.astype(engine.dtype), begun.codewords.astype(engine.dtype))
        batch = Batch(np.stack([x] * self.members), np.full(self.members, np.square(x).sum() / len(x), x.dtype))
        return peak_mib(lambda: engine.gradients(parameters, batch, Loss())) / self.members


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
