"""The answer of a study in sentences: what differs resolvably from the reference, and how many seeds the rest would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.page import wording
from zador.studies.report import numerals
from zador.studies.report.tables import answer
from zador.studies.statistics import CEILING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.design import Metric
    from zador.studies.report.results import Contrast, Place, Results

__all__ = ["Finding", "failures", "findings", "headline", "open_questions"]


@dataclass(frozen=True)
class Finding:
    """What the study found about one arm, in the metric that verdicts rest on."""

    arm: str
    text: str


def headline(results: Results) -> str:
    """Return the answer in one sentence, in the first metric: what differs resolvably from the reference."""
    if not results.metrics:
        return "Nothing was measured."
    metric = results.metrics[0]
    family = results.family(metric)
    if not family:
        return f"There is nothing to compare with {wording.called(results.design.reference)} in {metric.heading}."
    return _resolved(results, metric, [(place, found) for place, found in family if found.resolved], len(family))


def open_questions(results: Results) -> str:
    """Return what is not resolved in the first metric, and how many seeds would do; nothing if all is."""
    family = results.family(results.metrics[0]) if results.metrics else []
    rest = [found for _, found in family if not found.resolved]
    if not rest:
        return ""
    seeds = wording.count(max(found.difference.n for found in rest), "seed")
    if len(family) == 1 or len(rest) == len(family):
        return f"With {seeds} nothing is resolved: {_range(rest)}"
    return f"Not resolved with {seeds}: {len(rest)} of {len(family)}. {_range(rest).capitalize()}"


def findings(results: Results) -> list[Finding]:
    """Return one finding an arm: under how many settings it is lower or higher than the reference, and what would tell."""
    if not results.metrics:
        return []
    metric = results.metrics[0]
    family = results.family(metric)
    return [
        Finding(name, _single(own[0][1], metric) if len(own) == 1 else _across(own, metric))
        for name in results.tried
        if (own := [(place, found) for place, found in family if place[1] == name])
    ]


def failures(results: Results) -> str:
    """Return which runs failed; nothing if none did."""
    lost = sum(len(failed.reasons) for failed in results.failed.values())
    if not lost:
        return ""
    where = [
        f"{wording.called(arm)}{_under(setting)} ({len(failed.reasons)} of {failed.runs})"
        for (setting, arm), failed in results.failed.items()
    ]
    return f"{lost:,} of {results.runs:,} runs failed, and count as worst: {wording.listing(where, most=4)}."


def _resolved(results: Results, metric: Metric, resolved: Sequence[tuple[Place, Contrast]], tests: int) -> str:
    reference = wording.called(results.design.reference)
    if not resolved:
        return f"In {metric.heading}, nothing differs resolvably from {reference}."
    if len(resolved) <= 3:  # noqa: PLR2004 - as many as a sentence holds
        each = [f"{wording.called(place[1])}{_under(place[0])} is {_by(found, metric)}" for place, found in resolved]
        return f"In {metric.heading}, against {reference}: {wording.listing(each)}."
    place, found = max(resolved, key=lambda pair: _size(pair[1]))
    return (
        f"In {metric.heading}, {len(resolved)} of {tests} differences to {reference} are resolved; the largest: "
        f"{wording.called(place[1])}{_under(place[0])}, {_by(found, metric)}."
    )


def _range(rest: Sequence[Contrast]) -> str:
    known = sorted(found.needed for found in rest if found.needed is not None)
    if not known:
        return "one seed decides nothing."
    if known[0] > CEILING:
        return f"more than {CEILING:,} seeds would be needed."
    if len(known) == 1 or known[0] == known[-1]:
        return f"about {known[0]:,} seeds would probably do."
    return f"about {known[0]:,} seeds would probably do for the largest of them, {_last(known[-1])} for the smallest."


def _last(most: int) -> str:
    return f"more than {CEILING:,}" if most > CEILING else f"{most:,}"


def _single(contrast: Contrast, metric: Metric) -> str:
    found = contrast.difference
    if found.n == 1:
        return f"{_amount(contrast, metric)} from the reference with one seed, which decides nothing"
    judged = answer(contrast, metric).text
    numbers = f"{numerals.interval(contrast, metric.decimals)}, p {numerals.p_value(contrast.adjusted)}"
    return f"{judged}; {_amount(contrast, metric)}, interval {numbers}"


def _across(own: Sequence[tuple[Place, Contrast]], metric: Metric) -> str:
    parts = []
    for mark in ("better", "worse", "apart"):
        for way in ("lower", "higher"):
            same = [(place[0], found) for place, found in own if _is(found, metric, mark, way)]
            if same:
                setting, most = max(same, key=lambda pair: _size(pair[1]))
                said = f"{way}, {mark}," if mark != "apart" else way
                extent = f", most under {wording.called(setting)}" if len(same) > 1 else f", {wording.called(setting)}"
                parts.append(f"{said} under {len(same)} of {len(own)} settings{extent} ({_amount(most, metric)})")
    rest = [found for _, found in own if not found.resolved]
    if rest:
        alone = len(rest) == len(own)
        parts.append(f"not resolved under {'any setting' if alone else len(rest)}: {_range(rest).rstrip('.')}")
    return "; ".join(parts)


def _is(contrast: Contrast, metric: Metric, mark: str, way: str) -> bool:
    judged = answer(contrast, metric)
    return contrast.resolved and judged.mark == mark and judged.text.startswith(way)


def _by(contrast: Contrast, metric: Metric) -> str:
    """Say how far an arm lies from the reference, and whether that is good."""
    way, _, good = answer(contrast, metric).text.partition(", ")
    if math.isinf(contrast.difference.effect):
        return f"{good or way}: {_failing(contrast)}"
    apart = numerals.signed(contrast, metric.decimals).lstrip("+−")
    relative = numerals.share(abs(contrast.share)).lstrip("+")
    amount = f"{apart} ({relative})" if math.isfinite(contrast.share) else apart
    return f"{good} by {amount}" if good else f"{amount} {way}"


def _amount(contrast: Contrast, metric: Metric) -> str:
    if math.isinf(contrast.difference.effect):
        return _failing(contrast)
    amount = numerals.signed(contrast, metric.decimals)
    return f"{amount}, {numerals.share(contrast.share)}" if math.isfinite(contrast.share) else amount


def _failing(contrast: Contrast) -> str:
    found = contrast.difference
    return "its runs fail" if found.failures_a > found.failures_b else "runs of the reference fail"


def _size(contrast: Contrast) -> float:
    """Order by the share of the reference; where most runs failed there is none, and that is the largest."""
    return abs(contrast.share) if math.isfinite(contrast.share) else abs(contrast.difference.effect)


def _under(setting: str) -> str:
    return f" under {wording.called(setting)}" if setting else ""
