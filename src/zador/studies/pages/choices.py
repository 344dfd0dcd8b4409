"""What to take: of several candidates the best, those shown to be as good, those shown to be worse, and those left open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador.errors import UsageError
from zador.studies.report.markdown import escaped, pipe_table
from zador.studies.statistics import compare, mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zador.studies.design import Metric
    from zador.studies.run import Evidence

__all__ = ["MARGIN", "Candidate", "Choice", "candidates", "choices_table", "choose"]

MARGIN = 0.01
"""As good as the best: worse by no more than this share."""

_NAN = float("nan")


class Candidate(NamedTuple):
    """Something that can be taken.

    Attributes:
        name: as tables call it.
        values: of each seed; NaN where the run failed.
    """

    name: str
    values: Mapping[int, float]


class Against(NamedTuple):
    """A candidate beside the best: by what share it is worse, and the ends of the interval of that; infinite if it fails."""

    name: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """What to take.

    Attributes:
        best: the candidate with the best mean (the best median where runs failed).
        alike: shown to be worse by no more than the margin, or not worse at all.
        worse: shown to be worse by more than nothing, and not within the margin; the least bad first.
        unresolved: the rest: these seeds do not tell.
        seeds: that all of them have in common.
    """

    best: str
    alike: tuple[Against, ...]
    worse: tuple[Against, ...]
    unresolved: tuple[Against, ...]
    seeds: int


def candidates(evidence: Evidence, metric: Metric, setting: str, names: Mapping[str, str] | None = None) -> list[Candidate]:
    """Return the arms of a study under a setting that are no limits, as candidates.

    Args:
        evidence: the study.
        metric: what they are judged by.
        setting: which.
        names: of the arms to take, and what to call them; all, by their own names, if None.
    """
    found: dict[str, dict[int, float]] = {}
    offered = [arm.name for arm in evidence.design.under(setting) if not arm.limit]
    chosen = {name: name for name in offered} if names is None else {name: names[name] for name in offered if name in names}
    for stamp, outcome in evidence.outcomes.items():
        if stamp.setting == setting and stamp.arm in chosen:
            value = _NAN if outcome.failure else outcome.metrics.get(metric.name, _NAN)
            found.setdefault(stamp.arm, {})[stamp.seed] = value
    return [Candidate(chosen[name], found[name]) for name in chosen if name in found]


def choose(offered: Sequence[Candidate], *, lower_is_better: bool = True, margin: float = MARGIN) -> Choice:
    """Return what to take of several candidates, from their common seeds.

    Each is compared with the best, seed by seed; the intervals are widened for their number, so that with probability 95 %
    nothing that is called as good, or worse, is not. That the best is chosen from the same runs is not corrected for: where
    others are as good, its name says little.

    Args:
        offered: at least two candidates.
        lower_is_better: which way is good.
        margin: share of the best's value that nobody would mind.

    Raises:
        UsageError: fewer than two candidates, or no seeds in common.

    >>> seeds = range(20)
    >>> good = Candidate("good", {seed: 1.0 + 0.01 * seed for seed in seeds})
    >>> found = choose([good, good._replace(name="too"), Candidate("bad", {seed: 2.0 for seed in seeds})])
    >>> found.best, [one.name for one in found.alike], [one.name for one in found.worse]
    ('good', ['too'], ['bad'])
    """
    common = sorted(set.intersection(*(set(one.values) for one in offered))) if offered else []
    if len(offered) < 2 or not common:  # noqa: PLR2004 - one is no choice
        raise UsageError(f"choose: expected at least two candidates with seeds in common, got {len(offered)}")
    values = {one.name: np.array([one.values[seed] for seed in common]) for one in offered}
    sign = 1.0 if lower_is_better else -1.0
    centres = {name: sign * mean_interval(runs, lower_is_better=lower_is_better).centre for name, runs in values.items()}
    best = min(centres, key=lambda name: centres[name])
    others = [
        _against(name, runs, values[best], len(offered) - 1, lower_is_better=lower_is_better)
        for name, runs in values.items()
        if name != best
    ]
    others.sort(key=lambda one: one.share)
    alike = tuple(one for one in others if one.high <= margin)
    worse = tuple(one for one in others if one.low > 0 and one not in alike)
    return Choice(best, alike, worse, tuple(one for one in others if one not in (*alike, *worse)), len(common))


def _against(
    name: str,
    runs: NDArray[np.float64],
    best: NDArray[np.float64],
    family: int,
    *,
    lower_is_better: bool,
) -> Against:
    found = compare(runs, best, family=family, lower_is_better=lower_is_better)
    scale = abs(mean_interval(best, lower_is_better=lower_is_better).centre)
    ends = (found.effect, found.low, found.high) if lower_is_better else (-found.effect, -found.high, -found.low)
    return Against(name, *(end / scale if scale else math.copysign(math.inf, end) if end else 0.0 for end in ends))


def choices_table(first: str, found: Mapping[str, Choice]) -> str:
    """Return a Markdown table of choices, a situation a line.

    Args:
        first: what the situations are, the heading of the first column.
        found: by situation.
    """
    lines = [
        [
            escaped(situation),
            f"**{escaped(choice.best)}**",
            ", ".join(escaped(one.name) for one in choice.alike) or "–",
            ", ".join(f"{escaped(one.name)} ({_share(one.share)})" for one in choice.worse) or "–",
            ", ".join(escaped(one.name) for one in choice.unresolved) or "–",
        ]
        for situation, choice in found.items()
    ]
    headings = [first, "lowest", f"as good: within {100 * MARGIN:g} %", "worse, by", "not told apart"]
    return pipe_table(headings, lines, words=range(len(headings)))


def _share(value: float) -> str:
    if math.isinf(value):
        return "fails"
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 9.5 else f"{percent:.2g} %"  # noqa: PLR2004 - two digits
