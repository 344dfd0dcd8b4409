"""The arms of protocol A under the names that tables and claims use. Each variant differs from another in one thing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zador.estimators import projection, rotation_trick, straight_through
from zador.models.linear import (
    Autograd,
    Manual,
    Rates,
    Recipe,
    Step,
    generator_stream,
    legacy_stream,
    per_batch,
    per_code,
    plain,
    tangent,
)
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.testbed.methods import ConvergedLloyd, PcaLloyd, Trained
from zador.studies.design import Arm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zador.models.linear import Batches, Engine
    from zador.studies.catalogue.testbed.scene import Scene

__all__ = [
    "AUTOGRAD",
    "AUTOGRAD_FLOAT64",
    "AUTOGRAD_PER_CODE",
    "LLOYD",
    "MANUAL",
    "MANUAL_PER_BATCH",
    "MANUAL_PLAIN_STEP",
    "MATCHED",
    "OTHER_BATCHES",
    "PROJECTION",
    "RESTARTS",
    "ROTATION",
    "Variant",
    "at_rates",
    "benchmarks",
    "other_stream",
]

LLOYD = "PCA + Lloyd, as reported"
"""The reference of every table."""

_FAR = 1_000_000

RESTARTS = 10
"""Starts of the baseline that was given its due."""


@dataclass(frozen=True)
class Variant:
    """A way to train.

    Attributes:
        name: as tables and claims call it.
        engine: where gradients come from.
        step: which parts of the gradients are stepped along.
        batches: which stream vectors are drawn from.
    """

    name: str
    engine: Engine
    step: Step = field(default_factory=Step)
    batches: Batches = legacy_stream

    def arm(self, scene: Scene, recipe: Recipe, setting: str = "") -> Arm:
        """Return the arm that trains so, otherwise by `recipe`."""
        return Arm(self.name, Trained(scene, replace(recipe, step=self.step, batches=self.batches), self.engine), setting)

    def called(self, name: str) -> Variant:
        """Return the same way under another name, for a recipe that differs."""
        return replace(self, name=name)


def other_stream(seed: int, vectors: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Return the legacy stream of another seed, which no study uses for data."""
    return legacy_stream(seed + _FAR, vectors, batch_size)


_AUTOGRAD_STEP = Step(encoder_gradient=plain, codebook_gradient=per_batch)
_MANUAL_STEP = Step(encoder_gradient=tangent, codebook_gradient=per_code)

AUTOGRAD = Variant("autograd STE", Autograd(straight_through), _AUTOGRAD_STEP)
PROJECTION = Variant("projection", Autograd(projection), _AUTOGRAD_STEP)
"""What the reports call rotation."""
ROTATION = Variant("rotation trick", Autograd(rotation_trick), _AUTOGRAD_STEP)
"""The rotation trick proper, of Fifty et al., which the reports did not run."""
MANUAL = Variant("manual STE", Manual(), _MANUAL_STEP, generator_stream)
MATCHED = Variant("manual STE, matched", Manual(), _AUTOGRAD_STEP)
"""Autograd's batches, normalisation and step, by hand."""
OTHER_BATCHES = Variant("autograd STE, other batches", Autograd(straight_through), _AUTOGRAD_STEP, other_stream)
"""Autograd once more, but for its batches: what differs from it by no more than this says nothing about methods."""
AUTOGRAD_FLOAT64 = Variant("autograd STE, float64", Autograd(straight_through, np.float64), _AUTOGRAD_STEP)
AUTOGRAD_PER_CODE = Variant("autograd STE, per code", Autograd(straight_through), Step(plain, per_code))
MANUAL_PER_BATCH = Variant("manual STE, per batch", Manual(), Step(tangent, per_batch), generator_stream)
MANUAL_PLAIN_STEP = Variant("manual STE, plain step", Manual(), Step(plain, per_code), generator_stream)


def benchmarks(scene: Scene, setting: str = "") -> tuple[Arm, ...]:
    """Return what every table carries: both limits, the baseline as reported, and the baseline run to convergence."""
    return (
        *limit_arms(scene.source, scene.codebook_size, setting, encoder_dim=scene.encoder_dim),
        Arm(LLOYD, PcaLloyd(scene), setting),
        Arm("PCA + Lloyd, converged", ConvergedLloyd(scene), setting),
        Arm(f"PCA + Lloyd, {RESTARTS} restarts", ConvergedLloyd(scene, RESTARTS), setting),
    )


def at_rates(recipe: Recipe, encoder: float, codebook: float) -> Recipe:
    """Return `recipe` with these learning rates."""
    return replace(recipe, rates=Rates(encoder, codebook))
