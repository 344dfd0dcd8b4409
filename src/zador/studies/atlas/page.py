"""What the page on the gradient atlas shows: its tables, from rows, and its pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zador.errors import DataError
from zador.files import write_atomically
from zador.studies.atlas.curves import draw_curves, means_of
from zador.studies.atlas.fields import draw_fields
from zador.studies.atlas.roster import CHOOSING, DRAWING
from zador.studies.claims import all_claims, verdicts
from zador.studies.report.markdown import pipe_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from zador.studies.run import Evidence

__all__ = ["claimed", "filled", "overview", "table", "write_pictures"]

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


def claimed(evidence: Evidence) -> str:
    """Return a Markdown table of what reports claim of a study, each claim with its computed verdict."""
    found = verdicts([claim for claim in all_claims() if claim.protocol == evidence.design.name], evidence.rows)
    lines = [[f"“{verdict.claim.quote}”", verdict.claim.section, verdict.sentence] for verdict in found]
    return pipe_table(["claim", "section", "verdict"], lines, words=(0, 1, 2))


def filled(page: str, tables: Mapping[str, str]) -> str:
    r"""Return a page with these tables between its marks `<!-- name -->` and `<!-- end of name -->`.

    Args:
        page: Markdown.
        tables: by name.

    Raises:
        DataError: a name has no such marks.

    >>> filled("<!-- a --> old <!-- end of a -->", {"a": "new"})
    '<!-- a -->\n\nnew\n\n<!-- end of a -->'
    """
    for name, text in tables.items():
        pattern = re.compile(rf"<!-- {name} -->.*?<!-- end of {name} -->", re.DOTALL)
        if not pattern.search(page):
            raise DataError(f"the page has no place for {name!r}: expected <!-- {name} --> and <!-- end of {name} -->")
        whole = f"<!-- {name} -->\n\n{text}\n\n<!-- end of {name} -->"
        page = pattern.sub(lambda _, whole=whole: whole, page)  # type: ignore[misc]
    return page


def write_pictures(directory: Path, distance: Evidence, noise: Evidence) -> list[Path]:
    """Write the pictures of the page, and return where they are.

    Args:
        directory: where to.
        distance: the study over the distance to the boundary.
        noise: the study over σ.
    """
    drawn = {
        "fields-choosing.svg": draw_fields(CHOOSING, prefix="choosing", drawn_law=False),
        "fields-drawing.svg": draw_fields(DRAWING, prefix="drawing", drawn_law=True),
        "distance.svg": draw_curves(distance, prefix="distance", axis="distance to the boundary in units of σ"),
        "noise.svg": draw_curves(noise, prefix="noise", axis="σ as a share of the spacing of codewords"),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        write_atomically(directory / name, picture.encode())
    return [directory / name for name in drawn]


def _short(value: float) -> str:
    """Return three figures, two decimals at most for shares below 10.

    >>> [_short(value) for value in (0.1234, 12.34, 1234.5, -0.004)]
    ['0.12', '12', '1200', '0.00']
    """
    if abs(value) < 10:  # noqa: PLR2004 - two decimals
        return f"{value:.2f}".replace("-0.00", "0.00")
    return f"{float(f'{value:.2g}'):.0f}"
