"""The page on the gradient atlas: its tables, from rows, and its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.atlas.curves import draw_curves
from zador.studies.atlas.fields import draw_fields
from zador.studies.atlas.roster import CHOOSING, DRAWING
from zador.studies.averages import means_of
from zador.studies.catalogue import ATLAS
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table
from zador.studies.report.markdown import pipe_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.run import Evidence

__all__ = ["PAGE", "overview", "table"]

_UNRESOLVED = 2.0
"""Standard errors up to which a bias of its own is printed as a bound."""


def overview(evidence: Evidence, setting: str) -> str:
    """Return a Markdown table of one setting: an estimator a line, its measures side by side.

    Args:
        evidence: a study of the atlas.
        setting: which of its settings.
    """
    means = means_of(evidence)
    shown = [metric for metric in evidence.design.metrics if metric.name != "resolution"]
    lines = []
    for arm in dict.fromkeys(arm.name for arm in evidence.design.arms):
        cells = [arm]
        for metric in shown:
            value, error = means[arm, setting, metric.name], means[arm, setting, "resolution"]
            small = metric.name == "own bias" and value < _UNRESOLVED * error
            cells.append(f"≤ {_short(_UNRESOLVED * error)}" if small else _short(value))
        lines.append(cells)
    return pipe_table(["estimator", *(metric.heading for metric in shown)], lines)


def table(evidence: Evidence, metric: str) -> str:
    """Return a Markdown table of one metric: an estimator a line, a setting a column, means over seeds."""
    means, settings = means_of(evidence), evidence.design.settings
    arms = dict.fromkeys(arm.name for arm in evidence.design.arms)
    lines = [[arm, *(_short(means[arm, setting, metric]) for setting in settings)] for arm in arms]
    return pipe_table(["estimator", *settings], lines)


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    distance = found["gradient-atlas"]
    return {
        "overview": overview(distance, "distance / σ = 1"),
        "distance": table(distance, "hard cosine"),
        "length": table(distance, "length"),
        "dimension": table(found["gradient-atlas-dimension"], "hard cosine"),
        "size": table(found["gradient-atlas-size"], "hard cosine"),
        "loss": table(found["gradient-atlas-loss"], "hard bias"),
        "noise": table(found["gradient-atlas-noise"], "hard bias"),
        "claims": claims_table(claims_of(distance)),
    }


def _pictures(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    distance, noise = found["gradient-atlas"], found["gradient-atlas-noise"]
    return {
        "fields-choosing.svg": draw_fields(CHOOSING, prefix="choosing", drawn_law=False),
        "fields-drawing.svg": draw_fields(DRAWING, prefix="drawing", drawn_law=True),
        "distance.svg": draw_curves(distance, prefix="distance", axis="distance to the boundary in units of σ"),
        "noise.svg": draw_curves(noise, prefix="noise", axis="σ as a share of the spacing of codewords"),
    }


def _short(value: float) -> str:
    """Return three figures, two decimals at most for shares below 10.

    >>> [_short(value) for value in (0.1234, 12.34, 1234.5, -0.004)]
    ['0.12', '12', '1200', '0.00']
    """
    if abs(value) < 10:  # noqa: PLR2004 - two decimals
        return f"{value:.2f}".replace("-0.00", "0.00")
    return f"{float(f'{value:.2g}'):.0f}"


PAGE = Page("gradient-atlas", ATLAS, _tables, _pictures)
