"""Which estimator trains an autoencoder best, and at what cost? Linear maps, then networks, then the price of a step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.sources import Gaussian
from zador.studies.catalogue.zoo.cost import COSTS, StepCost
from zador.studies.catalogue.zoo.curved import Curved
from zador.studies.catalogue.zoo.figures import LINEAR_MEASURES, MEASURES
from zador.studies.catalogue.zoo.methods import KMeans, Trained, TwoStage
from zador.studies.catalogue.zoo.roster import NOTHING, REFERENCE, ROSTER, WITHOUT_COMMITMENT
from zador.studies.catalogue.zoo.scene import Scene
from zador.studies.catalogue.zoo.ways import Continuous
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONTINUOUS", "KMEANS", "TWO_STAGE", "estimator_zoo_cost", "estimator_zoo_linear", "estimator_zoo_mlp"]

CONTINUOUS = "not quantized"
KMEANS = "k-means on the vectors"
TWO_STAGE = "two stages"

_SEEDS, _QUICK_SEEDS, _COST_SEEDS = 20, 5, 5
_SHORTER = 5

# Standard deviations fall by a sixth from axis to axis, from 2 to 1/8: four of sixteen hold three quarters of the variance.
_VARIANCES = tuple(4.0 * 256.0 ** (-axis / 15) for axis in range(16))
_LINEAR = Scene(Gaussian(_VARIANCES, train=8_000, evaluation=4_000))
_MLP = Scene(Curved(), hidden=(64,))

_START = (
    "A seed draws vectors, weights and batches. All arms of a seed start from one model: encoder and decoder trained "
    "without quantization (500 steps), 64 codewords by k-means on z. Its z has mean 0, as rotations depend on the "
    "origin, and codewords 2 apart, the unit in which layers that draw take squared distances for nats; neither "
    "changes what the model does."
)
_DEFAULTS = (
    "Weights and temperatures are the library's defaults: α = 1 and β = 0.25 where the nearest codeword is taken; no "
    "loss of the codebook's own and no commitment for NSVQ and DiVeQ, as in their papers; τ = 1 (Gumbel-softmax: from "
    "1 towards 0.1 over 10,000 steps) and β = 0 where all are weighed. REBAR learns its temperature and scale along "
    "the way."
)
_JUDGED = "Evaluation takes the nearest codeword in all arms, whatever they do in training."
_BASELINES = (
    f"“{TWO_STAGE}” is the start itself: k-means behind an encoder that knows nothing of it. “{KMEANS}” has 64 "
    f"codewords in all 16 coordinates, the best of five starts; a model with 64 codes has 64 reconstructions too, so "
    f"it is what models can hope for. “{CONTINUOUS}” goes on without a layer, for as many steps."
)


def estimator_zoo_linear(*, quick: bool = False) -> Design:
    """Return the study with linear maps: Gaussian vectors of 16 coordinates through 4 to one of 64 codes."""
    return _design(
        "estimator-zoo-linear",
        _shortened(_LINEAR, quick=quick),
        title="Which estimator trains a linear autoencoder best?",
        question=(
            "Behind orthonormal rows the projection is straight-through, and estimators have little to differ in. Here "
            "encoder and decoder are free matrices, trained with every estimator from the same start. Which lowers the "
            "error on fresh vectors below that of straight-through, and does any gain on k-means behind a frozen "
            "encoder?"
        ),
        quick=quick,
    )


def estimator_zoo_mlp(*, quick: bool = False) -> Design:
    """Return the study with networks: vectors on a curved sheet, an MLP with 64 units on either side of 64 codes."""
    return _design(
        "estimator-zoo-mlp",
        _shortened(_MLP, quick=quick),
        title="Which estimator trains a nonlinear autoencoder best?",
        question=(
            "The reports ask whether rotations help once encoders are nonlinear. Vectors lie on a curved sheet of four "
            "dimensions in sixteen, encoder and decoder are networks, and the decoder's slope differs from place to "
            "place: what comes back through the quantizer is no longer along q − z."
        ),
        quick=quick,
    )


def estimator_zoo_cost(*, quick: bool = False) -> Design:
    """Return the study of what a step costs, whole model and optimiser included, in both models."""
    scenes = {"linear": _LINEAR, "MLP": _MLP}
    return Design(
        name="estimator-zoo-cost",
        title="What does a step cost with each estimator?",
        question=(
            "Processor time of a training step on one thread as a multiple of that of straight-through in the same "
            "process, runs of the two in turn. Times are not the same twice: each seed is a repetition."
        ),
        arms=tuple(
            Arm(name, StepCost(scene, way, ROSTER[REFERENCE]), setting)
            for setting, scene in scenes.items()
            for name, way in ROSTER.items()
            if name not in {NOTHING, WITHOUT_COMMITMENT}
        ),
        metrics=COSTS,
        reference=REFERENCE,
        factor="model",
        seeds=tuple(range(1, (2 if quick else _COST_SEEDS) + 1)),
        notes=("Where all codewords are weighed the cost grows with their number, 64 here.",),
        short=quick,
    )


def _design(name: str, scene: Scene, *, title: str, question: str, quick: bool) -> Design:
    return Design(
        name=name,
        title=title,
        question=question,
        arms=tuple(_arms(scene)),
        metrics=LINEAR_MEASURES if scene.source.is_gaussian else MEASURES,
        reference=REFERENCE,
        seeds=tuple(range(1, (_QUICK_SEEDS if quick else _SEEDS) + 1)),
        notes=(_START, _training(scene), _DEFAULTS, _JUDGED, _BASELINES),
        short=quick,
    )


def _training(scene: Scene) -> str:
    """Return what is said of the training behind the start."""
    recipe = scene.training
    return (
        f"Then {recipe.steps} steps of {recipe.batch_size} vectors, Adam at 0.002 falling along a cosine, for encoder, "
        "decoder and codewords alike: all codewords are parameters (Gradient), the one learner under which every estimator "
        "can teach them, and none is revived."
    )


def _arms(scene: Scene) -> Iterator[Arm]:
    if isinstance(scene.source, Gaussian):
        yield from limit_arms(scene.source, scene.codebook_size)
    yield Arm(KMEANS, KMeans(scene))
    yield Arm(TWO_STAGE, TwoStage(scene))
    yield from (Arm(name, Trained(scene, way)) for name, way in ROSTER.items())
    yield Arm(CONTINUOUS, Trained(scene, Continuous()))


def _shortened(scene: Scene, *, quick: bool) -> Scene:
    """Return the scene with a fifth of the steps behind the common start if `quick`."""
    if not quick:
        return scene
    recipe = scene.training
    shorter = replace(recipe, steps=recipe.steps // _SHORTER, record_every=max(1, recipe.record_every // _SHORTER))
    return replace(scene, training=shorter)
