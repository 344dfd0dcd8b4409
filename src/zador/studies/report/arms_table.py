"""The table of arms: every number of every arm, formatted by column, the best at each rate said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.report import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.studies.records import Arm
    from zador.studies.report.verdict import Judgement

__all__ = ["Column", "Row", "columns", "rows"]


@dataclass(frozen=True)
class Column:
    """A column of numbers: its heading, the anchor of the text that explains it, its cells as text and as numbers."""

    heading: str
    anchor: str
    cells: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Row:
    """An arm: its name, its place among the names, whether it is "best", "best, not resolved", "tied", or nothing."""

    name: str
    mark: str
    index: int
    new_rate: bool


def rows(arms: Sequence[Arm], judgements: Sequence[Judgement], names: Sequence[str]) -> list[Row]:
    """Return one row an arm, in the order given; `new_rate` where its rate differs from the row before."""
    found = []
    for place, arm in enumerate(arms):
        judgement = next(judgement for judgement in judgements if judgement.bits == arm.bits)
        new_rate = place > 0 and arms[place - 1].bits != arm.bits
        found.append(Row(arm.name, _mark(arm, judgement), names.index(arm.name), new_rate))
    return found


def _mark(arm: Arm, judgement: Judgement) -> str:
    if not judgement.rivals:
        return ""
    if arm is judgement.best:
        return "best" if judgement.resolved else "lowest, not resolved"
    return "not resolved from lowest" if any(arm is tied for tied in judgement.tied) else ""


def columns(arms: Sequence[Arm]) -> list[Column]:
    """Return the columns of numbers in table order."""
    errors = [arm.distortion_se for arm in arms]

    def of_errors(values: Sequence[float]) -> list[str]:
        return wording.column(values, errors)

    return [
        _column("rate, bits", "rate", arms, lambda arm: arm.bits, lambda values: [wording.bits(v) for v in values]),
        _column("K", "rate", arms, lambda arm: arm.codebook_size, _whole),
        _column("error", "error", arms, lambda arm: arm.distortion, of_errors),
        _column("± s.e.", "error", arms, lambda arm: arm.distortion_se, of_errors),
        _column("± to best", "resolved", arms, lambda arm: arm.excess_se, of_errors),
        _column("training error", "error", arms, lambda arm: arm.train_distortion, of_errors),
        _column("Gaussian D(R)", "bound", arms, lambda arm: arm.gaussian_bound, of_errors),
        _column("gap, dB", "gap", arms, lambda arm: arm.gap_db, lambda values: [wording.decibels(v) for v in values]),
        _column("effective bits", "effective-bits", arms, lambda arm: arm.effective_bits, _hundredths),
        _column("entropy, bits", "usage", arms, lambda arm: arm.entropy_bits, _hundredths),
        _column("perplexity", "usage", arms, lambda arm: arm.perplexity, lambda v: [wording.number(x, 1) for x in v]),
        _column("dead", "usage", arms, lambda arm: arm.dead, _whole),
        _real_bits(arms),
        _column("fit, s", "cost", arms, lambda arm: arm.seconds, _times),
        _column("memory, MiB", "cost", arms, lambda arm: arm.memory_mib, lambda v: [wording.number(x, 1) for x in v]),
    ]


def _column(
    heading: str,
    anchor: str,
    arms: Sequence[Arm],
    value: Callable[[Arm], float],
    text: Callable[[list[float]], list[str]],
) -> Column:
    values = [value(arm) for arm in arms]
    return Column(heading, anchor, tuple(text(values)), tuple(values))


def _real_bits(arms: Sequence[Arm]) -> Column:
    values = tuple(arm.real_bits for arm in arms)
    cells = tuple("–" if value is None else wording.number(value, 2) for value in values)
    return Column("real bits", "real-bits", cells, values)


def _whole(values: Sequence[float]) -> list[str]:
    return [wording.number(value, 0) for value in values]


def _hundredths(values: Sequence[float]) -> list[str]:
    return [wording.number(value, 2) for value in values]


def _times(values: Sequence[float]) -> list[str]:
    ten_seconds = 10
    return [wording.number(value, 3 if max(values) < ten_seconds else 1) for value in values]
