"""How long should a codeword that nobody chooses wait before it is moved?"""

from __future__ import annotations

from zador.codebooks import ByDistortion, Ema
from zador.studies.catalogue.initialisation import PLACES
from zador.studies.catalogue.starts.initialisers import REFERENCE, initialisers
from zador.studies.catalogue.starts.journal import MEASURES
from zador.studies.catalogue.starts.learners import Averages, Gradients
from zador.studies.catalogue.starts.run import LearnsFrom, Run
from zador.studies.design import Arm, Design

__all__ = ["revival_patience"]

_PATIENCES = (4.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_DEFAULT = ByDistortion().patience
_NOBODY = "nobody revives"
_PLACES = ("clusters, K = 64", "photos, K = 256")
_STARTS = (REFERENCE, "uniform ±1/K")
_STEPS, _SHORTER, _SEEDS, _QUICK_SEEDS = 500, 5, 20, 5


def revival_patience(*, quick: bool = False) -> Design:
    """Return the study: patience from 4 to 256 vectors a codeword, from a good start and from a bad one, two learners."""
    steps = _STEPS // _SHORTER if quick else _STEPS
    arms: list[Arm] = []
    for place in _PLACES[:1] if quick else _PLACES:
        for start in _STARTS:
            for learner in ("averages", "gradients"):
                setting = f"{place}, {start}, {learner}"
                initialiser = initialisers(PLACES[place])[start]
                arms += [
                    Arm(_name(patience), Run(PLACES[place], initialiser, _learner(learner, patience, steps)), setting)
                    for patience in (None, *_PATIENCES)
                ]
    return Design(
        name="revival-patience",
        title="How long should a dead codeword wait?",
        question=(
            "A codeword that K · patience vectors have passed by counts as dead and is moved. If the wait is short, those "
            "of rare clusters are moved as well, which are worth much where they are; if it is long, a bad start costs "
            "more of the training. Codewords of clusters are used as unevenly as clusters are large."
        ),
        arms=tuple(arms),
        metrics=MEASURES,
        reference=_name(_DEFAULT),
        factor="data, start and learner",
        seeds=tuple(range(1, (_QUICK_SEEDS if quick else _SEEDS) + 1)),
        notes=(f"{steps} batches of 1024 vectors. {_DEFAULT:g} is the library's default. Averages: decay 0.99.",),
        short=quick,
    )


def _name(patience: float | None) -> str:
    return _NOBODY if patience is None else f"patience {patience:g}"


def _learner(name: str, patience: float | None, steps: int) -> LearnsFrom:
    reviver = None if patience is None else ByDistortion(patience=patience)
    return Averages(reviver, steps, ema=Ema(decay=0.99)) if name == "averages" else Gradients(reviver, steps)
