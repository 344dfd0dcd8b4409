"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from zador.errors import UsageError

_T = TypeVar("_T")

__all__ = [
    "AsJson",
    "Data",
    "Key",
    "Patch",
    "Seed",
    "With",
    "given",
    "numbers",
    "pick",
    "refuse_replacing",
    "report_path",
    "whole_numbers",
]

Data = Annotated[str, typer.Argument(help="digits, photos, linear-gaussian, or a file or folder of vectors or images.")]
With = Annotated[str, typer.Option("--with", help="Directory of the quantizer, as `zador fit` saved it.", metavar="DIR")]
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


def numbers(text: str, option: str, *, least: float) -> list[float]:
    """Return the numbers of `text`, separated by commas, each once, ascending.

    >>> numbers("2,0.5", "--curve", least=0.01)
    [0.5, 2.0]
    """
    try:
        found = sorted({float(part) for part in text.split(",") if part.strip()})
    except ValueError:
        found = []
    if not found or not all(least <= number < float("inf") for number in found):
        raise UsageError(f"{option}: expected numbers from {least:g} on separated by commas, got {text!r}")
    return found


def pick(table: dict[str, _T], name: str, option: str) -> _T:
    """Return `table[name]`; the error lists the names, after the one that was meant if one is close."""
    if name not in table:
        close = difflib.get_close_matches(name, table, n=1)
        meant = f"did you mean {close[0]!r}? otherwise " if close else ""
        raise UsageError(f"{option}: unknown name {name!r}; {meant}choose from {', '.join(table)}")
    return table[name]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were typed, which are those with a value, by their names on the command line.

    >>> given(codebook_size=4, bits=None)
    {'codebook-size': 4}
    """
    return {name.replace("_", "-"): value for name, value in options.items() if value is not None}


def refuse_replacing(source: str, out: str) -> None:
    """Raise UsageError if writing `out` would replace the file `source`."""
    if Path(source).is_file() and Path(out).exists() and Path(out).samefile(source):
        raise UsageError(f"--out: {out!r} is what is to be read; choose another path")


def report_path(given: str | None, data: str) -> Path:
    """Return where a report goes: `given`, or a name made from the data's."""
    if given is not None:
        return Path(given)
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(data).stem) or "data"
    return Path(f"zador-compare-{stem}.html")
