"""The numbers behind the report of a study as files inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zador.studies.folder import design_json, failures_csv, rows_csv
from zador.studies.page.downloads import as_csv, as_file, plain
from zador.studies.report.bands import bands, drawn_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.claims import Verdict
    from zador.studies.page.downloads import Download
    from zador.studies.report.bands import Band
    from zador.studies.report.results import Contrast, Results
    from zador.studies.run import Evidence

__all__ = ["MOST", "curves", "design", "differences", "failures", "rows", "verdicts"]

_PLACE = ("setting", "arm", "metric")

MOST = 800_000
"""Characters that one file may take of the 2 MB that a page may have."""


def rows(evidence: Evidence) -> Download | None:
    """Return every row as CSV with all its digits; None where they are too many for a page."""
    made = as_file("rows", _name(evidence.design.name, "rows"), rows_csv(evidence))
    return made if len(made.href) <= MOST else None


def failures(evidence: Evidence) -> Download | None:
    """Return every failed run with what it said as CSV; None if none failed."""
    name = _name(evidence.design.name, "failures")
    return as_file("failed runs", name, failures_csv(evidence)) if evidence.failures else None


def differences(results: Results) -> Download | None:
    """Return every difference to the reference as CSV; None where there is nothing to compare."""
    lines = [dict(zip(_PLACE, place, strict=True)) | _numbers(found) for place, found in results.contrasts.items()]
    return _some("differences", _name(results.design.name, "differences"), lines)


def curves(results: Results) -> Download | None:
    """Return the curves as drawn as CSV; None where there are none, or too many for a page."""
    lines = [
        dict(zip(_PLACE, (setting, band.arm, metric), strict=True)) | point
        for metric in drawn_metrics(results)
        for setting in results.design.settings
        for band in bands(results, setting, metric)
        for point in _points(band)
    ]
    return _some("curves", _name(results.design.name, "curves"), lines)


def verdicts(name: str, found: Sequence[Verdict]) -> Download | None:
    """Return the verdicts as CSV; None where there are none."""
    of_claim = ("key", "source", "section", "quote")
    of_verdict = ("status", "sentence", "n_seeds", "effect", "relative", "low", "high", "p", "family", "needed")
    lines = [
        {field: getattr(verdict.claim, field) for field in of_claim}
        | {field: getattr(verdict, field) for field in of_verdict}
        for verdict in found
    ]
    return _some("verdicts", _name(name, "verdicts"), lines)


def design(evidence: Evidence) -> Download:
    """Return the whole design as JSON."""
    return as_file("design", _name(evidence.design.name, "design", "json"), design_json(evidence.design))


def _numbers(contrast: Contrast) -> dict[str, Any]:
    found = contrast.difference
    return {
        "seeds": found.n,
        "difference": found.effect,
        "share": contrast.share,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_holm": contrast.adjusted,
        "family": contrast.family,
        "standardised": found.standardised,
        "resolved": contrast.resolved,
        "needed": contrast.needed,
        "method": found.method,
    }


def _points(band: Band) -> list[dict[str, Any]]:
    columns = {"step": band.steps, "mean": band.mean, "low": band.low, "high": band.high}
    numbers = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, point, strict=True)) | {"runs": band.runs} for point in numbers]


def _some(label: str, name: str, lines: Sequence[Mapping[str, Any]]) -> Download | None:
    """Return lines as CSV with their keys above; None if there are none, or too many for a page."""
    if not lines:
        return None
    made = as_csv(label, name, list(lines[0]), [list(line.values()) for line in lines])
    return made if len(made.href) <= MOST else None


def _name(study: str, part: str, ending: str = "csv") -> str:
    return f"{plain(study, 'study')}-{part}.{ending}"
