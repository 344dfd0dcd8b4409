"""What do the methods cost: time, memory, and what many seeds together save?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.studies.catalogue.testbed.arms import AUTOGRAD, LLOYD, MANUAL, PROJECTION, ROTATION
from zador.studies.catalogue.testbed.cost import COSTS, LloydCost, TrainingCost
from zador.studies.catalogue.testbed.protocol import design
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.design import Arm

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["cost"]

_TOGETHER = 20


def cost(*, quick: bool = False) -> Design:
    """Return the study: K = 32, batches of 1024; alone and twenty seeds together."""
    scene = Scene()
    variants = (AUTOGRAD, MANUAL, PROJECTION, ROTATION)
    found = design(
        "cost",
        title="What do the methods cost?",
        question=(
            "The reports find manual gradients a fifth faster, in half the memory. Both are measured here in processor time "
            "of one thread, for one seed and for twenty trained together. Each seed is a repetition."
        ),
        arms=(
            Arm(LLOYD, LloydCost(scene)),
            *(Arm(variant.name, TrainingCost(scene, variant)) for variant in variants),
            *(
                Arm(f"{variant.name}, {_TOGETHER} seeds", TrainingCost(scene, variant, _TOGETHER))
                for variant in variants[:2]
            ),
        ),
        metrics=COSTS,
        quick=quick,
    )
    return replace(found, reference=AUTOGRAD.name)
