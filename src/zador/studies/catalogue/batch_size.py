"""Do manual gradients struggle with small batches, or does their normalisation of the codebook's gradient?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.models.linear import Recipe
from zador.studies.catalogue.testbed.arms import AUTOGRAD, MANUAL, MANUAL_PER_BATCH, PROJECTION, at_rates, benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES
from zador.studies.catalogue.testbed.protocol import design, shortened
from zador.studies.catalogue.testbed.scene import Scene

if TYPE_CHECKING:
    from zador.studies.design import Design

__all__ = ["batch_size"]

_SIZES = (32, 64, 128, 256, 512, 1024, 2048)
_QUICK = (32, 256, 2048)
_CODEBOOK_RATE = 0.2


def batch_size(*, quick: bool = False) -> Design:
    """Return the study: B from 32 to 2048, K = 32, 300 steps."""
    scene = Scene()
    arms = []
    for size in _QUICK if quick else _SIZES:
        setting = f"B = {size}"
        base = replace(shortened(Recipe(steps=300, record_every=50), quick=quick), batch_size=size)
        usual, gentle, brisk = (
            at_rates(base, 0.08, rate)
            for rate in (_CODEBOOK_RATE, _CODEBOOK_RATE / scene.codebook_size, _CODEBOOK_RATE * scene.codebook_size)
        )
        arms += [*benchmarks(scene, setting), AUTOGRAD.arm(scene, usual, setting), MANUAL.arm(scene, usual, setting)]
        arms += [PROJECTION.arm(scene, usual, setting), MANUAL_PER_BATCH.arm(scene, usual, setting)]
        arms += [MANUAL.called("manual STE, lr_E / K").arm(scene, gentle, setting)]
        arms += [AUTOGRAD.called("autograd STE, lr_E × K").arm(scene, brisk, setting)]
    return design(
        "batch-size",
        title="Do manual gradients struggle with small batches?",
        question=(
            "At B = 32 manual gradients ended 9 % worse, automatic ones 1 %. A codeword has one vector in such a batch, and "
            "per-code normalisation moves it 40 % of the way to that vector, where automatic gradients move it 1/K of "
            "that. With the learning rate divided by K, or with automatic gradients' normalisation, the difference should "
            "go; with automatic gradients' rate multiplied by K they should show it too."
        ),
        arms=tuple(arms),
        metrics=MEASURES,
        factor="batch size",
        quick=quick,
    )
