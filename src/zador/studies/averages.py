"""Means over seeds of everything that a study measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zador.studies.run import Evidence

__all__ = ["means_of"]


def means_of(evidence: Evidence) -> dict[tuple[str, str, str], float]:
    """Return the mean over seeds, by arm, setting and metric; NaN where a run had no such number."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in evidence.rows:
        found.setdefault((row.arm, row.setting, row.metric), []).append(row.value)
    return {place: float(np.mean(values)) for place, values in found.items()}
