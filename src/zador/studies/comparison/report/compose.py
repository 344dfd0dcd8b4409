"""The report of a comparison: one HTML file that asks nobody for anything, and is complete without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from zador.files import write_atomically
from zador.studies.comparison.report import arms_table, downloads, exhibit_plots, gap_plots, pictures, plots, verdict
from zador.studies.comparison.report.judgement import LEVEL, RESOLVED_AT, gap_error, judge
from zador.studies.page import wording
from zador.studies.page.document import environment, markup
from zador.studies.page.looks import glyph, looks

if TYPE_CHECKING:
    import os

    from jinja2 import Template
    from markupsafe import Markup

    from zador.studies.comparison.records import Arm, Comparison, Exhibit
    from zador.studies.comparison.report.judgement import Judgement
    from zador.studies.comparison.report.pictures import Pair, Tile
    from zador.studies.page.downloads import Download

__all__ = ["render", "write"]

_PICTURE_BUDGET = 700_000
"""Characters that the codewords of all exhibits may take together, of the 2 MB that a report may have."""


@dataclass(frozen=True)
class _Card:
    """What the first screen says about one rate."""

    best: Arm
    rate: str
    size: str
    error: str
    gap: str
    gap_error: str
    distance: str
    effective_bits: str
    in_a_file: str
    lead: str
    without_coder: str
    warnings: list[str]


@dataclass(frozen=True)
class _Edge:
    """An arm that no other undercuts in both error and real bits."""

    arm: Arm
    rate: str
    asked: str


@dataclass(frozen=True)
class _Use:
    """All codewords that were chosen the same number of times."""

    chosen: str
    codewords: str
    amount: str


@dataclass(frozen=True)
class _Room:
    """One exhibit, ready to be shown: pictures where the vectors are pictures, plots where they are not.

    Without a table of codewords there is nothing to show of codewords, tiles and usage: those are empty.
    """

    rate: str
    anchor: str
    exhibit: Exhibit
    arm: Arm | None
    size: int
    dead: int
    usage_plot: Markup
    usage: list[_Use]
    tiles: tuple[Tile, ...]
    pairs: tuple[tuple[Pair, str], ...]
    heat_map: Markup
    profiles: Markup
    files: list[Download]
    left_out: bool


def render(comparison: Comparison) -> str:
    """Return the report as HTML: the same comparison gives the same bytes.

    Args:
        comparison: what was measured; at least one arm. Names in it are text, whatever they contain.
    """
    judgements = judge(comparison)
    curve = zip(
        [wording.bits(rate) for rate in comparison.curve_bits.tolist()],
        [wording.significant(distortion) for distortion in comparison.curve_distortion.tolist()],
        strict=True,
    )
    columns = arms_table.columns(comparison)
    return _template().render(
        data=comparison.data,
        variance=wording.significant(comparison.data.variance),
        headline=verdict.headline(judgements),
        advice=verdict.advice(judgements),
        cards=[_card(judgement) for judgement in judgements],
        glyphs={name: markup(glyph(look)) for name, look in looks(comparison.coded).items()},
        several=len(comparison.arms) > 1,
        coded=any(arm.entropy_coded for arm in comparison.arms),
        searched=any(arm.recall for arm in comparison.arms),
        rate_plot=markup(plots.by_asked_rate(comparison)),
        real_plot=markup(plots.by_real_bits(comparison)),
        edge=[_edge(arm) for arm in plots.frontier(comparison.arms)],
        gap_plots=[markup(drawn) for drawn in gap_plots.gaps(comparison)],
        columns=columns,
        groups=arms_table.headings(columns),
        blocks=arms_table.blocks(comparison, judgements),
        curve=list(curve),
        rooms=[_room(comparison, exhibit, place) for place, exhibit in enumerate(comparison.exhibits)],
        files=[downloads.arms(comparison), downloads.curve(comparison), downloads.everything(comparison)],
        resolved_at=RESOLVED_AT,
        level=LEVEL,
        seeds=comparison.seeds,
        notes=comparison.notes,
        provenance=comparison.provenance,
        count=wording.count,
    )


def write(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Put the report at `path`, whole or not at all.

    Raises:
        UsageError: the path cannot be written; a report that was there before is untouched.
    """
    write_atomically(path, render(comparison).encode())


@cache
def _template() -> Template:
    return environment(__package__).get_template("report.html.j2")


def _card(judgement: Judgement) -> _Card:
    best = judgement.best
    single = best.codebook_size
    return _Card(
        best=best,
        rate=wording.rate(judgement.bits),
        size=wording.unbroken(best.alphabets) if single is None else wording.count(single, "codeword"),
        error=" ± ".join(wording.column([best.distortion, best.distortion_se], [best.distortion_se])),
        gap=wording.decibels(best.gap_db),
        gap_error=wording.number(gap_error(best), 2),
        distance=verdict.distance(best),
        effective_bits=wording.number(best.effective_bits, 2),
        in_a_file=verdict.in_a_file(judgement),
        lead=verdict.lead(judgement),
        without_coder=verdict.without_coder(judgement),
        warnings=verdict.warnings(best),
    )


def _edge(arm: Arm) -> _Edge:
    return _Edge(arm, f"{wording.number(arm.real_bits, 2)}\N{NO-BREAK SPACE}bits", wording.bits(arm.bits))


def _room(comparison: Comparison, exhibit: Exhibit, place: int) -> _Room:
    data = comparison.data
    seen = data.picture_shape is not None
    found = pictures.pairs(exhibit, data) if seen else ()
    errors = wording.column([pair.error for pair in found])
    shown, usage = exhibit.codewords is not None, exhibit.usage
    wanted = [downloads.examples(comparison, exhibit)]
    if shown:
        wanted = [downloads.usage(comparison, exhibit), downloads.codewords(comparison, exhibit), *wanted]
    files = [file for file in wanted if file is not None]
    return _Room(
        rate=wording.rate(exhibit.bits),
        anchor=f"exhibit-{place + 1}",
        exhibit=exhibit,
        arm=next((arm for arm in comparison.arms if (arm.name, arm.bits) == (exhibit.arm, exhibit.bits)), None),
        size=0 if usage is None else len(usage),
        dead=0 if usage is None else int((usage == 0).sum()),
        usage_plot=markup(exhibit_plots.usage(exhibit, prefix=f"usage-{place}") if shown else ""),
        usage=_usage_table(exhibit),
        tiles=pictures.codewords(exhibit, data, budget=_budget(comparison)) if seen and shown else (),
        pairs=tuple(zip(found, errors, strict=True)),
        heat_map=markup(exhibit_plots.codewords(exhibit, prefix=f"map-{place}") if shown and not seen else ""),
        profiles=markup("" if seen else exhibit_plots.profiles(exhibit, prefix=f"pair-{place}")),
        files=files,
        left_out=len(files) < len(wanted),
    )


def _budget(comparison: Comparison) -> int:
    return _PICTURE_BUDGET // max(1, sum(exhibit.codewords is not None for exhibit in comparison.exhibits))


def _usage_table(exhibit: Exhibit) -> list[_Use]:
    """One line for each count that occurs: complete, and short however large the codebook is."""
    table: list[_Use] = []
    if exhibit.usage is None:
        return table
    for chosen in np.unique(exhibit.usage)[::-1].tolist():
        members = np.flatnonzero(exhibit.usage == chosen).tolist()
        table.append(_Use(f"{chosen:,}", ", ".join(map(str, members)), f"{len(members):,}"))
    return table
