"""Does difficult data tell the methods apart: noise, more dimensions, a rank that the encoder does not match?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.models.linear import Recipe
from zador.studies.catalogue.testbed.arms import AUTOGRAD, MANUAL, PROJECTION, ROTATION, at_rates, benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.catalogue.testbed.source import Source

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["difficult_data"]

_NOISE = 0.1
"""Noise variance of the scenarios that are not about noise; the report does not print it, its figures show it."""

_SCENES = {
    "no noise": Scene(),
    "high noise": Scene(source=Source(noise_variance=0.5)),
    "very high noise": Scene(source=Source(noise_variance=1.0)),
    "high dimension": Scene(source=Source(dim=128, noise_variance=_NOISE)),
    "rank above m": Scene(source=Source(rank=10, noise_variance=_NOISE)),
    "rank below m": Scene(source=Source(rank=2, noise_variance=_NOISE)),
    "small codebook": Scene(8, Source(noise_variance=_NOISE)),
}
_QUICK = ("no noise", "very high noise", "rank below m")


def difficult_data(*, quick: bool = False) -> Design:
    """Return the study: seven scenarios, 300 steps of 1024 vectors."""
    recipe = shortened(at_rates(Recipe(steps=300, record_every=50), 0.08, 0.2), quick=quick)
    arms = []
    for setting in _QUICK if quick else _SCENES:
        scene = _SCENES[setting]
        arms += [*benchmarks(scene, setting), AUTOGRAD.arm(scene, recipe, setting), MANUAL.arm(scene, recipe, setting)]
        arms += [PROJECTION.arm(scene, recipe, setting), ROTATION.arm(scene, recipe, setting)]
    return design(
        "difficult-data",
        title="Does difficult data tell the methods apart?",
        question=(
            "The reports compare reconstruction errors of 12 to 64 that are nearly all noise which no encoder to four "
            "dimensions could keep, and find differences below 0.2 %. The part that a codebook can do something about is "
            "the in-subspace error, where the same differences are shares of a much smaller number."
        ),
        arms=tuple(arms),
        metrics=MEASURES,
        factor="scenario",
        quick=quick,
    )
