"""The page on commitment: what β does where, and what the reports said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.averages import means_of
from zador.studies.catalogue import COMMITMENT
from zador.studies.catalogue.adaptive_commitment import LLOYD, STARTS, WEIGHTS
from zador.studies.catalogue.commitment import commitment
from zador.studies.catalogue.estimator_comparison import estimator_comparison_commitment
from zador.studies.pages.outcome import outcome
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table
from zador.studies.report.markdown import escaped, pipe_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.design import Metric
    from zador.studies.run import Evidence

__all__ = ["PAGE", "scales"]

_PLAIN, _REVIVED, _ADAM = "adaptive-commitment", "adaptive-commitment-revival", "adaptive-commitment-adam"


def scales(evidence: Evidence) -> str:
    """Return a Markdown table of the gain at the end, beside 1/√β of what it is behind principal axes, for each fixed β."""
    means = means_of(evidence)
    settings = [setting for setting in evidence.design.settings if setting in {f"free, {placed}" for placed in STARTS}]
    tried = {arm.name for arm in evidence.design.arms}
    lines = []
    for name, beta in WEIGHTS.items():
        if callable(beta) or name not in tried:
            continue
        start = means[LLOYD, settings[0], "gain"]
        at_rest = f"{start / beta**0.5:.2f}" if beta else "none"
        lines.append([escaped(name), at_rest, *(f"{means[name, setting, 'gain']:.2f}" for setting in settings)])
    return pipe_table(["", "at rest, start / √β", *settings], lines)


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    plain, revived, adam = (found[name] for name in (_PLAIN, _REVIVED, _ADAM))
    return {
        "answers": outcome(plain, revived, adam),
        "distortion": means_table(plain, _metric(plain, "distortion")),
        "differences": relative_table(plain, _metric(plain, "distortion")),
        "scales": scales(plain),
        "scales with Adam": scales(adam),
        "dead": means_table(plain, _metric(plain, "dead codes")),
        "projection": means_table(plain, _metric(plain, "projection loss")),
        "revival": means_table(revived, _metric(revived, "distortion")),
        "dead with revival": means_table(revived, _metric(revived, "dead codes")),
        "adam": means_table(adam, _metric(adam, "distortion")),
        "claims": claims_table(claims_of(*found.values())),
    }


def _metric(evidence: Evidence, name: str) -> Metric:
    (metric,) = (metric for metric in evidence.design.metrics if metric.name == name)
    return metric


PAGE = Page("commitment", (*COMMITMENT, commitment, estimator_comparison_commitment), _tables)
