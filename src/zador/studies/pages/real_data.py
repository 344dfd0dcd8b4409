"""The page on real data: tables, encoders and networks of one rate on digits, photographs, motion, embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.averages import means_of
from zador.studies.catalogue import REAL_DATA
from zador.studies.pages.outcome import outcome
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table
from zador.studies.report.markdown import escaped, pipe_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.run import Evidence

__all__ = ["PAGE", "overheads"]


def overheads(evidence: Evidence) -> str:
    """Return a Markdown table of what generalising costs, and what choosing an index costs, as shares of the distortion.

    The first is (held out - training) / held out, the second (distortion - distortion to the nearest value) / distortion.
    """
    means, lines = means_of(evidence), []
    for arm in dict.fromkeys(arm.name for arm in evidence.design.arms if not arm.limit):
        cells = [escaped(arm)]
        for setting in evidence.design.settings:
            distortion = means[arm, setting, "distortion"]
            parts = (means[arm, setting, metric] for metric in ("training distortion", "nearest"))
            cells.append(", ".join(f"{100 * (1 - part / distortion):.1f} %" for part in parts))
        lines.append(cells)
    return pipe_table(["new vectors, choice of index", *evidence.design.settings], lines)


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    six, eight, dead = (found[name] for name in ("real-data", "real-data-8-bits", "real-data-dead-codes"))
    metrics = {metric.name: metric for metric in six.design.metrics}
    distortion = metrics["distortion"]
    return {
        "answer": outcome(six),
        "distortion": means_table(six, distortion),
        "against Lloyd": relative_table(six, distortion),
        "overheads": overheads(six),
        "bits": means_table(six, metrics["effective bits"]),
        "perplexity": means_table(six, metrics["perplexity"]),
        "8 bits": outcome(eight),
        "distortion at 8 bits": means_table(eight, distortion),
        "dead answer": outcome(dead),
        "dead": means_table(dead, metrics["dead in training"]),
        "dead distortion": means_table(dead, distortion),
        "claims": claims_table(claims_of(six, eight, dead)),
    }


PAGE = Page("real-data", REAL_DATA, _tables)
