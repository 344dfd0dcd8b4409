"""The page of a study: one HTML file that asks nobody for anything, and is complete without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from zador.studies.page import wording
from zador.studies.page.document import environment, markup
from zador.studies.page.looks import glyph, looks
from zador.studies.report import answers, blueprint, downloads, tables, verdicts
from zador.studies.report.axes import DASHES
from zador.studies.report.bands import drawn_metrics
from zador.studies.report.gallery import gallery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template

    from zador.studies.claims import Verdict
    from zador.studies.design import Metric
    from zador.studies.page.downloads import Download
    from zador.studies.report.results import Results
    from zador.studies.report.tables import Table
    from zador.studies.run import Evidence

__all__ = ["compose", "facts", "family_note", "template"]


@dataclass(frozen=True)
class _Contrasts:
    """The differences in one metric."""

    heading: str
    table: Table
    note: str


def compose(evidence: Evidence, results: Results, found: Sequence[Verdict], provenance: Mapping[str, str]) -> str:
    """Return the page as HTML: the same evidence gives the same bytes."""
    design = evidence.design
    return template("study.html.j2").render(
        design=design,
        claims=[verdicts.judged(verdict) for verdict in found],
        tally=verdicts.tally(found),
        command=provenance.get("command") or blueprint.command(design),
        blueprint=blueprint.readable(design),
        provenance=provenance,
        count=wording.count,
        **_answer(results),
        **_drawn(evidence, results),
        **_numbers(results),
        **_files(evidence, results, found),
    )


def _answer(results: Results) -> dict[str, Any]:
    return {
        "facts": facts(results),
        "headline": answers.headline(results),
        "advice": answers.open_questions(results),
        "lost": answers.failures(results),
        "findings": answers.findings(results),
    }


def _drawn(evidence: Evidence, results: Results) -> dict[str, Any]:
    faces = looks(dict.fromkeys(results.tried, False))
    limits = dict.fromkeys(arm.name for arm in evidence.design.arms if arm.limit)
    pictures = gallery(results, faces, evidence.design.pictures(evidence))
    return {
        "glyphs": {name: markup(glyph(look)) for name, look in faces.items()},
        "dashes": {name: markup(_dash(place)) for place, name in enumerate(limits)},
        "own": pictures.own,
        "against": pictures.against,
        "courses": pictures.courses,
        "undrawn": pictures.missing,
    }


def _numbers(results: Results) -> dict[str, Any]:
    many = len(results.design.settings) > 1 and bool(results.metrics)
    return {
        "metrics": results.metrics,
        "glance": tables.at_a_glance(results, results.metrics[0]) if many else None,
        "numbers": tables.all_numbers(results),
        "contrasts": [
            _Contrasts(metric.heading, tables.differences(results, metric), family_note(results, metric))
            for metric in results.metrics
            if results.family(metric)
        ],
    }


def _files(evidence: Evidence, results: Results, found: Sequence[Verdict]) -> dict[str, Any]:
    wanted = {
        "rows": downloads.rows(evidence),
        "differences": downloads.differences(results),
        "failed runs": downloads.failures(evidence),
        "curves": downloads.curves(results),
        "verdicts": downloads.verdicts(evidence.design.name, found),
        "design": downloads.design(evidence),
    }
    return {"files": [file for file in wanted.values() if file], "left_out": _left_out(wanted, results)}


@cache
def template(name: str) -> Template:
    """Return a template of this room."""
    return environment(__package__).get_template(name)


def facts(results: Results) -> str:
    """Return how much was done, in one line."""
    design = results.design
    limits = dict.fromkeys(arm.name for arm in design.arms if arm.limit)
    settings = len(design.settings)
    seeds = design.seeds
    parts = [
        wording.count(len(results.tried), "arm"),
        wording.count(len(limits), "limit") if limits else "",
        f"{wording.count(settings, 'setting')}{f' of {design.factor}' if design.factor else ''}" if settings > 1 else "",
        f"{wording.count(len(seeds), 'seed')} ({seeds[0]}{f' to {seeds[-1]}' if len(seeds) > 1 else ''})",
        wording.count(results.runs, "run"),
    ]
    return ", ".join(filter(None, parts)) + "."


def family_note(results: Results, metric: Metric) -> str:
    """Return how many differences of a metric are read together."""
    family = next((found.family for _, found in results.family(metric)), 1)
    if all(found.difference.n == 1 for _, found in results.family(metric)):
        return "One seed: differences have no interval, and none is resolved."
    return (
        f"Family of this table: {wording.count(family, 'difference')}. p is Holm’s; intervals are of level "
        f"1 − 0.05 / {family}, so that all of them cover at once with 95 %."
    )


def _left_out(wanted: Mapping[str, Download | None], results: Results) -> list[str]:
    """Return the files that were too large; the others that are not there have nothing in them."""
    missing = ["rows"] if wanted["rows"] is None else []
    return [*missing, "curves"] if wanted["curves"] is None and drawn_metrics(results) else missing


def _dash(place: int) -> str:
    """Return the line of a limit as a small inline SVG."""
    on_off = " ".join(f"{1.2 * length:g}" for length in DASHES[place % len(DASHES)])
    return (
        '<svg class="dash" viewBox="-16 -8 32 16" aria-hidden="true"><path stroke="var(--bound)" stroke-width="2.4" '
        f'stroke-dasharray="{on_off}" d="M-16 0H16"/></svg>'
    )
