"""The page on structure: sums, products, scalars and scales against one table of the same rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.catalogue import STRUCTURE
from zador.studies.pages.outcome import outcome
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, means_table, relative_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.run import Evidence

__all__ = ["PAGE"]


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    names = ("structure", "structure-12-bits", "structure-layers", "structure-maps")
    eight, twelve, layers, maps = (found[name] for name in names)
    metrics = {metric.name: metric for metric in eight.design.metrics}
    distortion = metrics["distortion"]
    return {
        "8 bits answer": outcome(eight),
        "8 bits": means_table(eight, distortion),
        "8 bits against one table": relative_table(eight, distortion),
        "training": means_table(eight, metrics["training distortion"]),
        "stored": means_table(eight, metrics["stored"]),
        "real bits": means_table(eight, metrics["real bits"]),
        "12 bits answer": outcome(twelve),
        "12 bits": means_table(twelve, distortion),
        "12 bits against one table": relative_table(twelve, distortion),
        "layers answer": outcome(layers),
        "layers": means_table(layers, distortion),
        "layers dead": means_table(layers, metrics["dead in training"]),
        "layers real bits": means_table(layers, metrics["real bits"]),
        "maps answer": outcome(maps),
        "maps": means_table(maps, distortion),
        "maps real bits": means_table(maps, metrics["real bits"]),
        "claims": claims_table(claims_of(eight, twelve, layers, maps)),
    }


PAGE = Page("structure", STRUCTURE, _tables)
