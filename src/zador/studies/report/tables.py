"""The tables of a study as text: all numbers, the differences to the reference, and a glance at all settings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.report import numerals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zador.studies.design import Arm, Metric
    from zador.studies.report.reproduction import Reproduction
    from zador.studies.report.results import Contrast, Failed, Results, Sample

__all__ = ["Block", "Cell", "Group", "Line", "Table", "all_numbers", "answer", "at_a_glance", "differences", "failure_note"]

_LONGEST_REASON = 160
_NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """One number as text.

    Attributes:
        text: what is printed.
        value: what rows are sorted by; None for words.
        mark: how it is to look: "yes", "no", "better", "worse", "apart" (resolved, neither way good), "open", or plainly.
        note: a second line.
    """

    text: str = _NOTHING
    value: float | None = None
    mark: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Neighbouring columns that are about one thing."""

    name: str
    headings: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """An arm, or a setting, with its cells; `failed` says which runs failed, and why."""

    name: str
    cells: tuple[Cell, ...]
    limit: bool = False
    reference: bool = False
    failed: str = ""


@dataclass(frozen=True)
class Block:
    """The lines of one setting."""

    setting: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """Groups of columns over blocks of lines."""

    groups: tuple[Group, ...]
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """All columns from left to right."""
        return tuple(heading for group in self.groups for heading in group.headings)


def all_numbers(results: Results, metrics: Sequence[Metric] | None = None) -> Table:
    """Return one line an arm: limits first, then what was tried, every metric with its interval and what was quoted."""
    chosen = results.metrics if metrics is None else tuple(metrics)
    quoted = {metric.name: _seeds_quoted(results, metric) for metric in chosen}
    groups = tuple(Group(metric.heading, _headings(results, quoted[metric.name])) for metric in chosen)

    def line(arm: Arm) -> Line:
        cells: list[Cell] = []
        for metric in chosen:
            sample = results.samples.get((arm.setting, arm.name, metric.name))
            cells += _numbers(results, sample, metric, quoted=bool(quoted[metric.name]))
        return _line(results, arm, cells)

    return Table(groups, _blocks(results, line, keep=lambda _: True))


def differences(results: Results, metric: Metric) -> Table:
    """Return one line for each arm that has the reference beside it, with Holm's p over the whole table."""
    headings = ("difference", "relative", "95 % interval", "p", "effect, s.d.", "seeds", "answer")

    def line(arm: Arm) -> Line:
        contrast = results.contrasts[arm.setting, arm.name, metric.name]
        found, decimals = contrast.difference, metric.decimals
        cells = [
            Cell(numerals.signed(contrast, decimals), found.effect),
            Cell(numerals.share(contrast.share), contrast.share),
            Cell(numerals.interval(contrast, decimals), found.low),
            Cell(numerals.p_value(contrast.adjusted), contrast.adjusted),
            Cell(numerals.standardised(found.standardised), found.standardised),
            Cell(str(found.n), found.n),
            answer(contrast, metric),
        ]
        return _line(results, arm, cells)

    return Table(
        (Group("", headings),),
        _blocks(results, line, keep=lambda arm: (arm.setting, arm.name, metric.name) in results.contrasts),
    )


def at_a_glance(results: Results, metric: Metric) -> Table:
    """Return one line a setting, one column an arm, limits first: the metric, and which way it differs where it does."""
    limits = dict.fromkeys(arm.name for arm in results.design.arms if arm.limit)
    names = [name for name in (*limits, *results.tried) if any(p[1:] == (name, metric.name) for p in results.samples)]
    lines = tuple(
        Line(setting, tuple(_glance(results, (setting, name, metric.name), metric) for name in names))
        for setting in results.settings(metric)
    )
    return Table((Group("", tuple(names)),), (Block("", lines),))


def answer(contrast: Contrast, metric: Metric) -> Cell:
    """Return which way an arm differs from the reference, or how many seeds would probably tell."""
    if not contrast.resolved:
        if not any(contrast.difference.differences) and contrast.difference.n > 1:
            return Cell("all runs alike", mark="open")
        return Cell(f"not resolved: {numerals.more_seeds(contrast.needed)}", mark="open")
    lower = contrast.difference.high < 0
    way = "lower" if lower else "higher"
    if metric.lower_is_better is None:
        return Cell(way, mark="apart")
    better = lower == metric.lower_is_better
    return Cell(f"{way}, {'better' if better else 'worse'}", mark="better" if better else "worse")


