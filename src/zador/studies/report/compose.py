"""The page of a study: one HTML file that asks nobody for anything, and is complete without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from zador.studies.page import wording
from zador.studies.page.document import environment, markup
from zador.studies.page.looks import glyph, looks
from zador.studies.report import answers, blueprint, downloads, tables, verdicts
from zador.studies.report.axes import DASHES
from zador.studies.report.bands import bands, drawn_metrics
from zador.studies.report.curve_plots import curves
from zador.studies.report.setting_plots import FEWEST, against_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template
    from markupsafe import Markup

    from zador.studies.claims import Verdict
    from zador.studies.design import Metric, Picture
    from zador.studies.page.downloads import Download
    from zador.studies.page.looks import Look
    from zador.studies.report.bands import Band
    from zador.studies.report.results import Results
    from zador.studies.report.tables import Table
    from zador.studies.run import Evidence

__all__ = ["compose", "facts", "family_note", "template"]

_PICTURE_BUDGET = 700_000
"""Characters that pictures may take of the 2 MB that a page may have; the first metrics come first."""
_OWN_BUDGET = 700_000
"""Characters that a study's own pictures may take, in its order."""


@dataclass(frozen=True)
class _Picture:
    """One metric against the factor."""

    heading: str
    drawn: Markup


@dataclass(frozen=True)
class _Own:
    """A picture that the study draws itself."""

    title: str
    drawn: Markup
    caption: str


@dataclass(frozen=True)
class _Course:
    """One metric along the runs, a picture for each setting."""

    heading: str
    pictures: list[Markup]
    caption: str


@dataclass(frozen=True)
class _Contrasts:
    """The differences in one metric."""

    heading: str
    table: Table
    note: str


@dataclass(frozen=True)
class _Pictures:
    """What is drawn, and the names of what would have made the page heavy."""

    own: list[_Own]
    against: list[_Picture]
    courses: list[_Course]
    missing: list[str]


def compose(evidence: Evidence, results: Results, found: Sequence[Verdict], provenance: Mapping[str, str]) -> str:
    """Return the page as HTML: the same evidence gives the same bytes."""
    design = evidence.design
    faces = looks(dict.fromkeys(results.tried, False))
    limits = dict.fromkeys(arm.name for arm in design.arms if arm.limit)
    many = len(design.settings) > 1 and bool(results.metrics)
    pictures = _pictures(results, faces, design.pictures(evidence))
    wanted = {
        "rows": downloads.rows(evidence),
        "differences": downloads.differences(results),
        "failed runs": downloads.failures(evidence),
        "curves": downloads.curves(results),
        "verdicts": downloads.verdicts(design.name, found),
        "design": downloads.design(evidence),
    }
    return template("study.html.j2").render(
        design=design,
        facts=facts(results),
        headline=answers.headline(results),
        advice=answers.open_questions(results),
        lost=answers.failures(results),
        findings=answers.findings(results),
        tally=verdicts.tally(found),
        claims=[verdicts.judged(verdict) for verdict in found],
        glyphs={name: markup(glyph(look)) for name, look in faces.items()},
        dashes={name: markup(_dash(place)) for place, name in enumerate(limits)},
        own=pictures.own,
        against=pictures.against,
        courses=pictures.courses,
        undrawn=pictures.missing,
        metrics=results.metrics,
        glance=tables.at_a_glance(results, results.metrics[0]) if many else None,
        numbers=tables.all_numbers(results),
        contrasts=[
            _Contrasts(metric.heading, tables.differences(results, metric), family_note(results, metric))
            for metric in results.metrics
            if results.family(metric)
        ],
        files=[file for file in wanted.values() if file],
        left_out=_left_out(wanted, results),
        command=provenance.get("command") or blueprint.command(design),
        blueprint=blueprint.readable(design),
        provenance=provenance,
        count=wording.count,
    )


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


