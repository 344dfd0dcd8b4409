"""The table of arms: every number of every arm, formatted by column, the best at each rate said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.page import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.studies.comparison.records import Arm, Comparison
    from zador.studies.comparison.report.judgement import Judgement

    _Values = Sequence[float | None]
    _Texts = Callable[[_Values], list[str]]

__all__ = ["Block", "Column", "Heading", "Row", "blocks", "columns", "headings"]


@dataclass(frozen=True)
class Column:
    """A column of numbers: its heading, the group that it belongs to, the anchor of the text that explains it.

    Attributes:
        heading: a word or two.
        group: what its neighbours are about as well.
        anchor: where it is explained.
        values: one an arm, exact; None where there is none.
        cells: the same as text.
        opens: whether it is the first of its group.
    """

    heading: str
    group: str
    anchor: str
    values: tuple[float | None, ...]
    cells: tuple[str, ...]
    opens: bool = False


@dataclass(frozen=True)
class Heading:
    """The name of a group, and how many columns it spans."""

    name: str
    width: int


@dataclass(frozen=True)
class Row:
    """An arm.

    Attributes:
        arm: it.
        place: in the comparison, and so in every column.
        alphabets: the sizes of its streams.
        mark: "best", "lowest, not resolved", "not resolved from lowest", or nothing.
    """

    arm: Arm
    place: int
    alphabets: str
    mark: str


@dataclass(frozen=True)
class Block:
    """The arms at one rate, in the order given, under what all of them share."""

    rate: str
    bound: str
    rows: tuple[Row, ...]


def blocks(comparison: Comparison, judgements: Sequence[Judgement]) -> list[Block]:
    """Return one block a rate, lowest rate first."""
    arms = comparison.arms
    return [
        Block(
            wording.rate(judgement.bits),
            wording.significant(judgement.best.gaussian_bound),
            tuple(
                Row(arm, place, wording.unbroken(arm.alphabets), _mark(arm, judgement))
                for place, arm in enumerate(arms)
                if arm.bits == judgement.bits
            ),
        )
        for judgement in judgements
    ]


def _mark(arm: Arm, judgement: Judgement) -> str:
    if not judgement.rivals:
        return ""
    if arm is judgement.best:
        return "best" if judgement.resolved else "lowest, not resolved"
    return "not resolved from lowest" if any(arm is tied for tied in judgement.tied) else ""


def columns(comparison: Comparison) -> list[Column]:
    """Return the columns of numbers in table order: what is reached, at which rate, how well it searches, at what cost."""
    arms, each = comparison.arms, max(comparison.data.held_out, 1)

    def group(name: str, *made: tuple[str, str, Callable[[Arm], float | None], _Texts]) -> list[Column]:
        found: list[Column] = []
        for heading, anchor, value, texts in made:
            values = [value(arm) for arm in arms]
            found.append(Column(heading, name, anchor, tuple(values), tuple(texts(values)), opens=not found))
        return found

    def of_errors(values: _Values) -> list[str]:
        return _by_rate(arms, values)

    several: list[tuple[str, str, Callable[[Arm], float | None], _Texts]] = []
    if comparison.seeds > 1:
        several = [("p", "resolved", lambda arm: arm.excess_p, _decimals(3))]
    return [
        *group(
            "squared error",
            ("held out", "error", lambda arm: arm.distortion, of_errors),
            ("± s.e.", "error", lambda arm: arm.distortion_se, of_errors),
            ("± to best", "resolved", lambda arm: arm.excess_se, of_errors),
            *several,
            ("training", "error", lambda arm: arm.train_distortion, of_errors),
        ),
        *group(
            "gap, dB",
            ("rate asked", "gap", lambda arm: arm.gap_db, _each(wording.decibels)),
            ("real bits", "real-gap", lambda arm: arm.real_gap_db, _each(wording.decibels)),
        ),
        *group(
            "rate, bits a vector",
            ("indices", "rate", lambda arm: arm.index_bits, _decimals(2)),
            ("cross-entropy", "rate", lambda arm: arm.cross_entropy_bits, _decimals(2)),
            ("real", "real-bits", lambda arm: arm.real_bits, _decimals(2)),
            ("effective", "effective-bits", lambda arm: arm.effective_bits, _decimals(2)),
        ),
        *group("recall", *((f"@{k}", "recall", _recall(k), _decimals(3)) for k in _answers(arms))),
        *group(
            "use of indices",
            ("entropy", "usage", lambda arm: arm.entropy_bits, _decimals(2)),
            ("perplexity", "usage", lambda arm: arm.perplexity, _decimals(1)),
            ("dead", "usage", lambda arm: arm.dead, _decimals(0)),
        ),
        *group(
            "cost",
            ("fit, s", "cost", lambda arm: arm.seconds, _times),
            ("encode, µs", "cost", lambda arm: 1e6 * arm.encode_seconds / each, _times),
            ("memory, MiB", "cost", lambda arm: arm.memory_mib, _decimals(1)),
        ),
    ]


def _by_rate(arms: Sequence[Arm], values: _Values) -> list[str]:
    """Return errors with the decimals that the noise at their rate leaves them."""
    cells = [""] * len(arms)
    for rate in {arm.bits for arm in arms}:
        here = [place for place, arm in enumerate(arms) if arm.bits == rate]
        texts = wording.column([values[place] or 0.0 for place in here], [arms[place].distortion_se for place in here])
        for place, text in zip(here, texts, strict=True):
            cells[place] = text
    return cells


def headings(table: Sequence[Column]) -> list[Heading]:
    """Return the groups of the columns from left to right."""
    names = dict.fromkeys(column.group for column in table)
    return [Heading(name, sum(column.group == name for column in table)) for name in names]


def _each(text: Callable[[float], str]) -> _Texts:
    return lambda values: ["–" if value is None else text(value) for value in values]


def _decimals(decimals: int) -> _Texts:
    return _each(lambda value: wording.number(value, decimals))


def _times(values: _Values) -> list[str]:
    """As many decimals as leave the largest one legible."""
    largest = max((value for value in values if value is not None), default=0.0)
    decimals = next((decimals for decimals, most in ((3, 10), (2, 100), (1, 1000)) if largest < most), 0)
    return _decimals(decimals)(values)


def _answers(arms: Sequence[Arm]) -> list[int]:
    """Return the numbers of answers that recall was measured with, over all arms."""
    return sorted({k for arm in arms for k in arm.recall or {}})


def _recall(k: int) -> Callable[[Arm], float | None]:
    return lambda arm: (arm.recall or {}).get(k)
