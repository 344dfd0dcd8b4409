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
    "Product of codebook weight and learning rate from which on training diverges within 200 steps, to 4 %.",
    decimals=3,
    lower_is_better=None,
)

_STEPS = 200
_ENCODER_RATE = 0.05
_BELOW, _ABOVE = -1, 2
"""Powers of two around the prediction between which the search starts."""
_HALVINGS = 6
"""Of at most four powers of two: what is survived and what is not are then at most 4.4 % apart."""


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
    """Where training starts to diverge, by halving, on a logarithmic scale, between half and four times the prediction.

    Seeds whose next question is the same are asked together; the ends are whole powers of two, so that it often is.

    Attributes:
        codebook_weight: α; what counts is its product with the learning rate.
    """

    codebook_weight: float = 1.0

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the boundary of each seed; NaN where it lies outside that range."""
        powers = [-math.log2(share) for share in self.shares(seeds)]
        brackets = [(float(math.floor(power) + _BELOW), float(math.ceil(power) + _ABOVE)) for power in powers]
        lows = self._ask(seeds, [low for low, _ in brackets])
        highs = self._ask(seeds, [high for _, high in brackets])
        inside = [high and not low for low, high in zip(lows, highs, strict=True)]
        for _ in range(_HALVINGS):
            middles = [(low + high) / 2 for low, high in brackets]
            fell = self._ask(seeds, middles)
            brackets = [
                (low, middle) if diverged else (middle, high)
                for (low, high), middle, diverged in zip(brackets, middles, fell, strict=True)
            ]
        found = [
            2.0 ** ((low + high) / 2) if there else math.nan for (low, high), there in zip(brackets, inside, strict=True)
        ]
        return [Outcome({"boundary": boundary}) for boundary in found]

    def _ask(self, seeds: Sequence[int], powers: Sequence[float]) -> list[bool]:
        """Return for each seed whether training with α·lr_E = 2^power diverges."""
        answers: dict[int, bool] = {}
        for power in sorted(set(powers)):
            together = [number for number, own in enumerate(powers) if own == power]
            answers |= zip(together, self._diverge(seeds, together, 2.0**power), strict=True)
        return [answers[number] for number in range(len(seeds))]

    def _diverge(self, seeds: Sequence[int], members: list[int], product: float) -> list[bool]:
        recipe = Recipe(
            steps=_STEPS,
            rates=Rates(_ENCODER_RATE, product / self.codebook_weight),
            loss=Loss(codebook_weight=self.codebook_weight),
            step=self.variant.step,
            batches=self.variant.batches,
        )
        x, begun = self.scene.source.stacked(seeds)[0], self.scene.start(seeds).select(members)
        chosen = [seeds[number] for number in members]
        done = train(begun, [x[number] for number in members], recipe, self.variant.engine, seeds=chosen)
        return [failure is not None for failure in done.failures]
