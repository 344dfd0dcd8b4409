"""When does training blow up, and is it the retraction of the encoder or the step of the codebook?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.models.linear import Recipe
from zador.studies.catalogue.testbed.arms import (
    AUTOGRAD,
    AUTOGRAD_PER_CODE,
    MANUAL,
    MANUAL_PER_BATCH,
    MANUAL_PLAIN_STEP,
    OTHER_BATCHES,
    PROJECTION,
    at_rates,
    benchmarks,
)
from zador.studies.catalogue.testbed.boundary import BOUNDARY, Boundary, Predicted
from zador.studies.catalogue.testbed.measures import MEASURES
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["learning_rate"]

_RATES = {
    "very low": (0.001, 0.01),
    "low": (0.01, 0.05),
    "standard": (0.05, 0.2),
    "high": (0.2, 0.5),
    "very high": (0.5, 1.0),
    "extreme": (1.0, 2.0),
    "mismatch, low W": (0.001, 1.0),
    "mismatch, high W": (0.5, 0.05),
    "lr_W = 1, lr_E = 0.5": (1.0, 0.5),
    "lr_W = 0.05, lr_E = 2": (0.05, 2.0),
}
"""lr_W and lr_E: the report's eight settings, and two that take its diagnosis apart."""

_QUICK = ("standard", "extreme", "lr_W = 1, lr_E = 0.5", "lr_W = 0.05, lr_E = 2")
_PRODUCTS = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0)
_USUAL_ENCODER_RATE = 0.05
_BOUNDARY_SIZES = (1, 32)


def learning_rate(*, quick: bool = False) -> Design:
    """Return the study: 200 steps of 1024 vectors at K = 32, ten settings, and the boundary in α·lr_E."""
    scene, base = Scene(), shortened(Recipe(steps=200, record_every=50), quick=quick)
    arms: list[Arm] = []
    for setting in _QUICK if quick else _RATES:
        recipe = at_rates(base, *_RATES[setting])
        arms += benchmarks(scene, setting)
        arms += [variant.arm(scene, recipe, setting) for variant in (AUTOGRAD, OTHER_BATCHES, MANUAL, PROJECTION)]
        arms += [variant.arm(scene, recipe, setting) for variant in (MANUAL_PER_BATCH, AUTOGRAD_PER_CODE, MANUAL_PLAIN_STEP)]
    for product in () if quick else _PRODUCTS:
        recipe, setting = at_rates(base, _USUAL_ENCODER_RATE, product), f"α·lr_E = {product:g}"
        arms += benchmarks(scene, setting)
        arms += [variant.arm(scene, recipe, setting) for variant in (MANUAL, MANUAL_PER_BATCH, AUTOGRAD_PER_CODE)]
    for size in _BOUNDARY_SIZES[:1] if quick else _BOUNDARY_SIZES:
        arms += _boundaries(size, f"boundary, K = {size}")
    return design(
        "learning-rate",
        title="When does training blow up, and why?",
        question=(
            "Manual gradients exploded at lr_W = 1, lr_E = 2; the reports blame the projection onto the Stiefel manifold. "
            "The per-code step is e ← e − 2α·lr_E (e − mean of its members): with fixed members it is unstable for "
            "α·lr_E > 1, whatever the encoder does. So lr_W is varied alone, lr_E is varied alone, each kind of gradient is "
            "given the other's normalisation, and the boundary is searched for."
        ),
        arms=tuple(arms),
        metrics=(*MEASURES, BOUNDARY),
        factor="learning rates",
        quick=quick,
    )


def _boundaries(size: int, setting: str) -> Iterator[Arm]:
    scene = Scene(size)
    for variant in (MANUAL, MANUAL_PER_BATCH):
        yield Arm(f"{variant.name}, predicted", Predicted(scene, variant), setting)
    for variant in (MANUAL, AUTOGRAD_PER_CODE, MANUAL_PER_BATCH, AUTOGRAD):
        yield Arm(variant.name, Boundary(scene, variant), setting)
    yield Arm("manual STE, α = 0.25", Boundary(scene, MANUAL, 0.25), setting)
