"""The page on what is trained, and how: a projection before the codebook, optimisers and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.averages import means_of
from zador.studies.catalogue import TRAINING
from zador.studies.catalogue.optimisers import Tuned
from zador.studies.pages.outcome import outcome
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table
from zador.studies.report.markdown import escaped, pipe_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.run import Evidence

__all__ = ["PAGE", "rates", "shares"]


def rates(evidence: Evidence) -> str:
    """Return a Markdown table of the learning rates that the rule chose: lr_W, lr_E for each method, a setting a column."""
    means = means_of(evidence)
    tuned = {(arm.name, arm.setting): arm for arm in evidence.design.arms if isinstance(arm.work, Tuned)}
    lines = []
    for name in dict.fromkeys(arm for arm, _ in tuned):
        cells = [escaped(name)]
        for setting in evidence.design.settings:
            pair = (means[name, setting, metric] for metric in ("lr_W", "lr_E"))
            cells.append(", ".join(f"{rate:g}" for rate in pair) if (name, setting) in tuned else "")
        lines.append(cells)
    return pipe_table(["lr W, lr E", *evidence.design.settings], lines)


def shares(evidence: Evidence) -> str:
    """Return a Markdown table of what is lost to the projection and what to the codebook, means over seeds."""
    means = means_of(evidence)
    lines = []
    for arm in dict.fromkeys(arm.name for arm in evidence.design.arms if not arm.limit):
        cells = [escaped(arm)]
        for setting in evidence.design.settings:
            lost = means[arm, setting, "projection loss"]
            cells.append(f"{lost:.2f} + {means[arm, setting, 'distortion'] - lost:.2f}")
        lines.append(cells)
    return pipe_table(["projection + codebook", *evidence.design.settings], lines)


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    projection, training = found["learned-projection"], found["optimisers"]
    error, reconstruction = projection.design.metrics[0], training.design.metrics[0]
    return {
        "projection answer": outcome(projection),
        "projection": means_table(projection, error),
        "shares": shares(projection),
        "optimisers answer": outcome(training),
        "optimisers": means_table(training, reconstruction),
        "against Lloyd": relative_table(training, reconstruction),
        "rates": rates(training),
        "claims": claims_table(claims_of(projection, training)),
    }


PAGE = Page("optimisers", TRAINING, _tables)
