"""Results that are there already: one file a cell, found by what was done and not by what it is called."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zador.errors import FormatError, UsageError
from zador.files import check_folder, write_atomically
from zador.studies.code_version import code_version
from zador.studies.configuration import canonical, configuration, modules_of
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from zador.studies.design import Work

__all__ = ["Cell", "Store", "normal"]

_FORMAT = 1


@dataclass(frozen=True)
class Cell:
    """One piece of work with one seed.

    Attributes:
        key: SHA-256 of `ingredients`, as 64 hexadecimal digits.
        ingredients: everything that the result depends on, in clear text: `work`, `code`, `fingerprint`, `seed`.
    """

    key: str
    ingredients: dict[str, Any]

    @classmethod
    def of(cls, work: Work, seed: int) -> Cell:
        """Return the cell of `work` with `seed`; equal work has equal cells in whichever study, under whichever name."""
        return next(cls.of_each(work, (seed,)))

    @classmethod
    def of_each(cls, work: Work, seeds: Iterable[int]) -> Iterator[Cell]:
        """Yield the cells of `work` with each seed."""
        text = configuration(work)
        code = code_version(frozenset(modules_of(text)))
        for seed in seeds:
            ingredients = {"work": text, "code": code, "fingerprint": str(work.fingerprint(seed)), "seed": seed}
            yield cls(hashlib.sha256(canonical(ingredients)).hexdigest(), ingredients)


class Store:
    """A directory with one JSON file a cell, each written whole or not at all.

    Raises:
        UsageError: the directory cannot be made or written in.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        check_folder(directory)
        self._directory = Path(directory)
        self._make(self._directory)

    def path(self, cell: Cell) -> Path:
        """Return where a cell's file is, or would be."""
        return self._directory / cell.key[:2] / f"{cell.key}.json"

    def read(self, cell: Cell) -> tuple[Outcome, float] | None:
        """Return what is stored for a cell and the seconds that it took; None if nothing is.

        Raises:
            FormatError: the file is truncated, altered, or another cell's.
        """
        path = self.path(cell)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FormatError(f"{path}: cannot be read: {error.strerror or error}") from error
        try:
            stored = json.loads(content)
            asked = json.loads(canonical(cell.ingredients))
            own = stored["format"] == _FORMAT and stored["cell"] == asked
            whole = stored["checksum"] == _checksum(stored["outcome"])
            found = _read_outcome(stored["outcome"]), float(stored["seconds"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FormatError(f"{path}: is not whole") from error
        if not (own and whole):
            raise FormatError(f"{path}: {'was altered after it was written' if own else 'is the result of something else'}")
        return found

    def write(self, cell: Cell, outcome: Outcome, seconds: float) -> None:
        """Store an outcome and the seconds that it took; the seconds never enter a table."""
        text = _outcome_text(outcome)
        content = {
            "format": _FORMAT,
            "key": cell.key,
            "cell": cell.ingredients,
            "outcome": text,
            "checksum": _checksum(text),
            "seconds": round(seconds, 6),
        }
        path = self.path(cell)
        self._make(path.parent)
        write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n")

    @staticmethod
    def _make(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make {str(folder)!r}: {error.strerror or error}; choose another directory") from error


def normal(outcome: Outcome) -> Outcome:
    """Return an outcome as it will be read back: plain floats, so that tables are the same from memory and from disk.

    Raises:
        TypeError: it is no outcome, or holds what is no number.
    """
    if not isinstance(outcome, Outcome):
        raise TypeError(f"expected an Outcome, got a {type(outcome).__name__}")
    return _read_outcome(_outcome_text(outcome))


def _checksum(outcome: Any) -> str:
    return hashlib.sha256(canonical(outcome)).hexdigest()


def _outcome_text(outcome: Outcome) -> dict[str, Any]:
    series = [
        {"metric": str(one.metric), "steps": [int(step) for step in one.steps], "values": [_text(v) for v in one.values]}
        for one in outcome.series
    ]
    metrics = {str(name): _text(value) for name, value in outcome.metrics.items()}
    return {"metrics": metrics, "series": series, "failure": str(outcome.failure)}


def _read_outcome(text: dict[str, Any]) -> Outcome:
    series = tuple(Series(one["metric"], tuple(one["steps"]), tuple(map(float, one["values"]))) for one in text["series"])
    return Outcome({name: float(value) for name, value in text["metrics"].items()}, series, text["failure"])


def _text(value: float) -> float | str:
    """Return a number that strict readers of JSON take, or its name: "nan", "inf", "-inf"."""
    number = float(value)
    return number if math.isfinite(number) else repr(number)
