"""Everything that a report prints, computed before anything is drawn: samples, differences, and what was reproduced."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from zador.studies.report.reproduction import Reproduction, reproduce
from zador.studies.statistics import compare, holm, mean_interval, needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zador.studies.design import Arm, Design, Metric
    from zador.studies.rows import Outcome
    from zador.studies.run import Evidence
    from zador.studies.statistics import Average, Difference

__all__ = ["LEVEL", "Contrast", "Failed", "Results", "Sample", "measure"]

LEVEL = 0.05
"""Chance, over the whole family of a table, of one difference that is called resolved and is none."""

Place = tuple[str, str, str]
"""Setting, arm and metric: where in the tables a number stands."""


@dataclass(frozen=True)
class Failed:
    """Runs of one arm under one setting that failed, by seed, with what happened."""

    runs: int
    reasons: dict[int, str]


@dataclass(frozen=True)
class Sample:
    """One metric of one arm under one setting.

    Attributes:
        values: of each seed that was run; NaN where the run failed.
        average: over these seeds; None for a single value, which has no noise that is known.
        only: the single value, or the first.
        reproductions: what was quoted, beside ours.
    """

    values: dict[int, float]
    average: Average | None
    only: float
    reproductions: tuple[Reproduction, ...] = ()

    @property
    def centre(self) -> float:
        """The mean, the median if runs failed, the only value if there is one."""
        return self.only if self.average is None else self.average.centre


@dataclass(frozen=True)
class Contrast:
    """One arm against the reference under the same setting with the same seeds, one metric.

    Attributes:
        difference: arm - reference; its interval is widened for the family.
        adjusted: Holm's p-value in the family; NaN for a single seed.
        share: the difference as a share of the reference, of medians where runs failed; NaN where there is none.
        family: number of differences that are read together with it.
        needed: number of seeds that would probably resolve it, if it is not; None where that cannot be told.
    """

    difference: Difference
    adjusted: float
    share: float
    family: int
    needed: int | None

    @property
    def resolved(self) -> bool:
        """Holm's p is small and the family's interval has zero outside."""
        found = self.difference
        return self.adjusted <= LEVEL and (found.low > 0 or found.high < 0)


@dataclass(frozen=True)
class Results:
    """What came of a study, in numbers.

    Attributes:
        design: what was asked.
        samples: for each place that has a number or a failed run.
        contrasts: for each place that has the reference beside it.
        failed: failed runs by setting and arm, where there are any.
        runs: number of runs; limits are none.
        outcomes: by setting and arm, then by seed.
    """

    design: Design
    samples: dict[Place, Sample]
    contrasts: dict[Place, Contrast]
    failed: dict[tuple[str, str], Failed]
    runs: int
    outcomes: Mapping[tuple[str, str], Mapping[int, Outcome]]

    def settings(self, metric: Metric) -> tuple[str, ...]:
        """Return the settings under which anything was measured in a metric."""
        return tuple(s for s in self.design.settings if any((p[0], p[2]) == (s, metric.name) for p in self.samples))

    def arms(self, setting: str, *, limits: bool) -> list[Arm]:
        """Return the limits under a setting, or the arms that are none."""
        return [arm for arm in self.design.under(setting) if arm.limit == limits]

    @cached_property
    def tried(self) -> tuple[str, ...]:
        """Names of the arms that are no limits, in table order."""
        return tuple(dict.fromkeys(arm.name for arm in self.design.arms if not arm.limit))

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that anything was measured in."""
        measured = {metric for _, _, metric in self.samples}
        return tuple(metric for metric in self.design.metrics if metric.name in measured)

    def family(self, metric: Metric) -> list[tuple[Place, Contrast]]:
        """Return the contrasts of one metric in table order."""
        return [(place, found) for place, found in self.contrasts.items() if place[2] == metric.name]


