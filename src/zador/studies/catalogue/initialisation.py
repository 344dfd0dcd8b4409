"""Does R(D)-optimal initialisation help, when, and by how much? Starts by themselves, and under three learners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks import ByDistortion, Ema, Lloyd, keep_empty, relocate_empty
from zador.studies.catalogue.sources import Bundled, Gaussian, Mixture
from zador.studies.catalogue.starts.initialisers import REFERENCE, initialisers
from zador.studies.catalogue.starts.journal import MEASURES
from zador.studies.catalogue.starts.learners import Averages, FullBatch, Gradients
from zador.studies.catalogue.starts.place import Place, limits_of
from zador.studies.catalogue.starts.run import EXPECTATIONS, Expectation, Run
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from zador.studies.catalogue.starts.run import LearnsFrom

__all__ = [
    "CONVERGED",
    "FIXED_ENCODER",
    "PLACES",
    "initialisation_ema",
    "initialisation_ema_revival",
    "initialisation_lloyd",
    "initialisation_lloyd_revival",
    "initialisation_sgd",
    "initialisation_sgd_revival",
    "initialisation_start",
]

CONVERGED = "Lloyd from k-means++, converged"
FIXED_ENCODER = "k-means++, encoder fixed"

_TESTBED = Gaussian(tuple(np.geomspace(4.0, 0.25, 6).tolist()))

PLACES = {
    **{f"testbed, K = {size}": Place(_TESTBED, size, 4) for size in (8, 32, 128, 1024)},
    "isotropic, K = 256": Place(Gaussian((1.0,) * 8), 256, 8),
    "steep, K = 16": Place(Gaussian((8.0, 1.0, 0.3, 0.1)), 16, 4),
    "clusters, K = 64": Place(Mixture(), 64, 4),
    "digits, K = 64": Place(Bundled("digits", axes=16), 64, 8),
    "photos, K = 256": Place(Bundled("photos", axes=16), 256, 8),
}
"""Where starts are compared: source, K and the number of axes that are kept."""

_QUICK_PLACES = ("testbed, K = 8", "testbed, K = 128", "clusters, K = 64")
_SEEDS, _START_SEEDS, _QUICK_SEEDS, _QUICK_STARTS = 20, 5, 5, 2
_STEPS, _SHORTER = 500, 5

_PLACES_NOTE = (
    "Testbed: the 6 variances of protocol A from 4 to 1/4, of which the encoder keeps 4. Isotropic: 8 variances of 1. "
    "Steep: 8, 1, 0.3, 0.1. Clusters: 50 in 4 dimensions, shares ∝ 1/c. Digits and 8 × 8 patches of photographs: 16 "
    "principal axes, of which the encoder keeps 8. Of drawn vectors 20,000 are fitted to and 4,000 judged on, of real ones "
    "a fifth is judged on."
)
_START_NOTE = "All starts see the same training vectors and draw from the same seed; batches are the same for all of them."


def initialisation_start(*, quick: bool = False) -> Design:
    """Return the study of starts by themselves: predicted and measured error, and who is dead."""
    places = _places(quick=quick)
    arms = [
        Arm(name, Expectation(place, initialiser), setting)
        for setting, place in places.items()
        for name, initialiser in initialisers(place).items()
    ]
    count = _QUICK_STARTS if quick else _START_SEEDS
    return Design(
        name="initialisation-start",
        title="How good is each start, and does theory know before?",
        question=(
            "Starts that are drawn from a law have an expected error that can be worked out before any codeword is drawn. "
            "Is it what is measured, and which start is lowest?"
        ),
        arms=tuple(arms),
        metrics=EXPECTATIONS,
        reference=REFERENCE,
        factor="source and K",
        seeds=tuple(range(1, count + 1)),
        notes=(_PLACES_NOTE,),
        short=quick,
    )


def initialisation_lloyd(*, quick: bool = False) -> Design:
    """Return the study under Lloyd's algorithm; empty cells keep their codeword."""
    return _design("lloyd", "Lloyd's algorithm", FullBatch(Lloyd(empty=keep_empty)), revival="", quick=quick)


def initialisation_lloyd_revival(*, quick: bool = False) -> Design:
    """Return the study under Lloyd's algorithm; codewords of empty cells move to the vectors farthest from theirs."""
    learner = FullBatch(Lloyd(empty=relocate_empty))
    return _design("lloyd", "Lloyd's algorithm", learner, revival="Codewords of empty cells are relocated.", quick=quick)


def initialisation_sgd(*, quick: bool = False) -> Design:
    """Return the study under stochastic gradients with straight-through; dead codewords stay where they are."""
    return _design("sgd", "gradient descent", Gradients(steps=_steps(quick=quick)), revival="", quick=quick)


def initialisation_sgd_revival(*, quick: bool = False) -> Design:
    """Return the study under stochastic gradients with straight-through and the library's own revival."""
    learner = Gradients(ByDistortion(), _steps(quick=quick))
    return _design("sgd", "gradient descent", learner, revival=_REVIVED, quick=quick)


def initialisation_ema(*, quick: bool = False) -> Design:
    """Return the study under moving averages, decay 0.99; dead codewords stay where they are."""
    learner = Averages(steps=_steps(quick=quick), ema=Ema(decay=0.99))
    return _design("ema", "moving averages", learner, revival="", quick=quick)


def initialisation_ema_revival(*, quick: bool = False) -> Design:
    """Return the study under moving averages, decay 0.99, and the library's own revival."""
    learner = Averages(ByDistortion(), _steps(quick=quick), ema=Ema(decay=0.99))
    return _design("ema", "moving averages", learner, revival=_REVIVED, quick=quick)


_REVIVED = "A codeword that 64 K vectors have passed by moves onto one that is served badly, as layers do by default."


def _design(name: str, called: str, learner: LearnsFrom, *, revival: str, quick: bool) -> Design:
    how = "with" if revival else "without"
    return Design(
        name=f"initialisation-{name}{'-revival' if revival else ''}",
        title=f"Does the start matter under {called}, {how} revival?",
        question=(
            f"The same vectors, the same batches, as many steps, {how} revival of dead codewords: only the start differs. "
            "It helps if the distortion at the end is lower than from k-means++; one that is only lower first saves steps."
        ),
        arms=tuple(_arms(learner, quick=quick)),
        metrics=MEASURES,
        reference=REFERENCE,
        factor="source and K",
        seeds=tuple(range(1, (_QUICK_SEEDS if quick else _SEEDS) + 1)),
        notes=tuple(filter(None, (_PLACES_NOTE, _START_NOTE, revival))),
        short=quick,
    )


def _arms(learner: LearnsFrom, *, quick: bool) -> list[Arm]:
    arms: list[Arm] = []
    for setting, place in _places(quick=quick).items():
        arms += limits_of(place, setting, floor=not quick)
        starts = initialisers(place)
        arms += [Arm(name, Run(place, start, learner), setting) for name, start in starts.items()]
        usual = starts[REFERENCE]
        if not isinstance(learner, FullBatch):
            arms.append(Arm(CONVERGED, Run(place, usual, FullBatch(Lloyd(empty=keep_empty))), setting))
        if isinstance(learner, Gradients) and learner.revive is None and place.source == _TESTBED:
            arms.append(Arm(FIXED_ENCODER, Run(place, usual, replace(learner, encoder_rate=0.0)), setting))
    return arms


def _places(*, quick: bool) -> dict[str, Place]:
    return {setting: PLACES[setting] for setting in _QUICK_PLACES} if quick else PLACES


def _steps(*, quick: bool) -> int:
    return _STEPS // _SHORTER if quick else _STEPS
