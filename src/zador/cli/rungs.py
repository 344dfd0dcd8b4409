"""How `zador limits` prints: a rung a row, a codebook size a column, and what each rung means below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.cli.output import print_table

if TYPE_CHECKING:
    from zador.theory.limits import Rung
    from zador.theory.rate_band import RateBand

__all__ = ["as_rows", "print_rungs"]


def print_rungs(columns: list[tuple[str, tuple[Rung, ...]]]) -> None:
    """Print the rungs of every column under its title; a rung that a column lacks stays blank.

    Args:
        columns: (title, rungs) of each codebook size.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    meanings: dict[str, dict[str, None]] = {}
    for _, rungs in columns:
        for rung in rungs:
            meanings.setdefault(rung.label, {})[rung.meaning] = None
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("squared error, summed")
    for title, _ in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for label in meanings:
        found = [{rung.label: rung for rung in rungs}.get(label) for _, rungs in columns]
        table.add_row(label, *("" if rung is None else _number(rung) for rung in found))
    print_table(table)
    legend = Table.grid(padding=(0, 2))
    for label, said in meanings.items():
        legend.add_row(label, " / ".join(said))
    print_table(legend)


def _number(rung: Rung) -> str:
    if not rung.standard_error:
        return f"{rung.distortion:#.5g}"
    return f"{rung.distortion:#.5g} ± {float(f'{rung.standard_error:.1g}'):g}"


def as_rows(band: RateBand) -> dict[str, object]:
    """Return a band for JSON: rows of distortion and the bounds on its rate, and how far they can be trusted."""
    return {
        "columns": ["distortion", "rate_lower_bits", "rate_upper_bits"],
        "rows": band.curve().tolist(),
        "simultaneous_confidence": band.simultaneous_confidence,
        "certified": band.certified,
    }
