"""The page of pictures in the plane: what the study draws, and the numbers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.studies.atlas.standalone import standalone
from zador.studies.catalogue import PICTURES
from zador.studies.pages.page import Page
from zador.studies.pages.tables import claims_of, claims_table, relative
from zador.studies.plane.album import album
from zador.studies.plane.dynamics import draw_dynamics
from zador.studies.report import numerals
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.design import Metric
    from zador.studies.report.results import Results
    from zador.studies.run import Evidence

__all__ = ["PAGE"]

_STUDY = "plane"
_FILES = ("motion.svg", "cells.svg", "ways.svg", "boundary.svg")
"""Names of the pictures of the album, in its order."""
_DYNAMICS = "dynamics.svg"
_SECTIONS = {
    "ways": ("tortuosity", "codebook path", "encoder path"),
    "boundary": ("roughness", "boundary cosine"),
    "ends": ("distortion", "dead codes", "encoder error"),
}
"""Metrics of each section of the page, by its mark; differences are shown in the first."""


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    evidence = found[_STUDY]
    results = measure(evidence)
    metrics = {metric.name: metric for metric in evidence.design.metrics}
    sections = {mark: _section(results, [metrics[name] for name in names]) for mark, names in _SECTIONS.items()}
    seeds = len(evidence.design.seeds)
    curves = f"![Distortion and dead codewords along the runs of all arms, {seeds} seeds](pictures/{_DYNAMICS})"
    return sections | {"dynamics": curves, "claims": claims_table(claims_of(evidence))}


def _section(results: Results, metrics: Sequence[Metric]) -> str:
    """Return what metrics mean, their means with half a 95 % interval, and the differences in the first."""
    meanings = "\n".join(f"* **{metric.heading}**: {metric.meaning}" for metric in metrics)
    columns = [(setting, metric) for metric in metrics for setting in results.design.settings]
    limits = dict.fromkeys(arm.name for arm in results.design.arms if arm.limit)
    names = [*limits, *results.tried]
    lines = [[escaped(name), *(_mean(results, name, *column) for column in columns)] for name in names]
    means = pipe_table(["mean", *(f"{metric.heading}, {setting}" for setting, metric in columns)], _told(lines))
    first, reference = metrics[0], results.design.reference
    against = [[escaped(name), *(_against(results, name, setting, first) for setting in results.design.settings)]
               for name in results.tried if name != reference]  # fmt: skip
    differences = pipe_table([f"{first.heading} against {reference}", *results.design.settings], _told(against))
    return f"{meanings}\n\n{means}\n\n{differences}"


def _told(lines: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the lines that say anything."""
    return [line for line in lines if any(line[1:])]


def _mean(results: Results, arm: str, setting: str, metric: Metric) -> str:
    sample = results.samples.get((setting, arm, metric.name))
    if sample is None:
        return ""
    half = numerals.half(sample, metric.decimals)
    return f"{numerals.centre(sample, metric.decimals)} ± {half}" if half else numerals.centre(sample, metric.decimals)


def _against(results: Results, arm: str, setting: str, metric: Metric) -> str:
    contrast = results.contrasts.get((setting, arm, metric.name))
    return "" if contrast is None else relative(contrast)


def _pictures(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    evidence = found[_STUDY]
    drawn = {name: standalone(picture.svg) for name, picture in zip(_FILES, album(evidence), strict=True)}
    return drawn | {_DYNAMICS: standalone(draw_dynamics(evidence, prefix="dynamics"))}


PAGE = Page("pictures", PICTURES, _tables, _pictures)
