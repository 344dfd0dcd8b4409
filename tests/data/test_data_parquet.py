"""Parquet tables in either layout become one matrix, or are refused with the column at fault."""

import sys

import numpy as np
import pytest

from zador.data import load
from zador.errors import DataError, FormatError, MissingDependencyError, NonFiniteError, UsageError

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402 - only where pyarrow is

MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)


def write(tmp_path, columns, **options):
    """Write a table and return its path."""
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table(columns), path, **options)
    return path


def fixed_size_lists(matrix):
    """Return the rows of `matrix` as one Arrow column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def test_numeric_columns_become_coordinates(tmp_path):
    """One column a coordinate, in the order of the file, in the smallest float that holds them all."""
    path = write(tmp_path, {"b": MATRIX[:, 0], "a": MATRIX[:, 1].astype(np.float64), "c": MATRIX[:, 2].astype(np.int8)})
    vectors = load(path)
    assert vectors.array.dtype == np.float64
    np.testing.assert_array_equal(vectors.array, MATRIX)
    assert vectors.name == "x.parquet"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rows_per_group", [2, 100])
def test_column_of_fixed_size_lists_becomes_a_matrix(tmp_path, dtype, rows_per_group):
    """A list a row is a vector a row, whatever the row groups, with its float type kept."""
    matrix = MATRIX.astype(dtype)
    vectors = load(write(tmp_path, {"embedding": fixed_size_lists(matrix)}, row_group_size=rows_per_group))
    assert vectors.array.dtype == dtype
    np.testing.assert_array_equal(vectors.array, matrix)


@pytest.mark.parametrize("kind", ["list_", "large_list"])
def test_column_of_lists_of_one_length_becomes_a_matrix(tmp_path, kind):
    """Lists of free length are taken when they all have the same."""
    column = pa.array(MATRIX.tolist(), getattr(pa, kind)(pa.float32()))
    np.testing.assert_array_equal(load(write(tmp_path, {"embedding": column}, row_group_size=3)).array, MATRIX)


def test_key_picks_the_column_of_vectors_among_others(tmp_path):
    """Vectors beside texts are read with the name of their column."""
    vectors = load(write(tmp_path, {"text": list("abcd"), "embedding": fixed_size_lists(MATRIX)}), key="embedding")
    np.testing.assert_array_equal(vectors.array, MATRIX)
    assert vectors.name == "x.parquet[embedding]"


def test_unknown_or_missing_key_lists_the_columns(tmp_path, refused):
    """Without the key, the columns that could be meant are listed; with a wrong one, all are."""
    path = write(tmp_path, {"text": list("abcd"), "embedding": fixed_size_lists(MATRIX)})
    refused(DataError, lambda: load(path), path, "key=: embedding")
    refused(UsageError, lambda: load(path, key="vector"), path, "'vector'", "text, embedding")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0, 2.0], "kind": ["x", "y"]}, ["'kind'", "string"]),
        ({"a": [1.0, None]}, ["'a'", "1 of 2", "missing"]),
        ({"a": [[1.0, 2.0], [3.0]]}, ["'a'", "1 to 2"]),
        ({"a": [[1.0, 2.0], None]}, ["'a'", "missing"]),
        ({"a": [[1.0, None]]}, ["'a'", "missing"]),
        ({"a": [["x"]]}, ["'a'", "string"]),
        ({"a": pa.array([[], []], pa.list_(pa.float32()))}, ["(2, 0)"]),
        ({"a": pa.array([], pa.list_(pa.float32(), 3))}, ["(0, 0)"]),
        ({"a": pa.array([], pa.float32()), "b": pa.array([], pa.float32())}, ["(0, 2)"]),
        ({}, ["empty"]),
    ],
)
def test_tables_that_are_no_matrix_are_refused(tmp_path, refused, columns, words):
    """Texts, gaps, ragged lists and nothing at all are refused, the column named."""
    path = write(tmp_path, columns)
    refused(DataError, lambda: load(path), path, *words)


def test_values_that_are_not_finite_are_refused(tmp_path, refused):
    """NaN in a column is not a vector."""
    path = write(tmp_path, {"a": [1.0, float("nan")]})
    refused(NonFiniteError, lambda: load(path), path, "1 of 2")


def test_damaged_parquet_is_refused(tmp_path, refused):
    """Foreign and shortened files are refused with the name of the file."""
    path = write(tmp_path, {"a": MATRIX[:, 0]})
    whole = path.read_bytes()
    for length in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(FormatError, lambda: load(path), path, "Parquet")


def test_column_name_that_is_no_text_is_refused(tmp_path, refused):
    """A damaged name inside an otherwise whole file is a damaged file."""
    path = write(tmp_path, {"column": MATRIX[:, 0]})
    path.write_bytes(path.read_bytes().replace(b"column", b"\xff\xffumn!"))
    refused(FormatError, lambda: load(path), path)


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, refused, monkeypatch):
    """The extra is named by the command that installs it."""
    path = write(tmp_path, {"a": MATRIX[:, 0]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(MissingDependencyError, lambda: load(path), path, "pip install 'zador[arrow]'")
