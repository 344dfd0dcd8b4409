"""What a step of training costs with each estimator, beside one of straight-through in the same run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zador.models import fit
from zador.studies.catalogue.zoo.methods import OnScene
from zador.studies.design import Metric
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from zador.studies.catalogue.zoo.ways import Way

__all__ = ["COSTS", "StepCost"]

COSTS = (
    Metric(
        "relative cost",
        "× straight-through",
        "Processor time of a step as a multiple of that of straight-through; median of three pairs of runs in turn.",
        decimals=2,
    ),
    Metric("step ms", "ms a step", "Processor time of a step on one thread, median of three runs of 20 steps.", decimals=2),
)

_PAIRS, _STEPS = 3, 20


@dataclass(frozen=True)
class StepCost(OnScene):
    """Processor time of a step of the whole model, optimiser included.

    Attributes:
        way: how the model is trained.
        reference: what it is held against; runs of the two take turns.
    """

    way: Way
    reference: Way

    def one(self, seed: int) -> Outcome:
        """Return the cost with the start and the batches of a seed."""
        train = self.scene.data(seed).train
        for way in (self.way, self.reference):
            self._seconds(way, train, seed, steps=2)  # what is loaded and compiled once is no part of it
        pairs = np.array(
            [[self._seconds(way, train, seed, steps=_STEPS) for way in (self.way, self.reference)] for _ in range(_PAIRS)]
        )
        return Outcome(
            {
                "relative cost": float(np.median(pairs[:, 0] / pairs[:, 1])),
                "step ms": 1e3 * float(np.median(pairs[:, 0])) / _STEPS,
            }
        )

    def _seconds(self, way: Way, train: Tensor, seed: int, *, steps: int) -> float:
        scene = self.scene
        model = way.enter(scene.model(seed), scene.begun(seed), seed)
        recipe = replace(scene.training, objective=way.objective, steps=steps)
        begin = time.process_time()
        fit(model, train, recipe, seed=scene.batches(seed))
        return time.process_time() - begin
