"""What does the commitment weight do, and does one that adapts do better, where the encoder can run away and where not?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zador.layers import AdaptiveCommitment, CosineWarmUp, WarmUp
from zador.models.linear import Adam, Sgd
from zador.studies.catalogue.linear_pair import (
    MEASURES,
    PROJECTION_LOSS,
    FixedPair,
    Normal,
    PairRecipe,
    Revived,
    Shape,
    Start,
    TrainedPair,
    pair_limits,
)
from zador.studies.catalogue.sources import Gaussian
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.layers import Weight

__all__ = ["adaptive_commitment", "adaptive_commitment_adam", "adaptive_commitment_revival"]

SOURCE = Gaussian(tuple(np.geomspace(4.0, 0.25, 6).tolist()))
"""Protocol A's source in its own principal coordinates: the other 58 hold nothing."""

SHAPE = Shape(codebook_size=32, encoder_dim=4)
LLOYD = "PCA + Lloyd, converged"
USUAL = "β = 0.25"
"""The reference of every table."""

WEIGHTS: Mapping[str, float | Weight] = {
    "β = 0": 0.0,
    "β = 0.1": 0.1,
    USUAL: 0.25,
    "β = 0.5": 0.5,
    "β = 1": 1.0,
    "β = 4": 4.0,
    "β adaptive, 0.025 to 0.25": AdaptiveCommitment(),
    "β adaptive, 0.1 to 1": AdaptiveCommitment(high=1.0, low=0.1),
    "β warm-up to 0.25": WarmUp(0.25, steps=300),
    "β cosine warm-up to 0.25": CosineWarmUp(0.25, steps=300),
}
_QUICK = ("β = 0", USUAL, "β = 4", "β adaptive, 0.025 to 0.25")

STARTS = {"k-means++ start": Start(), "N(0, 0.1²) start": Start(initialiser=Normal(0.1))}
ENCODERS = {"orthonormal": True, "free": False}

_BASE = PairRecipe(orthonormal=True, steps=600, rate=0.05, codebook_rate=0.2, optimiser=Sgd())
_SHORT_STEPS, _SEEDS, _QUICK_SEEDS = 120, 20, 5

_NOTES = (
    (
        "The vectors are those of protocol A (λ from 4 to 0.25 along six directions, four kept), in principal "
        "coordinates. Encoders start at the principal axes, decoders at their pseudo-inverse; batches have 256 vectors, "
        "runs 600 steps."
    ),
    (
        "Orthonormal: the decoder is Wᵀ, and after each step W is brought back to orthonormal rows. Free: encoder and "
        "decoder are two matrices, and the encoder may grow or shrink."
    ),
    (
        "Behind free maps β has a scale to set. At rest, stretching z must not pay: β E zᵀ(z − q) = E (Aᵀz)ᵀ(x − x̂). "
        "If the codebook is the optimal one scaled by c and the decoder undoes the scale, that says β c² = 1: the gain "
        "is 1/√β of its start."
    ),
)


def adaptive_commitment(*, quick: bool = False) -> Design:
    """Return the study: two encoders, two starts, ten weights, SGD at protocol A's rates, nothing revives."""
    return _design(
        "adaptive-commitment",
        "What does the commitment weight do, and where?",
        "One report calls β irrelevant, another crucial, a third robust from 0.1 to 0.5, a fourth found no value that "
        "works. An encoder with orthonormal rows cannot change its scale, a free one can; a codebook may start on the "
        "data or at the origin. In which of the four places does β matter, and does a weight that follows training do "
        "better than one that stands still?",
        _BASE,
        tuple(ENCODERS),
        quick=quick,
    )


def adaptive_commitment_revival(*, quick: bool = False) -> Design:
    """Return the same study with codewords that come back to life."""
    return _design(
        "adaptive-commitment-revival",
        "Is what β does to dead codewords left when they are revived?",
        "Dead codewords appear where the encoder leaves the scale at which the codebook started. If revival puts them "
        "back, is β still needed?",
        replace(_BASE, revive=Revived()),
        tuple(ENCODERS),
        quick=quick,
    )


def adaptive_commitment_adam(*, quick: bool = False) -> Design:
    """Return the same study of the free encoder with Adam, as protocol B trains."""
    return _design(
        "adaptive-commitment-adam",
        "Is it the optimiser's step that β has to match?",
        "With SGD a step is as large as the gradient, which grows with the scale of the encoder; Adam's step is not. "
        "Where the encoder can run away, does β matter under Adam too?",
        replace(_BASE, optimiser=Adam(), rate=0.005, codebook_rate=0.005),
        ("free",),
        quick=quick,
    )


def _design(name: str, title: str, question: str, base: PairRecipe, encoders: tuple[str, ...], *, quick: bool) -> Design:
    base = replace(base, steps=_SHORT_STEPS) if quick else base
    arms: list[Arm] = []
    for encoder in encoders:
        for placed, start in STARTS.items():
            setting = f"{encoder}, {placed}"
            arms += [*pair_limits(SOURCE, SHAPE, setting, searched=not quick), Arm(LLOYD, FixedPair(SOURCE, SHAPE), setting)]
            for arm in _QUICK if quick else WEIGHTS:
                recipe = replace(base, orthonormal=ENCODERS[encoder], commitment=WEIGHTS[arm])
                arms.append(Arm(arm, TrainedPair(SOURCE, SHAPE, start, recipe), setting))
    count = _QUICK_SEEDS if quick else _SEEDS
    return Design(
        name=name,
        title=title,
        question=question,
        factor="encoder and start",
        arms=tuple(arms),
        metrics=(*MEASURES, PROJECTION_LOSS),
        reference=USUAL,
        seeds=tuple(range(1, count + 1)),
        notes=_NOTES,
        short=quick,
    )
