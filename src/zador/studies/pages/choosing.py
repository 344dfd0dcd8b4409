"""The page on what to choose: quantizer, estimator, initialiser, learner, each from the rows of what was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue import INITIALISATION, STRUCTURE, ZOO
from zador.studies.catalogue.initialisation import PLACES
from zador.studies.catalogue.starts.initialisers import REFERENCE as USUAL_START
from zador.studies.catalogue.starts.initialisers import initialisers
from zador.studies.catalogue.zoo.roster import NOTHING, ROSTER, WITHOUT_COMMITMENT
from zador.studies.pages.choices import candidates, choices_table, choose
from zador.studies.pages.overall import overall_table
from zador.studies.pages.page import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.pages.choices import Candidate
    from zador.studies.run import Evidence

__all__ = ["PAGE", "estimators", "learners", "quantizers", "starts"]

Situations = dict[str, "Sequence[Candidate]"]

_LEARNERS = {
    "initialisation-lloyd": "Lloyd",
    "initialisation-lloyd-revival": "Lloyd, revival",
    "initialisation-sgd": "gradients",
    "initialisation-sgd-revival": "gradients, revival",
    "initialisation-ema": "moving averages",
    "initialisation-ema-revival": "moving averages, revival",
}
_CODES = {
    "structure": "8 bits",
    "structure-12-bits": "12 bits",
    "structure-layers": "8 bits, as layers",
    "structure-maps": "32 bits a square",
}
_MODELS = {"estimator-zoo-linear": "linear maps", "estimator-zoo-mlp": "networks"}


def starts(found: Mapping[str, Evidence]) -> Situations:
    """Return the initialisers under every learner and at every place."""
    return {
        f"{learner}: {setting}": _offered(found[study], setting, {name: name for name in initialisers(PLACES[setting])})
        for study, learner in _LEARNERS.items()
        for setting in found[study].design.settings
    }


def learners(found: Mapping[str, Evidence]) -> Situations:
    """Return the learners at every place, all from the library's usual start."""
    return {
        setting: [
            one for study, learner in _LEARNERS.items() for one in _offered(found[study], setting, {USUAL_START: learner})
        ]
        for setting in found["initialisation-lloyd"].design.settings
    }


def estimators(found: Mapping[str, Evidence]) -> Situations:
    """Return the estimators behind linear maps and behind networks, those of the library with its defaults."""
    names = {name: name for name in ROSTER if name not in {NOTHING, WITHOUT_COMMITMENT}}
    return {called: _offered(found[study], "", names) for study, called in _MODELS.items()}


def quantizers(found: Mapping[str, Evidence]) -> Situations:
    """Return the quantizers at every source and rate."""
    return {
        ", ".join(filter(None, (called, setting))): _offered(found[study], setting, None)
        for study, called in _CODES.items()
        for setting in found[study].design.settings
    }


def _offered(evidence: Evidence, setting: str, names: Mapping[str, str] | None) -> list[Candidate]:
    return candidates(evidence, evidence.design.metrics[0], setting, names)


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    questions = {
        "quantizer": ("data and rate", quantizers(found)),
        "estimator": ("model", estimators(found)),
        "initialiser": ("learner and data", starts(found)),
        "learner": ("data", learners(found)),
    }
    tables: dict[str, str] = {}
    for thing, (first, situations) in questions.items():
        tables[thing] = choices_table(first, {name: choose(offered) for name, offered in situations.items()})
        tables[f"{thing} overall"] = overall_table(situations, thing)
    return tables


PAGE = Page("choosing", (*INITIALISATION, *STRUCTURE, *ZOO), _tables)
