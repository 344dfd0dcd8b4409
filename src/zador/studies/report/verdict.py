"""What a comparison says: which arm at which rate, how far from the bound, and whether the noise allows to say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.report import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.records import Arm, Comparison

__all__ = ["RESOLVED_AT", "Judgement", "advice", "distance", "gap_error", "headline", "judge", "lead", "warnings"]

RESOLVED_AT = 3.0
"""Standard errors that a lead has to exceed to count as seen: with up to 18 rivals, 5 % of chance in all (Bonferroni)."""

_AT_THE_BOUND_DB = 0.005
_OVERFIT = 1.10


@dataclass(frozen=True)
class Judgement:
    """The arms at one rate, in the order of their held-out error.

    Attributes:
        bits: the rate.
        codebook_size: the number of codewords there.
        best: the arm with the lowest error.
        rivals: the other arms, nearest first.
        tied: those of them that cannot be told apart from the best.
    """

    bits: float
    codebook_size: int
    best: Arm
    rivals: tuple[Arm, ...]
    tied: tuple[Arm, ...]

    @property
    def resolved(self) -> bool:
        """Whether the best arm differs from every other by more than `RESOLVED_AT` standard errors."""
        return not self.tied


def judge(comparison: Comparison) -> tuple[Judgement, ...]:
    """Return one judgement a rate, lowest rate first."""
    rates = sorted({arm.bits for arm in comparison.arms})
    return tuple(_judge([arm for arm in comparison.arms if arm.bits == rate]) for rate in rates)


def _judge(arms: list[Arm]) -> Judgement:
    best, *rivals = sorted(arms, key=lambda arm: arm.distortion)  # stable: of equals, the first in the table
    tied = tuple(rival for rival in rivals if not _errors_apart(best, rival) > RESOLVED_AT)
    return Judgement(best.bits, best.codebook_size, best, tuple(rivals), tied)


def _errors_apart(best: Arm, rival: Arm) -> float:
    """Return the difference in its own paired standard errors; NaN where a single held-out vector hides the noise."""
    difference = rival.distortion - best.distortion
    if rival.excess_se == 0:
        return math.inf if difference > 0 else 0.0
    return difference / rival.excess_se


def gap_error(arm: Arm) -> float:
    """Return the standard error of `arm.gap_db` in dB, to first order: 10 / ln 10 · se / D; NaN where unknown."""
    return 10 / math.log(10) * arm.distortion_se / arm.distortion if arm.distortion > 0 else 0.0


def headline(judgements: Sequence[Judgement]) -> str:
    """Return the answer in one sentence."""
    names = {judgement.best.name for judgement in judgements}
    first = judgements[0].best.name
    if not any(judgement.rivals for judgement in judgements) and len(names) == 1:
        return f"Only {first} was compared, so there is no choice to make; how far it is from the bound stands below."
    resolved = [judgement for judgement in judgements if judgement.resolved]
    open_ = [judgement for judgement in judgements if not judgement.resolved]
    if not resolved:
        return _nothing_resolved(judgements, names)
    if not open_ and len(names) == 1:
        return f"{first} is the best codebook at {_at(judgements)}."
    if not open_:
        return f"The best codebook depends on the rate: {_leaders(resolved)}."
    return f"Best: {_leaders(resolved)}. At {_at(open_)} the lead is not resolved."


def _nothing_resolved(judgements: Sequence[Judgement], names: set[str]) -> str:
    if len(names) == 1:
        leader = judgements[0].best.name
        return f"{leader} has the lowest error at {_at(judgements)}; its lead over the next best is within the noise."
    return f"{_leaders(judgements)} have the lowest error; their lead over the next best is within the noise."


def advice(judgements: Sequence[Judgement]) -> str:
    """Return which arms one may pick without regret and which not, or nothing where the headline has said it."""
    if not any(judgement.rivals for judgement in judgements) or all(judgement.resolved for judgement in judgements):
        return ""
    ordered = [(j.best, *j.rivals) for j in judgements]
    near = [{arm.name for arm in (j.best, *j.tied)} for j in judgements]
    good = [arm.name for arm in ordered[-1] if all(arm.name in names for names in near)]
    bad = [arm.name for arm in ordered[-1] if all(arm.name not in names for names in near)]
    any_rate, every_rate = (" at any rate", " at every rate") if len(judgements) > 1 else ("", "")
    parts = [f"Not clearly beaten{any_rate}: {wording.listing(good, most=6)}."] if good else []
    parts += [f"Clearly worse than the best{every_rate}: {wording.listing(bad, most=6)}."] if bad else []
    return " ".join(parts)


def _leaders(judgements: Sequence[Judgement]) -> str:
    names = dict.fromkeys(judgement.best.name for judgement in judgements)
    parts = [f"{name} at {_at([j for j in judgements if j.best.name == name])}" for name in names]
    return wording.listing(parts, most=len(parts))


def _at(judgements: Sequence[Judgement]) -> str:
    *others, last = [judgement.bits for judgement in judgements]
    return wording.listing([*map(wording.bits, others), wording.rate(last)], most=len(judgements))


def distance(arm: Arm) -> str:
    """Return in words how far the arm is from the Gaussian D(R) at its rate."""
    if not math.isfinite(arm.gap_db):
        return "no error left" if arm.gap_db < 0 else "above a Gaussian D(R) of zero: the vectors lie in few dimensions"
    if abs(arm.gap_db) <= max(RESOLVED_AT * gap_error(arm), _AT_THE_BOUND_DB):
        return "on the Gaussian D(R), as far as the noise shows"
    share = arm.distortion / arm.gaussian_bound - 1
    if arm.gap_db > 0:
        return f"above the Gaussian D(R): {wording.percent(share)} more error"
    return f"below the Gaussian D(R): {wording.percent(-share)} less error, which Gaussian vectors would not allow"


def lead(judgement: Judgement) -> str:
    """Return in words by how much the best arm leads at a rate, and whether that is more than noise."""
    if not judgement.rivals:
        return "No other codebook was compared at this rate."
    second = judgement.rivals[0]
    if judgement.resolved:
        return f"Lead resolved: next comes {_behind(judgement.best, second)}."
    others = wording.listing([_behind(judgement.best, arm) for arm in judgement.tied])
    quickest = min((judgement.best, *judgement.tied), key=lambda arm: arm.seconds)
    hint = f"Quickest of them to fit: {quickest.name}, {wording.seconds(quickest.seconds)}."
    return f"Not resolved; within the noise: {others}. {hint}"


def _behind(best: Arm, rival: Arm) -> str:
    if rival.distortion == best.distortion:
        return f"{rival.name} (same error)"
    apart = f"{wording.number(_errors_apart(best, rival), 1)}\N{NO-BREAK SPACE}s.e."
    if best.distortion <= 0:
        return f"{rival.name} ({apart} above no error at all)"
    return f"{rival.name} (+{wording.percent(rival.distortion / best.distortion - 1)}, {apart})"


def warnings(arm: Arm) -> list[str]:
    """Return what a user of this arm should look after: overfitting, dead codewords."""
    found = []
    excess = arm.distortion / arm.train_distortion if arm.train_distortion > 0 else 1.0
    if excess > _OVERFIT and arm.distortion - arm.train_distortion > RESOLVED_AT * arm.distortion_se:
        found.append(
            f"Held-out error is {wording.percent(excess - 1)} above the training error: "
            "the codebook has partly memorised its training vectors; more of them would help."
        )
    if arm.dead:
        found.append(f"{arm.dead:,} of {wording.count(arm.codebook_size, 'codeword')} chosen by no held-out vector.")
    return found
