"""Text files that hold tables: `.csv` and `.tsv`. A line is a vector."""

from __future__ import annotations

import csv
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador.data.intake import to_vectors, unreadable
from zador.errors import DataError, FormatError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from zador.data.vectors import Vectors

__all__ = ["read_csv", "read_tsv"]


def read_csv(path: Path, key: str | None = None) -> Vectors:
    """Return the (N, D) float64 numbers of a comma-separated file; semicolons where the first line has no comma.

    The first line is a header if it holds names: none of its fields is a number, or those that are only count the columns
    (0, 1, 2, ... or 1, 2, 3, ...), as some writers label them. UTF-8; empty lines are passed over.

    Raises:
        UsageError: a key: all columns are read.
        DataError: a field is not a number, or lines differ in length; the message names line and column.
        FormatError: not a text file in UTF-8.
    """
    return _read_text(path, key, ",")


def read_tsv(path: Path, key: str | None = None) -> Vectors:
    """Return the numbers of a tab-separated file, as `read_csv` does."""
    return _read_text(path, key, "\t")


def _read_text(path: Path, key: str | None, delimiter: str) -> Vectors:
    if key is not None:
        raise UsageError(f"{path}: key={key!r} picks one of several arrays, a text table is read whole; leave key out")
    try:
        head = _read_head(path, delimiter)
        array = _parse(path, head)
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text ({error.reason}); save the table as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise unreadable(path, "table of numbers", error) from error
    return to_vectors(array, str(path), path.name)


class _Head(NamedTuple):
    delimiter: str
    names: list[str]  # of the columns; none where the first line holds numbers
    lines: int  # that the names take


def _read_head(path: Path, delimiter: str) -> _Head:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next((line for line in file if line.strip()), "")
        if delimiter == "," and "," not in first and ";" in first:
            delimiter = ";"
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter)
        fields = next((row for row in reader if row), [])
        return _Head(delimiter, fields, reader.line_num) if _are_names(fields) else _Head(delimiter, [], 0)


def _are_names(fields: list[str]) -> bool:
    # A line of data with one bad field must not pass for a header: it would be dropped in silence.
    numbers = [field.strip() for field in fields if _is_number(field)]
    only_count = any(numbers == [str(start + n) for n in range(len(numbers))] for start in (0, 1))
    return len(numbers) < len(fields) and only_count


def _parse(path: Path, head: _Head) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        # An empty table is an error, which the caller tells in our words.
        warnings.filterwarnings("ignore", "loadtxt: input contained no data", UserWarning)
        try:
            array = np.loadtxt(
                path,
                delimiter=head.delimiter,
                skiprows=head.lines,
                ndmin=2,
                comments=None,
                encoding="utf-8-sig",
                quotechar='"',
            )
        except UnicodeDecodeError:  # a ValueError too, but none that a line can be blamed for
            raise
        except ValueError as error:
            raise _locate(path, head) or unreadable(path, "table of numbers", error) from error
    if array.size == 0:
        raise DataError(f"{path}: expected at least one line of numbers, got none; the table is empty")
    if head.names and array.shape[1] != len(head.names):
        raise DataError(f"{path}: expected {len(head.names)} columns as in the first line, got {array.shape[1]}; name each")
    return array


def _locate(path: Path, head: _Head) -> DataError | None:
    # The fast parser has refused; a slow reading finds the first field to blame, in the words of whoever sees the file.
    width = len(head.names)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=head.delimiter)
        rows = (row for row in reader if row)
        if head.names:
            next(rows)
        for row in rows:
            width = width or len(row)
            for column, field in enumerate(row[:width]):
                if not _is_number(field):
                    name = f"{column + 1} ({head.names[column]!r})" if head.names else f"{column + 1}"
                    got = repr(field) if field.strip() else "nothing"
                    what = f"{path}: line {reader.line_num}, column {name}: expected a number, got {got}"
                    return DataError(f"{what}; remove or encode the column, or fill the gap")
            if len(row) != width:
                what = f"{path}: line {reader.line_num}: expected {width} columns, got {len(row)}"
                return DataError(f"{what}; every line needs the same number")
    return None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
