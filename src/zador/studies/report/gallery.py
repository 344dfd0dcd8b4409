"""The pictures of a study's page: its own, those against the factor, those along the runs; as many as a page can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.page import wording
from zador.studies.page.document import markup
from zador.studies.report.bands import bands, drawn_metrics
from zador.studies.report.curve_plots import curves
from zador.studies.report.setting_plots import FEWEST, against_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from zador.studies.design import Picture
    from zador.studies.page.looks import Look
    from zador.studies.report.bands import Band
    from zador.studies.report.results import Results

__all__ = ["Gallery", "gallery"]

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
class Gallery:
    """What is drawn, and the names of what would have made the page heavy."""

    own: list[_Own]
    against: list[_Picture]
    courses: list[_Course]
    missing: list[str]


def gallery(results: Results, faces: Mapping[str, Look], own: Sequence[Picture]) -> Gallery:
    """Return the study's own pictures, those against the factor and along the runs: as many as the page can bear."""
    found = Gallery([], [], [], [])
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
