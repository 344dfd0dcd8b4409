"""Do manual and automatic gradients agree? With equal batches, normalisation and step they must, to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.models.linear import Recipe
from zador.studies.catalogue.testbed.arms import AUTOGRAD, AUTOGRAD_FLOAT64, MANUAL, MATCHED, at_rates, benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.catalogue.testbed.source import Source

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["verification"]


def verification(*, quick: bool = False) -> Design:
    """Return the study: 200 steps of 512 vectors, K = 16, 10,000 training vectors."""
    scene = Scene(16, Source(train=10_000, evaluation=2_000))
    recipe = shortened(at_rates(Recipe(steps=200, batch_size=512), 0.08, 0.2), quick=quick)
    trained = [variant.arm(scene, recipe) for variant in (AUTOGRAD, AUTOGRAD_FLOAT64, MANUAL, MATCHED)]
    return design(
        "verification",
        title="Do manual and automatic gradients agree?",
        question=(
            "The reports take a difference of 0.5 % between manual and automatic gradients for proof that the manual ones "
            "are right. Gradients are right if the difference is one of rounding once batches, the normalisation of the "
            "codebook's gradient and the encoder's step are the same: that is the arm “manual STE, matched”, in float64, "
            "beside “autograd STE, float64”."
        ),
        arms=(*benchmarks(scene), *trained),
        metrics=MEASURES,
        quick=quick,
    )
