"""What commands print: progress on standard error, tables and JSON on standard output."""

from __future__ import annotations

import json
import math
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

__all__ = ["print_json", "print_table", "progress"]

_PLAIN_WIDTH = 140


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that announces step `number` of `total`: a bar on a terminal, a line a step elsewhere."""
    if not sys.stderr.isatty():

        def announce(label: str, number: int, total: int) -> None:
            sys.stderr.write(f"{title} {number}/{total}: {label}\n")
            sys.stderr.flush()

        yield announce
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(label: str, number: int, total: int) -> None:
            bar.update(task, description=label, completed=number - 1, total=total)

        yield advance


def print_table(table: Table) -> None:
    """Print to standard output, as wide as the terminal, or wide enough for every column when there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False).print(table)


def print_json(value: Any) -> None:
    """Print one JSON object; infinities and NaN, which JSON cannot hold, become null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
