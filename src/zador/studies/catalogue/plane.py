"""What can be seen of training in the plane: do estimators differ at boundaries, on the way, and at the end?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.estimators import DiVeQ, GumbelSoftmax, SoftAssignment, projection, rotation_trick, straight_through
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.planar.boundary import TrueGradient
from zador.studies.catalogue.planar.figures import MEASURES
from zador.studies.catalogue.planar.lloyd import FromStart, Restarted
from zador.studies.catalogue.planar.rules import Mixed, Noisy, Plain, Rule
from zador.studies.catalogue.planar.scene import Plane
from zador.studies.catalogue.planar.training import Recipe, Run
from zador.studies.catalogue.sources import Gaussian, Mixture
from zador.studies.design import Arm, Design, Picture

if TYPE_CHECKING:
    from zador.studies.catalogue.sources import Source
    from zador.studies.run import Evidence

__all__ = ["CLUSTERS", "RULES", "plane"]

CLUSTERS, _GAUSSIAN = "clusters", "Gaussian"
_REFERENCE = "straight-through"
_WIDTH = 0.05
"""Of the law exp(-||z - c||² / width) that weighs codewords: a standard deviation of 0.16 about each."""

RULES: dict[str, Rule] = {
    _REFERENCE: Plain(straight_through),
    "projection": Plain(projection),
    "rotation trick": Plain(rotation_trick),
    "DiVeQ": Noisy(DiVeQ()),
    "soft assignment": Mixed(SoftAssignment(1.0), _WIDTH),
    "Gumbel": Mixed(GumbelSoftmax(0.5, hard=False), _WIDTH),
}
"""Estimators by the names of their arms; those of mixtures look at all codewords."""

_START = (
    "A seed draws vectors, an encoder W that turns them by 30° to 60° and shortens them to 0.7 of their length, 12 of its "
    "encodings for codewords, and a stream of batches; all arms share them. Nothing decodes: x̂ = q, so that W = I with the "
    "best codebook for the vectors themselves is the best there is."
)
_LOSSES = (
    "Straight-through, projection and rotation trick train with codebook loss and commitment (β = 0.25). Through DiVeQ, "
    "soft assignment and Gumbel the reconstruction reaches the codewords, and is their only loss. All are judged at the "
    "nearest codeword."
)
_NOTES = (
    _START,
    _LOSSES,
    "“Half the rate” is straight-through with half the step of W: a projection shortens the gradient that reaches it.",
    "What is called projection here is called rotation in the reports; the rotation trick is another estimator.",
    "A step of Lloyd's algorithm is a pass over all vectors: its ways are not comparable in length with those of batches.",
)


def plane(*, quick: bool = False) -> Design:
    """Return the study: 12 codewords for clusters and for a Gaussian in the plane; fewer seeds and steps if `quick`."""
    recipe = Recipe(steps=150) if quick else Recipe()
    sources: dict[str, Source] = {
        CLUSTERS: Mixture(clusters=6, dim=2, spread=0.15, train=4000, evaluation=2000),
        _GAUSSIAN: Gaussian((1.0, 0.5), train=4000, evaluation=2000),
    }
    return Design(
        name="plane",
        title="What can be seen of estimators in the plane?",
        question=(
            "Pictures in two dimensions were said to show that the projection has smoother gradients at Voronoi boundaries, "
            "better aligned with where the loss falls, and a codebook that goes its way more steadily. What are the numbers "
            "behind such pictures?"
        ),
        factor="vectors",
        arms=tuple(arm for setting, source in sources.items() for arm in _arms(setting, source, recipe)),
        metrics=MEASURES,
        reference=_REFERENCE,
        seeds=tuple(range(1, 6 if quick else 21)),
        notes=_NOTES,
        short=quick,
        pictures=_pictures,
    )


def _arms(setting: str, source: Source, recipe: Recipe) -> list[Arm]:
    place = Plane(source)
    slower = Recipe(recipe.steps, recipe.batch, 0.5 * recipe.encoder_rate, recipe.codebook_rate, recipe.commitment)
    runs = {name: Run(place, rule, recipe) for name, rule in RULES.items()}
    return [
        *limit_arms(source, place.codebook_size, setting),
        Arm("Lloyd, same start", FromStart(place), setting),
        Arm("Lloyd, 10 restarts", Restarted(place), setting),
        *(Arm(name, run, setting) for name, run in runs.items()),
        Arm("half the rate", Run(place, RULES[_REFERENCE], slower), setting),
        Arm("true gradient", TrueGradient(place), setting),
    ]


def _pictures(evidence: Evidence) -> tuple[Picture, ...]:
    """Return the pictures of one seed; matplotlib is loaded for a report only."""
    from zador.studies.plane.album import album

    return album(evidence)
