"""Parquet files, with the `[arrow]` extra. A row is a vector: a list in one column, or one number a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zador.data.intake import choose_member, to_vectors, unreadable
from zador.errors import DataError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from zador.data.vectors import Vectors

__all__ = ["read_parquet"]


def read_parquet(path: Path, key: str | None = None) -> Vectors:
    """Return the vectors of a Parquet file: a column of lists (`key`, or the only column), or all columns as numbers.

    Args:
        path: the file.
        key: the column that holds the vectors, of type list or fixed-size list; without it, a table of one such column,
            or of numeric columns only, one coordinate each.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        UsageError: there is no such column.
        DataError: a column of another type, missing values, or lists of different lengths. FormatError: not Parquet.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError(f"{path}: reading Parquet needs pyarrow; pip install 'zador[arrow]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            if key is not None or len(names) == 1:
                names = [choose_member(names, key, str(path), "column")]
            table = file.read(columns=names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(path, "Parquet file", error) from error
    if len(names) == 1 and _is_list(table.schema.field(0).type):
        array = _stack_lists(path, names[0], table.column(0))
    else:
        array = _stack_columns(path, table)
    return to_vectors(array, str(path), path.name if key is None else f"{path.name}[{key}]")


def _is_list(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(arrow_type) or types.is_large_list(arrow_type) or types.is_fixed_size_list(arrow_type))


def _stack_lists(path: Path, name: str, column: Any) -> NDArray[Any]:
    from pyarrow import compute

    lengths = compute.unique(compute.list_value_length(column)).to_pylist()
    if len(lengths) > 1 and None not in lengths:
        what = f"{path}: column {name!r} holds lists of {min(lengths)} to {max(lengths)} numbers"
        raise DataError(f"{what}; every vector needs as many")
    _refuse_gaps(path, name, column)
    coordinates = _numbers(path, name, compute.list_flatten(column))
    return coordinates.reshape(len(column), -1) if len(coordinates) else np.empty((len(column), 0))


def _stack_columns(path: Path, table: Any) -> NDArray[Any]:
    lists = [field.name for field in table.schema if _is_list(field.type)]
    if lists:
        what = f"{path}: expected one column of lists or numeric columns only, got {table.num_columns} columns"
        raise DataError(f"{what}; say which one holds the vectors with key=: {', '.join(lists)}")
    if table.num_columns == 0:
        raise DataError(f"{path}: expected at least one column, got none; the table is empty")
    return np.column_stack([_numbers(path, field.name, table.column(i)) for i, field in enumerate(table.schema)])


def _numbers(path: Path, name: str, column: Any) -> NDArray[Any]:
    from pyarrow import types

    kind = column.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise DataError(f"{path}: column {name!r}: expected numbers, got {kind}; remove or encode the column")
    _refuse_gaps(path, name, column)
    array: NDArray[Any] = column.to_numpy()
    return array


def _refuse_gaps(path: Path, name: str, column: Any) -> None:
    if column.null_count:
        what = f"{path}: column {name!r}: {column.null_count} of {len(column)} values are missing"
        raise DataError(f"{what}; remove or impute them first")
