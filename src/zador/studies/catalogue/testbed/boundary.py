"""The largest codebook step that training survives: predicted for cells that keep their members, and searched for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.models.linear import Loss, Rates, Recipe, per_code, train
from zador.studies.catalogue.testbed.methods import OnScene
from zador.studies.design import Metric
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.catalogue.testbed.arms import Variant

__all__ = ["BOUNDARY", "Boundary", "Predicted"]

BOUNDARY = Metric(
    "boundary",
    "boundary α·lr_E",
    "Product of codebook weight and learning rate from which on training diverges within 300 steps, to 2 %.",
    decimals=3,
    lower_is_better=None,
)

_STEPS = 300
_ENCODER_RATE = 0.05
_LOW, _HIGH = 0.5, 4.0
_HALVINGS = 7
"""The ratio of 8 between the ends becomes one of 8^(1/128) = 1.6 %."""


@dataclass(frozen=True)
class Predicted(OnScene):
    """Where |1 − 2α·lr_E·s| = 1 for the codeword with the largest share s of the vectors; s = 1 where steps are per code.

    A codeword with fixed members obeys e − mean ← (1 − 2α·lr_E·s)(e − mean), and the largest share is the first to go.

    Attributes:
        variant: the way to train.
    """

    variant: Variant

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return 1 / s of the cells at the start."""
        return [Outcome({"boundary": 1.0 / share}) for share in self.shares(seeds)]

    def shares(self, seeds: Sequence[int]) -> list[float]:
        """Return s of each seed."""
        if self.variant.step.codebook_gradient is per_code:
            return [1.0] * len(seeds)
        codes = self.scene.start(seeds).encode(self.scene.source.stacked(seeds)[0])
        return [float(np.bincount(row).max() / len(row)) for row in codes]


@dataclass(frozen=True)
class Boundary(Predicted):
    """Where training starts to diverge: seven halvings, on a logarithmic scale, between half and four times the prediction.

    Attributes:
        codebook_weight: α; what counts is its product with the learning rate.
    """

    codebook_weight: float = 1.0

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the boundary of each seed; NaN where it lies outside that range."""
        return [
            Outcome({"boundary": self._search(seed, share)}) for seed, share in zip(seeds, self.shares(seeds), strict=True)
        ]

    def _search(self, seed: int, share: float) -> float:
        low, high = _LOW / share, _HIGH / share
        if self._diverges(seed, low) or not self._diverges(seed, high):
            return math.nan
        for _ in range(_HALVINGS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._diverges(seed, middle) else (middle, high)
        return math.sqrt(low * high)

    def _diverges(self, seed: int, product: float) -> bool:
        recipe = Recipe(
            steps=_STEPS,
            rates=Rates(_ENCODER_RATE, product / self.codebook_weight),
            loss=Loss(codebook_weight=self.codebook_weight),
            step=self.variant.step,
            batches=self.variant.batches,
        )
        x, _ = self.scene.source.stacked([seed])
        done = train(self.scene.start([seed]), x, recipe, self.variant.engine, seeds=[seed])
        return done.failures[0] is not None
