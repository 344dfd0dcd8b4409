"""How good are the gradients of every estimator? Five studies of one instrument: what changes is where they are judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.studies.atlas.losses import Decoded, LossFamily, linear, reconstruction
from zador.studies.atlas.measures import MEASURES, Judged
from zador.studies.atlas.roster import REFERENCE, ROSTER
from zador.studies.atlas.scene import Place
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "gradient_atlas",
    "gradient_atlas_codebook_size",
    "gradient_atlas_dimension",
    "gradient_atlas_loss",
    "gradient_atlas_noise",
]

_SEEDS, _QUICK_SEEDS, _QUICK_DRAWS = 5, 3, 512

_WHERE = (
    "A seed draws codewords (Gaussian, scaled so that the median codeword has its nearest neighbour 2 away, the unit in "
    "which layers that draw take exp(-||z - c||²) for their law), a decoder with its target, and 8 points. A point gets "
    "Gaussian noise of standard deviation σ, by default an eighth of that spacing. “Hard” is the gradient of the expected "
    "loss at the nearest codeword, what evaluation measures; “own” is that of the loss of what the estimator's own forward "
    "makes of the noisy point."
)
_SHARES = (
    "Biases, deviations and lengths are shares of the true gradient's length. Far inside a cell the true gradient is next "
    "to nothing, as no noise changes the codeword: shares of it grow without bound however small the estimate is."
)


def gradient_atlas(*, quick: bool = False) -> Design:
    """Return the study over the distance to the Voronoi boundary, in units of σ: d = 2, K = 16."""
    distances = (0.125, 1.0, 4.0) if quick else (0.125, 0.5, 1.0, 2.0, 3.0, 4.0)
    return _design(
        "gradient-atlas",
        title="How good is each estimator's gradient, near a Voronoi boundary and far from it?",
        question=(
            "What reaches the encoder stands for the gradient of an expected loss. Close to a boundary that gradient is "
            "large and at right angles to it; far inside a cell it vanishes. Which estimators know?"
        ),
        places={f"distance / σ = {distance:g}": Place(distance=distance) for distance in distances},
        factor="distance to the boundary",
        quick=quick,
    )


def gradient_atlas_codebook_size(*, quick: bool = False) -> Design:
    """Return the study over K, one σ from a boundary, d = 2."""
    sizes = (2, 8, 32) if quick else (2, 4, 16, 64)
    return _design(
        "gradient-atlas-size",
        title="Does the number of codewords change the quality of the gradients?",
        question=(
            "One σ from a boundary, in two dimensions, only the neighbours matter to the true gradient. Does it cost an "
            "estimator anything to look at all the others too?"
        ),
        places={f"K = {size}": Place(codebook_size=size) for size in sizes},
        factor="codebook size",
        quick=quick,
    )


def gradient_atlas_dimension(*, quick: bool = False) -> Design:
    """Return the study over d, one σ from a boundary, K = 16."""
    dims = (1, 4, 32) if quick else (1, 2, 8, 32)
    return _design(
        "gradient-atlas-dimension",
        title="Does the dimension change the quality of the gradients?",
        question=(
            "The noise crosses a boundary in one direction. Estimators that let all coordinates of the gradient through add "
            "what has no counterpart in the expected loss; one that lets a single one through has to pick the right one."
        ),
        places={f"d = {dim}": Place(dim=dim) for dim in dims},
        factor="dimension",
        quick=quick,
    )


def gradient_atlas_loss(*, quick: bool = False) -> Design:
    """Return the study over the loss, one σ from a boundary, d = 2, K = 16."""
    losses: dict[str, LossFamily] = {
        "linear": linear,
        "reconstruction": reconstruction,
        "decoder": Decoded(),
        "curved decoder": Decoded(gain=3.0),
    }
    return _design(
        "gradient-atlas-loss",
        title="Does the loss decide how wrong a gradient is?",
        question=(
            "Straight-through takes the slope of the loss at a codeword for its difference between two. For a linear loss "
            "the two agree, and what is left of its bias is that of the place; the more the loss curves, the less they do."
        ),
        places={name: Place(loss=loss) for name, loss in losses.items()},
        factor="loss",
        quick=quick,
    )


def gradient_atlas_noise(*, quick: bool = False) -> Design:
    """Return the study over σ, as a share of the spacing; σ / 4 from a boundary, a linear loss, d = 2, K = 16."""
    noises = (0.03125, 0.25, 1.0) if quick else (0.03125, 0.125, 0.25, 0.5, 1.0)
    return _design(
        "gradient-atlas-noise",
        title="How much noise does it take for a simple gradient to be right?",
        question=(
            "Under noise that is small against the cells the expected loss is a staircase; under noise as wide as a cell it "
            "is a blur that follows the loss itself, and the slope of the loss is its gradient. Where is the change?"
        ),
        places={f"σ / spacing = {noise:g}": Place(noise=noise, distance=0.25, loss=linear) for noise in noises},
        factor="noise",
        quick=quick,
    )


def _design(name: str, *, title: str, question: str, places: Mapping[str, Place], factor: str, quick: bool) -> Design:
    """Return the study of all estimators at these places, labelled."""
    chosen = {label: replace(place, draws=_QUICK_DRAWS) if quick else place for label, place in places.items()}
    arms = tuple(
        Arm(arm, Judged(place, subject), label) for label, place in chosen.items() for arm, subject in ROSTER.items()
    )
    count = _QUICK_SEEDS if quick else _SEEDS
    return Design(
        name=name,
        title=title,
        question=question,
        arms=arms,
        metrics=MEASURES,
        reference=REFERENCE,
        factor=factor,
        seeds=tuple(range(1, count + 1)),
        notes=(_WHERE, _SHARES),
        short=quick,
    )
