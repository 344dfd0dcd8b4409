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

    from zador.studies.time_left import Step

__all__ = ["duration", "print_json", "print_table", "progress", "study_progress"]

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


@contextmanager
def study_progress() -> Iterator[tuple[Callable[[Step], None], Callable[[str], None]]]:
    """Give what announces where a study is, with the time left, and what tells a line beside that, on standard error."""
    if not sys.stderr.isatty():

        def tell(line: str) -> None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

        yield lambda step: tell(f"study {step.done}/{step.total}: {step.label}{_left(step, '; ')}"), tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("study"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starts", total=None)

        def advance(step: Step) -> None:
            about = f"{_left(step, '')}  {step.label}".strip()
            bar.update(task, description=about, completed=step.done, total=step.total)

        yield advance, lambda line: bar.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _left(step: Step, before: str) -> str:
    return "" if step.seconds_left is None or step.done == step.total else f"{before}{duration(step.seconds_left)} left"


def duration(seconds: float) -> str:
    """Return about how long something takes, in the unit that one would say it in.

    >>> duration(0.2), duration(89), duration(1000), duration(9000)
    ('about 1 s', 'about 89 s', 'about 17 min', 'about 2.5 h')
    """
    if seconds < 99.5:  # noqa: PLR2004 - two digits are enough of any of them
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"about {round(minutes)} min" if minutes < 99.5 else f"about {minutes / 60:.1f} h"  # noqa: PLR2004 - as above


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
