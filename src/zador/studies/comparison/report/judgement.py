"""What the numbers at one rate say: the best arm, its rivals, and which of them the noise does not tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zador.studies.comparison.records import Arm, Comparison

__all__ = ["LEVEL", "RESOLVED_AT", "Judgement", "errors_apart", "gap_error", "judge"]

RESOLVED_AT = 3.0
"""Standard errors that a lead has to exceed to count as seen: with up to 18 rivals, 5 % of chance in all (Bonferroni)."""


LEVEL = 0.05
"""Adjusted p-value below which a lead over several seeds counts as seen."""


@dataclass(frozen=True)
class Judgement:
    """The arms at one rate, in the order of their held-out error.

    Attributes:
        bits: the rate.
        best: the arm with the lowest error.
        rivals: the other arms, nearest first.
        tied: those of them that cannot be told apart from the best.
    """

    bits: float
    best: Arm
    rivals: tuple[Arm, ...]
    tied: tuple[Arm, ...]

    @property
    def resolved(self) -> bool:
        """Whether the best arm differs from every other by more than noise."""
        return not self.tied

    @property
    def plain(self) -> Arm | None:
        """The arm with the lowest error of those that need no entropy coder, where the best one does; None elsewhere."""
        return next((arm for arm in self.rivals if not arm.entropy_coded), None) if self.best.entropy_coded else None

    @property
    def closest(self) -> Arm:
        """The arm that is closest to the bound at the bits of its file; of equals, the one with the lower error."""
        return min((self.best, *self.rivals), key=lambda arm: arm.real_gap_db)


def judge(comparison: Comparison) -> tuple[Judgement, ...]:
    """Return one judgement a rate, lowest rate first."""
    rates = sorted({arm.bits for arm in comparison.arms})
    return tuple(_judge([arm for arm in comparison.arms if arm.bits == rate]) for rate in rates)


def _judge(arms: list[Arm]) -> Judgement:
    best, *rivals = sorted(arms, key=lambda arm: arm.distortion)  # stable: of equals, the first in the table
    tied = tuple(rival for rival in rivals if not told_apart(best, rival))
    return Judgement(best.bits, best, tuple(rivals), tied)


def told_apart(best: Arm, rival: Arm) -> bool:
    """Return whether two errors differ by more than noise: of seeds where there are several, of held-out vectors else."""
    if rival.excess_p is not None:
        return rival.excess_p < LEVEL
    return errors_apart(best, rival) > RESOLVED_AT


def errors_apart(best: Arm, rival: Arm) -> float:
    """Return the difference in its own paired standard errors; NaN where a single held-out vector hides the noise."""
    difference = rival.distortion - best.distortion
    if rival.excess_se == 0:
        return math.inf if difference > 0 else 0.0
    return difference / rival.excess_se


def gap_error(arm: Arm) -> float:
    """Return the standard error of `arm.gap_db` in dB, to first order: 10 / ln 10 · se / D; NaN where unknown."""
    return 10 / math.log(10) * arm.distortion_se / arm.distortion if arm.distortion > 0 else 0.0
