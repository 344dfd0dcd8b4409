"""Every estimator of the library, as it is judged, in the order of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.estimators import (
    NSVQ,
    AdditiveNoise,
    BlahutArimoto,
    DiVeQ,
    GumbelSoftmax,
    IndexBackpropagation,
    ReinMax,
    SoftAssignment,
    householder,
    householder_without_rescaling,
    leave_one_out,
    projection,
    rescaling,
    rotation_trick,
    rotation_trick_without_rescaling,
    straight_through,
)
from zador.studies.atlas.scene import SPACING
from zador.studies.atlas.subjects import Annealed, ControlVariate, Crossing, Curved, Dithered, Noisy, Relaxing, Score
from zador.studies.atlas.truth import of_draws, of_nearest

if TYPE_CHECKING:
    from zador.studies.atlas.subjects import Subject

__all__ = ["CHOOSING", "DRAWING", "REFERENCE", "ROSTER"]

REFERENCE = "straight-through"

CHOOSING: dict[str, Subject] = {
    REFERENCE: Crossing(straight_through),
    "projection": Crossing(projection),
    "rotation trick": Crossing(rotation_trick),
    "rotation, not rescaled": Crossing(rotation_trick_without_rescaling),
    "Householder": Crossing(householder),
    "Householder, not rescaled": Crossing(householder_without_rescaling),
    "rescaling": Crossing(rescaling),
    "NSVQ": Noisy(NSVQ()),
    "DiVeQ": Noisy(DiVeQ()),
    "SF-DiVeQ": Curved(DiVeQ()),
    "additive noise": Noisy(AdditiveNoise()),
    "dithered grid": Dithered(SPACING),
}
"""Those that see z and its nearest codeword q, the two ends of a segment, or not even that."""

DRAWING: dict[str, Subject] = {
    "Gumbel, τ = 1": Relaxing(GumbelSoftmax(1.0, hard=False)),
    "Gumbel, τ = 0.3": Relaxing(GumbelSoftmax(0.3, hard=False)),
    "hard Gumbel, τ = 1": Relaxing(GumbelSoftmax(1.0, hard=True), of_draws),
    "hard Gumbel, τ = 0.3": Relaxing(GumbelSoftmax(0.3, hard=True), of_draws),
    "ReinMax": Relaxing(ReinMax(1.0), of_draws),
    "index backpropagation": Relaxing(IndexBackpropagation(1.0), of_nearest),
    "soft assignment, τ = 1": Relaxing(SoftAssignment(1.0)),
    "soft assignment, τ = 0.3": Relaxing(SoftAssignment(0.3)),
    "Blahut–Arimoto, τ = 1": Annealed(BlahutArimoto(1.0)),
    "score function": Score(),
    "score function, 2 draws": Score(leave_one_out, 2),
    "REBAR": ControlVariate(),
    "RELAX": ControlVariate(16),
}
"""Those that see all codewords, by a law p ∝ exp(-||z - c||²)."""

ROSTER: dict[str, Subject] = {**CHOOSING, **DRAWING}
