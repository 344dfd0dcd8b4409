"""How does each method scale with the number of codewords, and how close does it stay to what K points can do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.models.linear import Recipe
from zador.studies.catalogue.testbed.arms import AUTOGRAD, MANUAL, PROJECTION, ROTATION, at_rates, benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES, OVERHEAD
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["codebook_size"]

_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
_QUICK = (8, 32, 128)


def codebook_size(*, quick: bool = False) -> Design:
    """Return the study: K from 8 to 1024, 300 steps of 1024 vectors."""
    slow = shortened(at_rates(Recipe(steps=300, record_every=50), 0.05, 0.2), quick=quick)
    fast = shortened(at_rates(Recipe(steps=300, record_every=50), 0.08, 0.2), quick=quick)
    arms = []
    for size in _QUICK if quick else _SIZES:
        scene, setting = Scene(size), f"K = {size}"
        arms += [*benchmarks(scene, setting), AUTOGRAD.arm(scene, slow, setting), MANUAL.arm(scene, fast, setting)]
        arms += [PROJECTION.arm(scene, slow, setting), ROTATION.arm(scene, slow, setting)]
    return design(
        "codebook-size",
        title="How do the methods scale with the codebook?",
        question=(
            "The reports stop at K = 64 and find gradients ahead at every size, and an “overhead” that grows with K: the "
            "ratio of reconstruction to in-subspace error. The dropped energy, 0.685 whatever K is, is in the one and not "
            "in the other, so that ratio has to grow; what says something is the distance to the floor of K points."
        ),
        arms=tuple(arms),
        metrics=(*MEASURES, OVERHEAD),
        factor="codebook size",
        quick=quick,
    )