def _pictures(results: Results, faces: Mapping[str, Look], own: Sequence[Picture]) -> _Pictures:
    """Return the study's own pictures, those against the factor and along the runs: as many as the page can bear."""
    found = _Pictures([], [], [], [])
    left = _OWN_BUDGET
    for one in own:
        if len(one.svg) <= left:
            left -= len(one.svg)
            found.own.append(_Own(one.title, markup(one.svg), one.caption))
        else:
            found.missing.append(one.title)
    left = _PICTURE_BUDGET
    for place, metric in enumerate(results.metrics):
        if len(results.settings(metric)) < FEWEST:
            continue
        drawn = against_factor(results, metric, faces, prefix=f"setting-{place}") if left > 0 else ""
        left -= len(drawn)
        if left > 0:
            found.against.append(_Picture(metric.heading, markup(drawn)))
        else:
            found.missing.append(f"{metric.heading} against {results.design.factor}")
    size = 0
    for group, heading in _courses(results):
        # One row of pictures is about as heavy as the next: what will not fit is not drawn.
        course = _course(results, group, faces, heading) if left > size else None
        size = sum(map(len, course.pictures)) if course else size
        left -= size
        if course and left > 0:
            found.courses.append(course)
        else:
            found.missing.append(f"{heading} along the runs")
    return found


def _courses(results: Results) -> list[tuple[list[str], str]]:
    """Return which metrics share a row of pictures, with its heading: all of them where there is but one setting."""
    names = drawn_metrics(results)
    if len(results.design.settings) == 1:
        return [(names, "")] if names else []
    return [([name], _heading(results, name)) for name in names]


def _heading(results: Results, name: str) -> str:
    return next((metric.heading for metric in results.design.metrics if metric.name == name), name)


def _course(results: Results, names: Sequence[str], faces: Mapping[str, Look], heading: str) -> _Course:
    pictures: list[Markup] = []
    lost: dict[tuple[str, str], str] = {}
    runs: set[int] = set()
    ended: set[str] = set()
    every = drawn_metrics(results)
    for name in names:
        for place, setting in enumerate(results.design.settings):
            found = bands(results, setting, name)
            if not found:
                continue
            runs |= {band.runs for band in found if band.runs}
            ended |= {band.arm for band in found if band.end}
            lost |= {(band.arm, setting): _lost(band, setting) for band in found if band.lost}
            prefix = f"curve-{every.index(name)}-{place}"
            pictures.append(markup(_curves(results, (name, setting), found, faces, prefix)))
    return _Course(heading, pictures, _caption(runs, ended, list(lost.values())))


def _curves(results: Results, which: tuple[str, str], found: Sequence[Band], faces: Mapping[str, Look], prefix: str) -> str:
    name, setting = which
    heading = _heading(results, name)
    limits = {
        arm.name: results.samples[setting, arm.name, name].only
        for arm in results.arms(setting, limits=True)
        if (setting, arm.name, name) in results.samples
    }
    label = (
        f"{heading} along the runs{f' under {setting}' if setting else ''}: {wording.count(len(found), 'arm')}; "
        "the values at the end are in the tables."
    )
    return curves(found, limits, faces, title=setting or heading, prefix=prefix, label=label)


def _caption(runs: set[int], ended: set[str], lost: Sequence[str]) -> str:
    if runs == {1}:
        text = "Lines: one run each."
    elif runs:
        seeds = f"{min(runs)} to {max(runs)} runs" if len(runs) > 1 else wording.count(max(runs), "run")
        text = (
            f"Lines: means over {seeds} that were finished. Bands: Student’s 95 % interval at each step by itself; a whole "
            "curve leaves its band more often."
        )
    else:
        text = "No run was finished."
    if ended:
        text += " At the right, with the 95 % interval of the tables: arms that have no curve."
    if not lost:
        return text
    return (
        f"{text} Failed runs are in no band: {wording.listing(lost, most=6)}; dotted are the first five of each, with a "
        "cross where they leave the picture or end."
    )


def _lost(band: Band, setting: str) -> str:
    where = f" under {wording.called(setting)}" if setting else ""
    return f"{len(band.lost)} of {len(band.lost) + band.runs} of {wording.called(band.arm)}{where}"


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