def measure(evidence: Evidence) -> Results:
    """Return the numbers of a study: averages, paired differences with Holm's correction, what was reproduced."""
    design = evidence.design
    outcomes: dict[tuple[str, str], dict[int, Outcome]] = {}
    for stamp, outcome in evidence.outcomes.items():
        outcomes.setdefault((stamp.setting, stamp.arm), {})[stamp.seed] = outcome
    samples: dict[Place, Sample] = {}
    failed: dict[tuple[str, str], Failed] = {}
    for arm in design.arms:
        runs = outcomes.get((arm.setting, arm.name), {})
        reasons = {seed: run.failure for seed, run in runs.items() if run.failure}
        if reasons:
            failed[arm.setting, arm.name] = Failed(len(runs), reasons)
        for metric in design.metrics:
            if any(metric.name in run.metrics for run in runs.values()) or (reasons and metric is design.metrics[0]):
                samples[arm.setting, arm.name, metric.name] = _sample(design, arm, metric, runs)
    contrasts = {place: found for metric in design.metrics for place, found in _contrasts(design, metric, samples).items()}
    tried = {(arm.setting, arm.name) for arm in design.arms if not arm.limit}
    count = sum(len(runs) for place, runs in outcomes.items() if place in tried)
    return Results(design, samples, contrasts, failed, count, outcomes)


# The page of a study and the page over all studies ask for the same numbers, and a bootstrap takes its time.
@lru_cache(maxsize=1 << 14)
def _average(values: tuple[float, ...], lower: bool) -> Average:  # noqa: FBT001 - what a cache is asked by
    return mean_interval(values, lower_is_better=lower)


@lru_cache(maxsize=1 << 14)
def _compared(a: tuple[float, ...], b: tuple[float, ...], family: int, lower: bool) -> Difference:  # noqa: FBT001
    return compare(a, b, family=family, lower_is_better=lower)


def _sample(design: Design, arm: Arm, metric: Metric, runs: Mapping[int, Outcome]) -> Sample:
    raw = {seed: run.metrics.get(metric.name, math.nan) for seed, run in runs.items()}
    values = {seed: math.nan if runs[seed].failure else value for seed, value in raw.items()}
    lower = metric.lower_is_better is not False
    average = _average(tuple(values.values()), lower) if len(values) > 1 and not arm.limit else None
    quoted = [
        reproduce(quoted, _mean_of(raw, quoted.seeds))
        for quoted in design.quoted
        if (quoted.setting, quoted.arm, quoted.metric) == (arm.setting, arm.name, metric.name)
    ]
    return Sample(values, average, next(iter(raw.values())), tuple(quoted))


def _mean_of(raw: Mapping[int, float], seeds: Sequence[int]) -> float | None:
    return sum(raw[seed] for seed in seeds) / len(seeds) if all(seed in raw for seed in seeds) else None


def _contrasts(design: Design, metric: Metric, samples: Mapping[Place, Sample]) -> dict[Place, Contrast]:
    pairs = dict(_pairs(design, metric, samples))
    family = max(1, sum(len(a) > 1 for a, _ in pairs.values()))
    lower = metric.lower_is_better is not False
    found = {place: _compared(tuple(a), tuple(b), family, lower) for place, (a, b) in pairs.items()}
    adjusted = holm([difference.p for difference in found.values()])
    contrasts = {}
    for (place, difference), p in zip(found.items(), adjusted.tolist(), strict=True):
        contrast = Contrast(difference, p, _share(difference, pairs[place][1], lower_is_better=lower), family, None)
        more = None if contrast.resolved else needed(difference, alpha=LEVEL / family)
        contrasts[place] = replace(contrast, needed=more)
    return contrasts


def _share(difference: Difference, reference: Sequence[float], *, lower_is_better: bool) -> float:
    """Return the effect as a share of the reference: means if all runs were finished, else medians."""
    if not difference.failures:
        return difference.relative
    centre = abs(mean_interval(reference, lower_is_better=lower_is_better).centre)
    return difference.effect / centre if 0 < centre < math.inf and math.isfinite(difference.effect) else math.nan


def _pairs(
    design: Design, metric: Metric, samples: Mapping[Place, Sample]
) -> Iterator[tuple[Place, tuple[Sequence[float], Sequence[float]]]]:
    """Yield the values of every arm beside those of the reference with the same seeds."""
    for arm in design.arms:
        place, reference = (arm.setting, arm.name, metric.name), (arm.setting, design.reference, metric.name)
        if arm.limit or arm.name == design.reference or place not in samples or reference not in samples:
            continue
        ours, theirs = samples[place].values, samples[reference].values
        seeds = [seed for seed in ours if seed in theirs]
        if seeds:
            yield place, ([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds])
