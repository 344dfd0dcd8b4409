"""The page on initialisation: does R(D)-optimal initialisation help, when, and by how much?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.averages import means_of
from zador.studies.catalogue import INITIALISATION
from zador.studies.catalogue.initialisation import CONVERGED, FIXED_ENCODER, PLACES
from zador.studies.catalogue.starts.journal import DISTORTION, MIDWAY
from zador.studies.pages.page import Page
from zador.studies.pages.start_curves import draw_courses, draw_gaps
from zador.studies.pages.tables import claims_of, claims_table, relative, relative_table
from zador.studies.report import numerals
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure
from zador.studies.report.tables import answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zador.studies.design import Metric
    from zador.studies.report.results import Results
    from zador.studies.run import Evidence

__all__ = ["PAGE", "answers", "ends_table", "starts_table", "summary_table"]

LEARNERS = {"lloyd": "Lloyd", "sgd": "gradients", "ema": "averages"}
"""By the names of their studies, after “initialisation-”."""

_THEORY = "R(D), water-filled"
_MODES = {"": "without revival", "-revival": "with revival"}
_ASIDE = (CONVERGED, FIXED_ENCODER)
_ABSENT = "–"

_PANELS = "for eight starts under three learners, without and with revival"
_SHOWN = {
    "courses": f"![Distortion along learning {_PANELS}](initialisation/courses.svg)",
    "gaps": f"![Last distortion above the K-point floor against K, {_PANELS}](initialisation/gaps.svg)",
}
"""Links to the pictures: the page has them once there are any."""


def answers(found: Mapping[str, Results], arm: str = _THEORY) -> str:
    """Return one Markdown bullet a learner and mode: what a start does to the end, and what it did on the way.

    Args:
        found: the numbers of the studies, by name.
        arm: the start.
    """
    lines = []
    for learner, called in LEARNERS.items():
        for mode, how in _MODES.items():
            results = found[f"initialisation-{learner}{mode}"]
            end, early = _told(results, arm, DISTORTION), _told(results, arm, MIDWAY)
            lines.append(f"- **{called}, {how}.** At the end {end}. Midway {early}.")
    return "\n".join(lines)


def ends_table(found: Mapping[str, Results], arm: str, metric: Metric) -> str:
    """Return a Markdown table of one start against the reference: a place a line, learners across, intervals below shares.

    Args:
        found: the numbers of the studies, by name.
        arm: the start.
        metric: what is compared.
    """
    keys = [f"initialisation-{learner}{mode}" for learner in LEARNERS for mode in _MODES]
    contrasts = {key: found[key].contrasts for key in keys}
    lines = []
    for setting in found[keys[0]].design.settings:
        cells = [contrasts[key].get((setting, arm, metric.name)) for key in keys]
        lines.append([escaped(setting), *(_ABSENT if cell is None else relative(cell) for cell in cells)])
    heads = [f"{called}, {how}" for called in LEARNERS.values() for how in _MODES.values()]
    return pipe_table([f"{metric.heading} of {arm}", *heads], lines)


def starts_table(evidence: Evidence) -> str:
    """Return a Markdown table of starts by themselves: measured error, in brackets the predicted one, place by place."""
    means, settings = means_of(evidence), evidence.design.settings
    lines = []
    for name in dict.fromkeys(arm.name for arm in evidence.design.arms):
        cells = []
        for setting in settings:
            measured, predicted = (means.get((name, setting, metric), math.nan) for metric in ("start", "predicted"))
            known = f" ({predicted:.3g})" if math.isfinite(predicted) else ""
            cells.append(f"{measured:.3g}{known}")
        lines.append([escaped(name), *cells])
    return pipe_table(["start", *settings], lines)


def summary_table(found: Mapping[str, Results], learner: str) -> str:
    """Return a Markdown table of one learner: a start a line; without revival, but for the last column.

    Numbers are medians over places of means over seeds; the ends are told as ranges over places.

    Args:
        found: the numbers of the studies, by name.
        learner: a key of `LEARNERS`.
    """
    alone, revived = (found[f"initialisation-{learner}{mode}"] for mode in _MODES)
    means, reference, settings = _means(alone), alone.design.reference, alone.design.settings
    lines = []
    for name in alone.tried:
        if name in _ASIDE:
            continue
        above = [
            means[name, setting, "start distortion"] / means[reference, setting, "distortion"] - 1 for setting in settings
        ]
        steps = [means[name, setting, "steps"] for setting in settings]
        dead = [_dead(means, name, settings, metric) for metric in ("dead at start", "dead midway", "dead codes")]
        ends = ["reference"] * 2 if name == reference else [_range(one, name) for one in (alone, revived)]
        cells = [numerals.share(_median(above)), " → ".join(dead), f"{_median(steps):.0f}", *ends]
        lines.append([escaped(name), *cells])
    heads = ["start", "first error above the reference's last", "dead: start → midway → end", "steps to 1 %"]
    return pipe_table([*heads, "end, without revival", "end, with revival"], lines)


def limits_table(found: Mapping[str, Results]) -> str:
    """Return a Markdown table of limits, and of where learners end from k-means++ (effective bits), place by place."""
    means = {learner: _means(found[f"initialisation-{learner}"]) for learner in LEARNERS}
    design, lines = found["initialisation-lloyd"].design, []
    for setting in design.settings:
        bounds = [
            means["lloyd"].get((limit, setting, "distortion"), math.nan) for limit in ("Shannon D(R)", "K-point floor")
        ]
        ends = [
            f"{one[design.reference, setting, 'distortion']:.4g} ({one[design.reference, setting, 'effective bits']:.2f})"
            for one in means.values()
        ]
        lines.append([escaped(setting), *(f"{b:.4g}" if math.isfinite(b) else _ABSENT for b in bounds), *ends])
    return pipe_table(["place", "Shannon D(R)", "K-point floor", *(f"{c}, end" for c in LEARNERS.values())], lines)


def _told(results: Results, arm: str, metric: Metric) -> str:
    """Return in words how an arm differs from the reference: the range over places, what is resolved, the largest."""
    own = {setting: c for (setting, name, which), c in results.contrasts.items() if (name, which) == (arm, metric.name)}
    shares = [contrast.share for contrast in own.values()]
    resolved = {setting: contrast for setting, contrast in own.items() if contrast.resolved}
    reference = results.design.reference
    told = f"{metric.heading.removeprefix('midway').strip() or 'distortion'} against {reference} is {_span(shares)}"
    if not resolved:
        return f"{told}; resolved under none of {len(own)} places"
    better = sum(answer(contrast, metric).mark == "better" for contrast in resolved.values())
    setting, most = max(resolved.items(), key=lambda pair: abs(pair[1].share))
    return (
        f"{told}; resolved under {len(resolved)} of {len(own)} places, better under {better}, worse under "
        f"{len(resolved) - better}; most under {setting}, {relative(most).replace('**', '')}"
    )


def _range(results: Results, name: str) -> str:
    """Return the range over places of an arm's end against the reference's, and how many of them are resolved."""
    own = [c for (_, arm, which), c in results.contrasts.items() if (arm, which) == (name, DISTORTION.name)]
    resolved = [contrast for contrast in own if contrast.resolved]
    better = sum(answer(contrast, DISTORTION).mark == "better" for contrast in resolved)
    return (
        f"{_span([c.share for c in own])}; {better} better, {len(resolved) - better} worse, {len(own) - len(resolved)} open"
    )


def _dead(means: Mapping[tuple[str, str, str], float], name: str, settings: Sequence[str], metric: str) -> str:
    """Return the mean over places of the share of codewords that are dead."""
    return f"{np.mean([means[name, setting, metric] / PLACES[setting].codebook_size for setting in settings]):.1%}"


def _span(shares: Iterable[float]) -> str:
    known = sorted(share for share in shares if math.isfinite(share))
    if not known:
        return "not known"
    return f"{numerals.share(known[0])} … {numerals.share(known[-1])}"


def _means(results: Results) -> dict[tuple[str, str, str], float]:
    return {(arm, setting, metric): sample.centre for (setting, arm, metric), sample in results.samples.items()}


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    everything = {
        f"{learner}{mode}-all": relative_table(found[f"initialisation-{learner}{mode}"], DISTORTION)
        for learner in LEARNERS
        for mode in _MODES
    }
    numbers = {name: measure(one) for name, one in found.items() if name in {study().name for study in INITIALISATION[1:]}}
    return {
        "answer": answers(numbers),
        "water-filled": ends_table(numbers, _THEORY, DISTORTION),
        "water-filled-midway": ends_table(numbers, _THEORY, MIDWAY),
        "starts": starts_table(found["initialisation-start"]),
        **{learner: summary_table(numbers, learner) for learner in LEARNERS},
        "limits": limits_table(numbers),
        **everything,
        **_SHOWN,
        "patience": relative_table(found["revival-patience"], DISTORTION),
        "claims": claims_table(claims_of(*(found[study().name] for study in INITIALISATION))),
    }


def _pictures(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    panels = {
        f"{called}, {how}": found[f"initialisation-{learner}{mode}"]
        for mode, how in _MODES.items()
        for learner, called in LEARNERS.items()
    }
    return {"courses.svg": draw_courses(panels, "testbed, K = 128"), "gaps.svg": draw_gaps(panels, "testbed, K = ")}


PAGE = Page("initialisation", INITIALISATION, _tables, _pictures)
