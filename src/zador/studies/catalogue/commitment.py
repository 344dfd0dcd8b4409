"""Does the commitment weight matter where the encoder cannot run away?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.models.linear import Loss, Recipe
from zador.studies.catalogue.testbed.arms import AUTOGRAD, MANUAL, PROJECTION, at_rates, benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["commitment"]

_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
_QUICK = (0.0, 0.25, 1.0)


def commitment(*, quick: bool = False) -> Design:
    """Return the study: β from 0 to 1, K = 32, 300 steps of 1024 vectors."""
    scene = Scene()
    arms = []
    for weight in _QUICK if quick else _WEIGHTS:
        setting, loss = f"β = {weight:g}", Loss(commitment=weight)
        slow = replace(shortened(at_rates(Recipe(steps=300, record_every=50), 0.05, 0.2), quick=quick), loss=loss)
        fast = replace(shortened(at_rates(Recipe(steps=300, record_every=50), 0.08, 0.2), quick=quick), loss=loss)
        arms += [*benchmarks(scene, setting), AUTOGRAD.arm(scene, slow, setting)]
        arms += [MANUAL.arm(scene, fast, setting), PROJECTION.arm(scene, slow, setting)]
    return design(
        "commitment",
        title="Does the commitment weight matter?",
        question=(
            "The reports find β of minimal effect here and crucial elsewhere. Here the encoder has orthonormal rows: it can "
            "turn, but neither grow nor shrink, which is what commitment is there to prevent."
        ),
        arms=tuple(arms),
        metrics=MEASURES,
        factor="commitment β",
        quick=quick,
    )
