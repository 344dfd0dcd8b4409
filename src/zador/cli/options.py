"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from zador.errors import UsageError

_T = TypeVar("_T")

__all__ = ["AsJson", "Key", "Patch", "Seed", "pick", "whole_numbers"]

Seed = Annotated[int, typer.Option(min=0, help="Seed of every random choice.")]
Key = Annotated[str | None, typer.Option(help="Which array of a .npz or .safetensors file, or column of a .parquet file.")]
Patch = Annotated[int, typer.Option(min=1, help="Side of the patches that images are cut into, in pixels.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def whole_numbers(text: str, option: str, *, least: int, most: int) -> list[int]:
    """Return the numbers of `text`, separated by commas, each once, ascending.

    >>> whole_numbers("8,4,4", "--bits", least=0, most=20)
    [4, 8]
    """
    try:
        numbers = sorted({int(part) for part in text.split(",") if part.strip()})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < least or numbers[-1] > most:
        raise UsageError(f"{option}: expected whole numbers from {least} to {most} separated by commas, got {text!r}")
    return numbers


def pick(table: dict[str, _T], name: str, option: str) -> _T:
    """Return `table[name]`; the error lists the names."""
    if name not in table:
        raise UsageError(f"{option}: unknown name {name!r}; choose from {', '.join(table)}")
    return table[name]


def report_path(given: str | None, data: str) -> Path:
    """Return where a report goes: `given`, or a name made from the data's."""
    if given is not None:
        return Path(given)
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(data).stem) or "data"
    return Path(f"zador-compare-{stem}.html")
