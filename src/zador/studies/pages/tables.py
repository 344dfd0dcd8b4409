"""Tables of the pages: claims with their verdicts, means over seeds, differences with their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zador.studies.claims import all_claims, verdicts
from zador.studies.report import numerals
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure
from zador.studies.report.verdicts import judged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zador.studies.claims import Verdict
    from zador.studies.design import Metric
    from zador.studies.report.results import Contrast, Sample
    from zador.studies.run import Evidence

__all__ = ["claims_of", "claims_table", "means_table", "relative", "relative_table"]


def claims_of(*studies: Evidence) -> tuple[Verdict, ...]:
    """Return the verdicts on all claims about these studies; short forms and single seeds give none."""
    found: list[Verdict] = []
    for evidence in studies:
        design = evidence.design
        if len(design.seeds) > 1 and not design.short:
            found += verdicts([claim for claim in all_claims() if claim.protocol == design.name], evidence.rows)
    return tuple(found)


def claims_table(found: Iterable[Verdict]) -> str:
    """Return a Markdown table of claims: words, place, verdict, and what the runs say."""
    lines = [
        [f"{one.tally.mark} {one.tally.status}", f"“{escaped(one.quote)}”", escaped(one.sentence), escaped(one.where)]
        for one in map(judged, found)
    ]
    return pipe_table(["verdict", "claim", "what the runs say", "source"], lines, words=range(4))


def means_table(evidence: Evidence, metric: Metric) -> str:
    """Return a Markdown table of one metric: an arm a line, a setting a column, means ± half a 95 % interval."""
    results = measure(evidence)
    settings = results.settings(metric)
    lines = []
    for name in dict.fromkeys(arm.name for arm in evidence.design.arms):
        cells = [escaped(name)]
        for setting in settings:
            sample = results.samples.get((setting, name, metric.name))
            cells.append("" if sample is None else _mean(sample, metric.decimals))
        lines.append(cells)
    return pipe_table([f"mean {metric.heading}", *settings], lines)


def relative_table(evidence: Evidence, metric: Metric) -> str:
    """Return a Markdown table of differences to the reference, as shares of it; bold where one is resolved.

    An arm a line, a setting a column; p-values and intervals are those of the study's report, adjusted over all cells.
    """
    results = measure(evidence)
    settings = results.settings(metric)
    lines = []
    for name in results.tried:
        if name == evidence.design.reference:
            continue
        cells = [escaped(name)]
        for setting in settings:
            contrast = results.contrasts.get((setting, name, metric.name))
            cells.append("" if contrast is None else relative(contrast))
        lines.append(cells)
    return pipe_table([f"{metric.heading} against {evidence.design.reference}", *settings], lines)


def relative(contrast: Contrast) -> str:
    """Return a difference as a share of the reference with its interval, adjusted for its family; bold if resolved."""
    found = contrast.difference
    centre = numerals.share(contrast.share)
    mark = "**" if contrast.resolved else ""
    if not (math.isfinite(contrast.share) and found.effect and math.isfinite(found.low) and math.isfinite(found.high)):
        return f"{mark}{'fails' if math.isinf(found.effect) else centre}{mark}"
    ends = (numerals.share(end * contrast.share / found.effect) for end in sorted((found.low, found.high)))
    return f"{mark}{centre}{mark} ({' … '.join(ends)})"


def _mean(sample: Sample, decimals: int) -> str:
    half = numerals.half(sample, decimals)
    return f"{numerals.centre(sample, decimals)} ± {half}" if half else numerals.centre(sample, decimals)
