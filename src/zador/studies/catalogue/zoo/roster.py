"""The arms of the zoo, by the names of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.estimators import (
    NSVQ,
    DiVeQ,
    IndexBackpropagation,
    Rebar,
    ReinMax,
    ScoredEstimator,
    ScoreFunction,
    SoftAssignment,
    householder,
    leave_one_out,
    projection,
    rescaling,
    rotation_trick,
    straight_through,
)
from zador.studies.catalogue.zoo.ways import Choosing, Scoring, Weighing, no_gradient

if TYPE_CHECKING:
    from zador.studies.catalogue.zoo.ways import Way

__all__ = ["NOTHING", "REFERENCE", "ROSTER", "WITHOUT_COMMITMENT"]

REFERENCE = "straight-through"
NOTHING = "no gradient"
WITHOUT_COMMITMENT = "straight-through, β = 0"


def _leave_one_out() -> ScoredEstimator:
    return ScoreFunction(leave_one_out)


ROSTER: dict[str, Way] = {
    REFERENCE: Choosing(straight_through),
    NOTHING: Choosing(no_gradient),
    WITHOUT_COMMITMENT: Choosing(straight_through, commitment=0.0),
    "projection": Choosing(projection),
    "rotation trick": Choosing(rotation_trick),
    "Householder": Choosing(householder),
    "rescaling": Choosing(rescaling),
    "NSVQ": Choosing(NSVQ(), weight=0.0, commitment=0.0),
    "DiVeQ": Choosing(DiVeQ(), weight=0.0, commitment=0.0),
    "Gumbel-softmax": Weighing(),
    "ReinMax": Weighing(ReinMax()),
    "index backpropagation": Weighing(IndexBackpropagation()),
    "soft assignment": Weighing(SoftAssignment()),
    "score function, 2 draws": Scoring(_leave_one_out, draws=2),
    "REBAR": Scoring(Rebar),
}
"""Every estimator with the defaults of the library: α, β, temperatures and draws."""
