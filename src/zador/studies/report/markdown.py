"""The report of a study as Markdown: the same content without pictures, in tables narrow enough for any viewer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zador.studies.report import answers, blueprint, tables, verdicts
from zador.studies.report.compose import facts, family_note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zador.studies.claims import Verdict
    from zador.studies.report.results import Results
    from zador.studies.report.tables import Cell, Line, Table

__all__ = ["escaped", "pipe_table", "to_markdown"]

_WORDS = {"yes": "✓", "no": "≠"}


def to_markdown(results: Results, found: Sequence[Verdict], provenance: Mapping[str, str]) -> str:
    """Return the report as Markdown: answer, verdicts, tables by metric and setting, configuration, provenance."""
    parts = [*_first(results, found), *_claims(found), *_tables(results), *_last(results, provenance)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    r"""Return text on one line that Markdown takes literally, in a table too.

    >>> print(escaped("a|b *c* <d>"))
    a\|b \*c\* &lt;d&gt;
    """
    flat = re.sub(r"[^\S\u00a0]+", " ", text.strip()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]$|#~])", r"\\\1", flat)


def pipe_table(headings: Sequence[str], lines: Sequence[Sequence[str]], *, words: Sequence[int] = (0,)) -> str:
    """Return a table of escaped cells: columns of words to the left, numbers to the right."""
    rule = [":---" if place in words else "---:" for place in range(len(headings))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (list(map(escaped, headings)), rule, *lines))


def _first(results: Results, found: Sequence[Verdict]) -> Iterator[str]:
    design = results.design
    yield f"# {escaped(design.title)}"
    yield f"zador study {escaped(design.name)}: {escaped(facts(results))}"
    yield escaped(design.question)
    yield f"**{escaped(answers.headline(results))}**"
    yield escaped(answers.open_questions(results))
    yield escaped(answers.failures(results))
    yield "\n".join(f"- **{escaped(one.arm)}**: {escaped(one.text)}" for one in answers.findings(results))
    yield " · ".join(f"{one.mark} {one.status} {one.amount}" for one in verdicts.tally(found))


def _claims(found: Sequence[Verdict]) -> Iterator[str]:
    if not found:
        return
    yield "## Claims"
    for one in map(verdicts.judged, found):
        because = f" {escaped(one.because)}" if one.because else ""
        parts = [f"  - {escaped(sentence)}" for sentence in one.evidence]
        mark, status = one.tally.mark, one.tally.status
        first = f"- {mark} **{status}**: “{escaped(one.quote)}” ({escaped(one.where)}). {escaped(one.sentence)}{because}"
        yield "\n".join([first, *parts])


def _tables(results: Results) -> Iterator[str]:
    design = results.design
    for metric in results.metrics:
        yield f"## {escaped(metric.heading)}"
        yield escaped(metric.meaning)
        if len(design.settings) > 1 and metric is results.metrics[0]:
            yield from _glance(tables.at_a_glance(results, metric))
        yield from _grid(tables.all_numbers(results, [metric]))
        if results.family(metric):
            yield f"### {escaped(metric.heading)}: differences to {escaped(design.reference)}"
            yield escaped(family_note(results, metric))
            yield from _grid(tables.differences(results, metric))


def _glance(table: Table) -> Iterator[str]:
    """Yield settings down and arms across, five arms at a time."""
    headings = table.headings
    for start in range(0, len(headings), 5):
        lines = [
            [escaped(line.name), *(_cell(cell) for cell in line.cells[start : start + 5])] for line in table.blocks[0].lines
        ]
        yield pipe_table(["setting", *headings[start : start + 5]], lines)


def _grid(table: Table) -> Iterator[str]:
    words = [0, *(place + 1 for place, heading in enumerate(table.headings) if heading == "answer")]
    for block in table.blocks:
        if block.setting:
            yield f"**{escaped(block.setting)}**"
        lines = [[_name(line), *map(_cell, line.cells)] for line in block.lines]
        yield pipe_table(["arm", *table.headings], lines, words=words)
        yield "\n".join(f"- {escaped(line.name)}: {escaped(line.failed)}" for line in block.lines if line.failed)


def _name(line: Line) -> str:
    if line.limit:
        return f"*{escaped(line.name)}* (limit)"
    return f"{escaped(line.name)} (reference)" if line.reference else escaped(line.name)


def _cell(cell: Cell) -> str:
    mark = f"{_WORDS[cell.mark]} " if cell.mark in _WORDS else ""
    return f"{mark}{escaped(cell.text)}{f' ({escaped(cell.note)})' if cell.note else ''}"


def _last(results: Results, provenance: Mapping[str, str]) -> Iterator[str]:
    design = results.design
    if design.notes:
        yield "## Notes"
        yield "\n".join(f"- {escaped(note)}" for note in design.notes)
    yield "## The configuration that reproduces it"
    yield _fenced(provenance.get("command") or blueprint.command(design), "")
    yield _fenced(blueprint.readable(design), "json")
    yield "## Provenance"
    yield pipe_table(["what", "which"], [[escaped(k), escaped(v)] for k, v in provenance.items()], words=(0, 1))


def _fenced(text: str, language: str) -> str:
    """Return a block that nothing within ends: its fence is longer than any run of backticks in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
