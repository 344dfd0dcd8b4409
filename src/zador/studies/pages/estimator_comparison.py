"""The page on protocol B: which claims survive which protocol, how dead codes are distributed, and what chance does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue import COMPARISON
from zador.studies.claims import Claim, all_claims, verdicts
from zador.studies.pages.page import Page
from zador.studies.pages.strips import draw_scatter, draw_strips, runs_of
from zador.studies.pages.tables import claims_of, claims_table
from zador.studies.report import numerals
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.report.results import measure
from zador.studies.report.verdicts import judged
from zador.studies.statistics import compare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zador.studies.run import Evidence

__all__ = ["PAGE", "answer", "by_setting", "differences", "distribution", "excess", "found_or_not", "survival", "under"]

PROTOCOLS = ("original", "corrected", "sound")
STRAIGHT_THROUGH, OTHER, PROJECTION = "straight-through", "straight-through, other batches", "projection"
TRICK, KMEANS = "rotation trick", "PCA + Lloyd, converged"
_FOUND = 1.4
"""Mean principal angle, in rad, below which an encoder keeps more of the subspace than random rows do (1.47)."""


def under(claim: Claim, protocol: str) -> Claim:
    """Return what a claim says under another protocol: the same prediction there, without controls."""
    text = claim.model_dump_json()
    for name in PROTOCOLS:
        text = text.replace(f", {name}", f", {protocol}")
    return Claim.model_validate_json(text).model_copy(update={"controls": ()})


def survival(*studies: Evidence) -> str:
    """Return a Markdown table: a claim a line, a protocol a column, and what its prediction comes to there.

    Tests of one study under one protocol are a family of their own.
    """
    lines = []
    for evidence in studies:
        name = evidence.design.name
        claims = [claim for claim in all_claims() if claim.protocol == name]
        found = [verdicts([under(claim, protocol) for claim in claims], evidence.rows) for protocol in PROTOCOLS]
        for claim, *columns in zip(claims, *found, strict=True):
            cells = [f"{one.tally.mark} {one.tally.status}" for one in map(judged, columns)]
            lines.append([f"“{escaped(claim.quote)}”", *cells])
    return pipe_table(["claim", *PROTOCOLS], lines, words=range(4))


def answer(evidence: Evidence) -> str:
    """Return sentences: how many differences in dead codes are resolved, of estimators and of orders of batches alike."""
    results = measure(evidence)
    metric, said = results.metrics[0], []
    for protocol in PROTOCOLS:
        settings = [setting for setting in results.settings(metric) if setting.endswith(f", {protocol}")]
        counted = []
        for arm in (PROJECTION, OTHER, TRICK):
            contrasts = [found for s in settings if (found := results.contrasts.get((s, arm, metric.name))) is not None]
            if contrasts:
                low, high = (pick(one.difference.effect for one in contrasts) for pick in (min, max))
                resolved = sum(one.resolved for one in contrasts)
                counted.append(f"{escaped(arm)} {resolved} of {len(contrasts)} (mean differences {low:+.2f} to {high:+.2f})")
        said.append(f"- **{protocol}**: resolved differences to straight-through in {metric.heading}: {'; '.join(counted)}.")
    return "\n".join(said).replace("-0.", "−0.").replace(" -", " −")


def differences(evidence: Evidence, arms: Sequence[str]) -> str:
    """Return a Markdown table: mean differences to the reference in the first metric, a setting a line, bold if resolved.

    Intervals and verdicts are those of the study's report: all differences of the study are one family.
    """
    results = measure(evidence)
    metric, lines = results.metrics[0], []
    for setting in results.settings(metric):
        line = [setting]
        for arm in arms:
            contrast = results.contrasts.get((setting, arm, metric.name))
            if contrast is None:
                line.append("")
                continue
            mark = "**" if contrast.resolved else ""
            line.append(
                f"{mark}{numerals.signed(contrast, metric.decimals)}{mark} ({numerals.interval(contrast, metric.decimals)})"
            )
        lines.append(line)
    return pipe_table([f"{metric.heading} against {evidence.design.reference}", *map(escaped, arms)], lines)


def distribution(evidence: Evidence, metric: str, settings: Sequence[str], arms: Sequence[str]) -> str:
    """Return a Markdown table of single runs: how many have none, quartiles, the most; an arm under a setting a line."""
    runs, lines = runs_of(evidence, metric), []
    for setting in settings:
        for arm in arms:
            values = np.array([*runs[setting, arm].values()])
            quartiles = [f"{each:g}" for each in np.quantile(values, [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf")]
            lines.append([setting, escaped(arm), f"{int((values == 0).sum())} of {len(values)}", *quartiles])
    headings = ["setting", "arm", "runs with none", "least", "lower quartile", "median", "upper quartile", "most"]
    return pipe_table(headings, lines, words=(0, 1))


def found_or_not(evidence: Evidence, settings: Sequence[str], arms: Sequence[str]) -> str:
    """Return a Markdown table: runs whose encoder came nearer to the subspace than random rows, beside those that did not.

    Dead codes are counted twice in each: on the protocol's vectors to judge on, and on those to fit on.
    """
    angles, judged_on, fitted_on = (
        runs_of(evidence, name) for name in ("principal angle", "dead codes", "dead on training")
    )
    lines = []
    for setting in settings:
        line = [setting]
        runs = [(arm, seed) for arm in arms for seed in angles[setting, arm]]
        near = [(arm, seed) for arm, seed in runs if angles[setting, arm][seed] < _FOUND]
        for part in (near, [run for run in runs if run not in near]):
            line.append(f"{len(part)} of {len(runs)}")
            for counts in (judged_on, fitted_on):
                values = [counts[setting, arm][seed] for arm, seed in part]
                line += [f"{np.mean(values):.1f}" if values else "–"]
        lines.append(line)
    own = ("dead codes", "dead on training")
    return pipe_table(["setting", "came nearer", *own, "did not", *own], lines)


def by_setting(evidence: Evidence, arm: str, metrics: Sequence[str]) -> str:
    """Return a Markdown table of one arm: a setting a line, some metrics a column, means ± half a 95 % interval."""
    results = measure(evidence)
    chosen = [metric for metric in results.metrics if metric.name in metrics]
    lines = []
    for setting in evidence.design.settings:
        line = [setting]
        for metric in chosen:
            sample = results.samples[setting, arm, metric.name]
            half = numerals.half(sample, metric.decimals)
            line.append(numerals.centre(sample, metric.decimals) + (f" ± {half}" if half else ""))
        lines.append(line)
    return pipe_table([escaped(arm), *(metric.heading for metric in chosen)], lines)


def excess(evidence: Evidence, metric: str, settings: Sequence[str], arms: Sequence[str]) -> str:
    """Return a Markdown table: by what share of k-means' value an arm lies above it, paired by seed, with 95 % intervals."""
    runs, lines = runs_of(evidence, metric), []
    for setting in settings:
        reference, line = runs[setting, KMEANS], [setting, f"{np.mean([*runs[setting, KMEANS].values()]):.3f}"]
        for arm in arms:
            own = runs.get((setting, arm))
            if own is None:
                line.append("")
                continue
            found = compare([own[seed] for seed in reference], [*reference.values()])
            scale = found.relative / found.mean if found.mean else 0.0
            line.append(" … ".join(numerals.share(scale * end) for end in (found.low, found.high)))
        lines.append(line)
    return pipe_table([f"{metric} above k-means", "k-means", *(escaped(arm) for arm in arms)], lines)


