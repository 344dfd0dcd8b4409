"""What a study leaves besides its report: every number, the configuration that reproduces it, and where it ran."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from zador import __version__
from zador.errors import UsageError
from zador.files import check_folder, write_atomically
from zador.studies.code_version import rooms_version
from zador.studies.configuration import configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zador.studies.design import Design
    from zador.studies.run import Evidence

__all__ = ["design_json", "failures_csv", "make_folder", "provenance", "rows_csv", "write_folder"]

_LIBRARIES = ("numpy", "scipy", "torch", "numba", "scikit-learn", "distributed")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Return a directory that is there now, and can be written in.

    Raises:
        UsageError: it cannot be made.
    """
    check_folder(path)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {os.fspath(path)!r}: {error.strerror or error}; choose another directory") from error
    return Path(path)


def write_folder(evidence: Evidence, directory: str | os.PathLike[str], about: Mapping[str, str]) -> None:
    """Write `rows.csv`, `failures.csv`, `design.json` and `provenance.json`; all but the last depend on the cells alone.

    Args:
        evidence: what the study gave.
        directory: where to; it has to exist.
        about: what `provenance` gives.

    Raises:
        UsageError: a file cannot be written.
    """
    folder = Path(directory)
    write_atomically(folder / "rows.csv", rows_csv(evidence).encode())
    write_atomically(folder / "failures.csv", failures_csv(evidence).encode())
    write_atomically(folder / "design.json", design_json(evidence.design).encode())
    text = json.dumps(dict(about), indent=2, ensure_ascii=False)
    write_atomically(folder / "provenance.json", text.encode() + b"\n")


def rows_csv(evidence: Evidence) -> str:
    """Return every row as CSV; the numbers are exact (`repr`), and equal evidence is equal text."""
    rows = ((row.study, row.setting, row.arm, row.seed, row.metric, repr(row.value)) for row in evidence.rows)
    return _csv(("study", "setting", "arm", "seed", "metric", "value"), rows)


def failures_csv(evidence: Evidence) -> str:
    """Return which runs failed, and how, as CSV."""
    rows = ((*stamp, failure) for stamp, failure in evidence.failures.items())
    return _csv(("study", "setting", "arm", "seed", "failure"), rows)


def design_json(design: Design) -> str:
    """Return the whole configuration as JSON: classes, fields, exact numbers, seeds."""
    return json.dumps(configuration(design), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def provenance(command: str, workers: str) -> dict[str, str]:
    """Return with what a study ran, where and when.

    Args:
        command: that started it.
        workers: who did the work, in words.
    """
    return {
        "command": command,
        "zador": f"{__version__}, code {rooms_version()[:16]}",
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES),
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "workers": workers,
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _csv(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