def failure_note(failed: Failed | None) -> str:
    """Return how many runs failed, and what the first of them said."""
    if failed is None:
        return ""
    seed, reason = next(iter(failed.reasons.items()))
    short = reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 1]}…"
    return f"{len(failed.reasons)} of {failed.runs} failed; seed {seed}: {short}"


def _blocks(results: Results, line: Callable[[Arm], Line], keep: Callable[[Arm], bool]) -> tuple[Block, ...]:
    blocks = []
    for setting in results.design.settings:
        arms = [*results.arms(setting, limits=True), *results.arms(setting, limits=False)]
        lines = tuple(line(arm) for arm in arms if keep(arm))
        if lines:
            blocks.append(Block(setting, lines))
    return tuple(blocks)


def _line(results: Results, arm: Arm, cells: Sequence[Cell]) -> Line:
    failed = failure_note(results.failed.get((arm.setting, arm.name)))
    return Line(arm.name, tuple(cells), arm.limit, arm.name == results.design.reference, failed)


def _seeds_quoted(results: Results, metric: Metric) -> list[tuple[int, ...]]:
    found = {one.quoted.seeds for place, s in results.samples.items() if place[2] == metric.name for one in s.reproductions}
    return sorted(found)


def _headings(results: Results, quoted: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    own = ("mean", "±\N{NO-BREAK SPACE}95\N{NO-BREAK SPACE}%") if len(results.design.seeds) > 1 else ("value",)
    if not quoted:
        return own
    return (*own, "reported", _whose(quoted), "digits alike")


def _whose(quoted: Sequence[tuple[int, ...]]) -> str:
    if len(quoted) > 1:
        return "ours, same seed" if all(len(seeds) == 1 for seeds in quoted) else "ours, same seeds"
    (seeds,) = quoted
    return f"ours, seed {seeds[0]}" if len(seeds) == 1 else f"ours, mean of seeds {', '.join(map(str, seeds))}"


def _numbers(results: Results, sample: Sample | None, metric: Metric, *, quoted: bool) -> list[Cell]:
    several = len(results.design.seeds) > 1
    if sample is None:
        return [Cell()] * (1 + several + 3 * quoted)
    decimals, average = metric.decimals, sample.average
    cells = [Cell(numerals.centre(sample, decimals), sample.centre)]
    if several:
        cells.append(Cell(numerals.half(sample, decimals), None if average is None else (average.high - average.low) / 2))
    return [*cells, *_beside(sample.reproductions, decimals)] if quoted else cells


def _beside(found: Sequence[Reproduction], decimals: int) -> list[Cell]:
    if not found:
        return [Cell()] * 3
    printed = " / ".join(numerals.measured(one.quoted.value, decimals) for one in found)
    ours = " / ".join("not run" if one.ours is None else numerals.measured(one.ours, decimals) for one in found)
    alike = " / ".join(_alike(one) for one in found)
    mark = "" if any(one.ours is None for one in found) else "yes" if all(one.whole for one in found) else "no"
    return [Cell(printed, found[0].quoted.value), Cell(ours, found[0].ours), Cell(alike, found[0].alike, mark)]


def _alike(one: Reproduction) -> str:
    if one.ours is None:
        return _NOTHING
    return f"all {one.digits}" if one.whole else f"{one.alike} of {one.digits}"


def _glance(results: Results, place: tuple[str, str, str], metric: Metric) -> Cell:
    sample, contrast = results.samples.get(place), results.contrasts.get(place)
    if sample is None:
        return Cell()
    failed = results.failed.get(place[:2])
    lost = f"{len(failed.reasons)}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{failed.runs} failed" if failed else ""
    value = sample.centre
    if contrast is None:
        return Cell(numerals.centre(sample, metric.decimals), value, note=lost)
    apart = f"\N{NO-BREAK SPACE}{numerals.share(contrast.share)}" if math.isfinite(contrast.share) else ""
    judged = answer(contrast, metric)
    word = f"{judged.text.partition(',')[0]}{apart}" if contrast.resolved else "not\N{NO-BREAK SPACE}resolved"
    return Cell(numerals.centre(sample, metric.decimals), value, judged.mark, "; ".join(filter(None, (word, lost))))
