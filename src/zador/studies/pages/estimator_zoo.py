"""The page on the estimator zoo: which estimator, on what, at what cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zador.studies.catalogue import ZOO
from zador.studies.catalogue.estimator_zoo import TWO_STAGE
from zador.studies.catalogue.zoo.figures import BEST_CHOICE
from zador.studies.catalogue.zoo.roster import NOTHING, ROSTER, WITHOUT_COMMITMENT
from zador.studies.pages.choices import candidates, choices_table, choose
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, relative
from zador.studies.report import answers, numerals
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.design import Metric
    from zador.studies.report.results import Contrast, Results
    from zador.studies.run import Evidence

__all__ = ["PAGE"]

_MODELS = {"linear": "estimator-zoo-linear", "MLP": "estimator-zoo-mlp"}
"""What the page calls the two models, and their studies."""
_COST = "estimator-zoo-cost"
_CANDIDATES = tuple(name for name in ROSTER if name not in {NOTHING, WITHOUT_COMMITMENT})


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    results = {model: measure(found[study]) for model, study in _MODELS.items()}
    return {
        "answers": "\n\n".join(_answer(model, one) for model, one in results.items()),
        "overview": _overview(results, measure(found[_COST])),
        "choice": _choice(found),
        "levels": _levels(results),
        "claims": claims_table(claims_of(*(found[study] for study in _MODELS.values()))),
    }


def _answer(model: str, results: Results) -> str:
    """Return in sentences what lowers the error below that of the reference, what raises it, and what is left open."""
    groups: dict[str, list[tuple[float, str]]] = {"lower": [], "higher": [], "open": []}
    for arm in ROSTER:
        contrast = _contrast(results, arm)
        if contrast is None:
            continue
        way = ("lower" if contrast.difference.effect < 0 else "higher") if contrast.resolved else "open"
        groups[way].append((contrast.share, f"{escaped(arm)} ({_share(contrast)})"))
    listed = {way: "; ".join(text for _, text in sorted(found)) for way, found in groups.items() if found}
    heads = {"lower": "Lower error than", "higher": "Higher error than", "open": "Not told apart from"}
    said = [f"{heads[way]} {results.design.reference}: {text}." for way, text in listed.items()]
    return " ".join((f"**{escaped(model)}.**", *said, _two_stages(results), escaped(answers.failures(results)))).rstrip()


def _two_stages(results: Results) -> str:
    """Return whether training through the quantizer with the reference gained anything on the start."""
    contrast = _contrast(results, TWO_STAGE)
    if contrast is None or not contrast.resolved:
        return f"Whether {results.design.reference} has gained anything on two stages is not resolved."
    worth = "has lost to" if contrast.difference.effect < 0 else "has gained on"
    return f"{results.design.reference.capitalize()} {worth} two stages ({_share(contrast)})."


def _contrast(results: Results, arm: str) -> Contrast | None:
    return results.contrasts.get(("", arm, results.design.metrics[0].name))


def _share(contrast: Contrast) -> str:
    return "fails" if math.isinf(contrast.difference.effect) else numerals.share(contrast.share)


def _overview(results: Mapping[str, Results], cost: Results) -> str:
    """Return a table: for each estimator, in both models, its error beside straight-through's, codewords in use, cost."""
    lines = [
        [
            escaped(arm),
            *(_beside(one, arm) for one in results.values()),
            *(_mean(one, arm, "perplexity") for one in results.values()),
            *(_mean(one, arm, "dead codes") for one in results.values()),
            *(_mean(cost, arm, "relative cost", setting) for setting in _MODELS),
        ]
        for arm in ROSTER
    ]
    columns = ("distortion", "perplexity", "dead", "cost")
    return pipe_table(["estimator", *(f"{column}, {model}" for column in columns for model in _MODELS)], lines)


def _levels(results: Mapping[str, Results]) -> str:
    """Return a table of all arms, limits and baselines first: errors, and those of the best choice of a code."""
    arms = dict.fromkeys(arm.name for one in results.values() for arm in one.design.arms)
    metrics = ("distortion", BEST_CHOICE.name)
    lines = [
        [escaped(arm), *(_mean(one, arm, metric) for one in results.values() for metric in metrics)]
        for arm in sorted(arms, key=lambda name: name in ROSTER)
    ]
    return pipe_table(["arm", *(f"{metric}, {model}" for model in results for metric in metrics)], lines)


def _choice(found: Mapping[str, Evidence]) -> str:
    """Return a table of what to take in each of the two models."""
    chosen = {}
    for model, study in _MODELS.items():
        evidence = found[study]
        offered = candidates(evidence, evidence.design.metrics[0], "", {name: name for name in _CANDIDATES})
        chosen[model] = choose(offered)
    return choices_table("model", chosen)


def _beside(results: Results, arm: str) -> str:
    """Return an error as a share of the reference's, with its interval."""
    if arm == results.design.reference:
        return "reference"
    contrast = _contrast(results, arm)
    return "" if contrast is None else relative(contrast)


def _mean(results: Results, arm: str, name: str, setting: str = "") -> str:
    """Return a mean with half of its interval; nothing where an arm has no such number."""
    metric: Metric = next(metric for metric in results.design.metrics if metric.name == name)
    sample = results.samples.get((setting, arm, name))
    if sample is None:
        return ""
    half = numerals.half(sample, metric.decimals)
    return f"{numerals.centre(sample, metric.decimals)} ± {half}" if half else numerals.centre(sample, metric.decimals)


PAGE = Page("estimator-zoo", ZOO, _tables)
