"""The report of a comparison: one HTML file that asks nobody for anything, and is complete without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zador.files import write_atomically
from zador.studies.report import arms_table, downloads, exhibit_plots, pictures, plots, verdict, wording

if TYPE_CHECKING:
    import os

    from jinja2 import Template

    from zador.studies.records import Arm, Comparison, Exhibit
    from zador.studies.report.downloads import Download
    from zador.studies.report.pictures import Pair, Tile
    from zador.studies.report.verdict import Judgement

__all__ = ["render", "write"]

_PICTURE_BUDGET = 700_000
"""Characters that the codewords of all exhibits may take together, of the 2 MB that a report may have."""


@dataclass(frozen=True)
class _Card:
    """What the first screen says about one rate."""

    judgement: Judgement
    best: Arm
    index: int
    rate: str
    error: str
    gap: str
    gap_error: str
    distance: str
    effective_bits: str
    lead: str
    warnings: list[str]


@dataclass(frozen=True)
class _Use:
    """All codewords that were chosen the same number of times."""

    chosen: str
    codewords: str
    amount: str


@dataclass(frozen=True)
class _Room:
    """One exhibit, ready to be shown: pictures where the vectors are pictures, plots where they are not."""

    rate: str
    anchor: str
    exhibit: Exhibit
    arm: Arm | None
    dead: int
    usage_plot: Markup
    usage: list[_Use]
    tiles: tuple[Tile, ...]
    pairs: tuple[tuple[Pair, str], ...]
    heat_map: Markup
    profiles: Markup
    files: list[Download]


def render(comparison: Comparison) -> str:
    """Return the report as HTML: the same comparison gives the same bytes.

    Args:
        comparison: what was measured; at least one arm. Names in it are text, whatever they contain.
    """
    judgements = verdict.judge(comparison)
    names = plots.names(comparison)
    errors = [arm.distortion_se for arm in comparison.arms]
    curve = zip(
        [wording.bits(rate) for rate in comparison.curve_bits.tolist()],
        wording.column(comparison.curve_distortion.tolist(), errors),
        strict=True,
    )
    return _template().render(
        data=comparison.data,
        variance=wording.column([comparison.data.variance], errors)[0],
        headline=verdict.headline(judgements),
        advice=verdict.advice(judgements),
        cards=[_card(judgement, names, errors) for judgement in judgements],
        glyphs=[_html(plots.glyph(index)) for index in range(len(names))],
        names=names,
        rate_plot=_html(plots.rate_distortion(comparison)),
        gap_plot=_html(plots.gaps(comparison)),
        rows=arms_table.rows(comparison.arms, judgements, names),
        columns=arms_table.columns(comparison.arms),
        no_real_bits=any(arm.real_bits is None for arm in comparison.arms),
        curve=list(curve),
        rooms=[_room(comparison, exhibit, place) for place, exhibit in enumerate(comparison.exhibits)],
        files=[downloads.arms(comparison), downloads.curve(comparison), downloads.everything(comparison)],
        resolved_at=verdict.RESOLVED_AT,
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
    environment = Environment(
        loader=PackageLoader("zador.studies.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = _asset("report.js")
    environment.globals |= {
        "style": _html(_asset("report.css")),
        "script": _html(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return environment.get_template("report.html.j2")


def _html(text: str) -> Markup:
    """Let through what this package wrote itself: assets, and SVG whose words `svg.picture` has escaped."""
    return Markup(text)  # noqa: S704 - see above; names from users never come here unescaped


def _asset(name: str) -> str:
    return (resources.files("zador.studies.report") / "page" / name).read_text(encoding="utf-8")


def _card(judgement: Judgement, names: list[str], errors: list[float]) -> _Card:
    best = judgement.best
    return _Card(
        judgement=judgement,
        best=best,
        index=names.index(best.name),
        rate=wording.rate(judgement.bits),
        error=" ± ".join(wording.column([best.distortion, best.distortion_se], errors)),
        gap=wording.decibels(best.gap_db),
        gap_error=wording.number(verdict.gap_error(best), 2),
        distance=verdict.distance(best),
        effective_bits=wording.number(best.effective_bits, 2),
        lead=verdict.lead(judgement),
        warnings=verdict.warnings(best),
    )


def _room(comparison: Comparison, exhibit: Exhibit, place: int) -> _Room:
    data = comparison.data
    seen = data.picture_shape is not None
    budget = _PICTURE_BUDGET // len(comparison.exhibits)
    found = pictures.pairs(exhibit, data) if seen else ()
    errors = wording.column([pair.error for pair in found])
    files = [
        downloads.usage(comparison, exhibit),
        downloads.codewords(comparison, exhibit),
        downloads.examples(comparison, exhibit),
    ]
    return _Room(
        rate=wording.rate(exhibit.bits),
        anchor=f"codebook-{place + 1}",
        exhibit=exhibit,
        arm=next((arm for arm in comparison.arms if (arm.name, arm.bits) == (exhibit.arm, exhibit.bits)), None),
        dead=int((exhibit.usage == 0).sum()),
        usage_plot=_html(exhibit_plots.usage(exhibit, prefix=f"usage-{place}")),
        usage=_usage_table(exhibit),
        tiles=pictures.codewords(exhibit, data, budget=budget) if seen else (),
        pairs=tuple(zip(found, errors, strict=True)),
        heat_map=_html("" if seen else exhibit_plots.codewords(exhibit, prefix=f"map-{place}")),
        profiles=_html(
            "" if seen or not len(exhibit.originals) else exhibit_plots.profiles(exhibit, prefix=f"pair-{place}")
        ),
        files=[file for file in files if file is not None],
    )


def _usage_table(exhibit: Exhibit) -> list[_Use]:
    """One line for each count that occurs: complete, and short however large the codebook is."""
    table = []
    for chosen in np.unique(exhibit.usage)[::-1].tolist():
        members = np.flatnonzero(exhibit.usage == chosen).tolist()
        table.append(_Use(f"{chosen:,}", ", ".join(map(str, members)), f"{len(members):,}"))
    return table