def _settings(*levels: str, protocols: Sequence[str] = PROTOCOLS) -> list[str]:
    return [f"{level}, {protocol}" for level in levels for protocol in protocols]


def _tables(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    sizes, noise, commitment = (found[study().name] for study in COMPARISON)
    four, large = (STRAIGHT_THROUGH, OTHER, PROJECTION, TRICK), ("K = 32", "K = 64")
    return {
        "answer": answer(sizes),
        "differences": differences(sizes, (OTHER, PROJECTION, TRICK)),
        "survival": survival(sizes, noise, commitment),
        "distribution": distribution(sizes, "dead codes", _settings(*large), four),
        "found": found_or_not(sizes, _settings(*large, protocols=PROTOCOLS[:2]), four),
        "commitment": by_setting(
            commitment,
            STRAIGHT_THROUGH,
            ("dead codes", "dead on training", "principal angle", "reconstruction", "row flips"),
        ),
        "noise": by_setting(noise, STRAIGHT_THROUGH, ("reconstruction", "effective bits", "principal angle", "entropy")),
        "sizes": by_setting(
            sizes, PROJECTION, ("dead codes", "dead on training", "entropy", "principal angle", "reconstruction")
        ),
        "excess": excess(sizes, "reconstruction", [s for s in sizes.design.settings if s.endswith("sound")], four),
        "claims": claims_table(claims_of(sizes, noise, commitment)),
    }


def _pictures(found: Mapping[str, Evidence]) -> Mapping[str, str]:
    sizes = found[COMPARISON[0]().name]
    four, large = (STRAIGHT_THROUGH, OTHER, PROJECTION, TRICK), ("K = 32", "K = 64")
    return {
        "dead-codes.svg": draw_strips(sizes, "dead codes", _settings(*large), four, prefix="dead"),
        "angles.svg": draw_scatter(
            sizes,
            ("principal angle", "dead codes"),
            _settings(*large, protocols=PROTOCOLS[:1]),
            four,
            prefix="angles",
        ),
    }


PAGE = Page("estimator-comparison", COMPARISON, _tables, _pictures)
