"""Text tables are read as people write them, and blamed where they are wrong."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zador.data import load
from zador.errors import DataError, FormatError, NonFiniteError, UsageError


def write(tmp_path, text, name="x.csv"):
    """Write a text file as it is and return its path."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1.5,-2e3\n", [[1.5, -2000]]),
        ("1\n2\n3\n", [[1], [2], [3]]),
        ("x\n2\n", [[2]]),
        ('"a, and\nb","c"\n"1","2"\n', [[1, 2]]),
        ("\n\na,b\n\n1,2\n\n3,4", [[1, 2], [3, 4]]),
        ("a,b\r\n1,2\r\n", [[1, 2]]),
        ("\ufeffa,b\n1,2\n", [[1, 2]]),
        ("\ufeff1,2\n", [[1, 2]]),
        ("a;b\n1;2\n", [[1, 2]]),
        ("1;2\n3;4\n", [[1, 2], [3, 4]]),
        (",0,1\n5,6,7\n", [[5, 6, 7]]),
        ("label,1,2\n5,6,7\n", [[5, 6, 7]]),
        ("# a,b\n1,2\n", [[1, 2]]),
        (" 1 , 2 \n", [[1, 2]]),
    ],
)
def test_csv_with_and_without_header(tmp_path, text, expected):
    """Names in the first line are a header, numbers are data, and the spellings that programs write are read."""
    vectors = load(write(tmp_path, text))
    assert vectors.array.dtype == np.float64
    assert vectors.array.tolist() == expected
    assert vectors.name == "x.csv"


def test_tsv_is_separated_by_tabs(tmp_path):
    """Tabs separate, and a comma in a name does not."""
    assert load(write(tmp_path, "a,1\tb\n1\t2\n", "x.tsv")).array.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width,kind\n1,rose\n", ["line 2", "column 2 ('kind')", "'rose'"]),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ["line 1", "column 3", "'setosa'"]),
        ("1.5,NA\n2,3\n", ["line 1", "column 2", "'NA'"]),
        ("a,b\n\n1,2\n3,\n", ["line 4", "column 2 ('b')", "nothing"]),
        ("a,b\n1,2\n3\n", ["line 3", "expected 2 columns, got 1"]),
        ("1,2\n3,4,5\n", ["line 2", "expected 2 columns, got 3"]),
        ("a,b\n1,2,3\n4,5,6\n", ["2 columns as in the first line, got 3"]),
        ("a;b\n1,5;2\n", ["line 2", "column 1 ('a')", "'1,5'"]),
        ("", ["empty"]),
        ("\n\n", ["empty"]),
        ("a,b\n", ["empty"]),
    ],
)
def test_csv_that_is_no_table_of_numbers_names_line_and_column(tmp_path, refused, text, words):
    """The first field or line to blame is named as a person sees it in the file."""
    path = write(tmp_path, text)
    refused(DataError, lambda: load(path), path, *words)


def test_csv_values_that_are_not_finite_are_refused(tmp_path, refused):
    """A written-out nan is a number to the parser, not to us."""
    path = write(tmp_path, "a,b\n1,2\nnan,4\n")
    refused(NonFiniteError, lambda: load(path), path, "1 of 2", "rows 1")
    refused(NonFiniteError, lambda: load(write(tmp_path, "1,1e400\n")), path)


def test_csv_in_another_encoding_is_refused(tmp_path, refused):
    """Text that is not UTF-8, wherever it stops being so, is told as that."""
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-16")
    refused(FormatError, lambda: load(path), path, "UTF-8")
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100_000 + b"\xff,2\n")
    refused(FormatError, lambda: load(path), path, "UTF-8")


def test_csv_number_that_only_python_reads_is_refused(tmp_path, refused):
    """Python would take underscores in a number; files do not write them, and the parser says no."""
    path = write(tmp_path, "1,2\n1_0,3\n")
    refused(FormatError, lambda: load(path), path, "1_0")


def test_csv_with_a_key_is_refused(tmp_path, refused):
    """A text table is read whole."""
    path = write(tmp_path, "1,2\n")
    refused(UsageError, lambda: load(path, key="a"), path, "key='a'")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.one_of(st.binary(max_size=60), st.text('0123456789.,;"\n\t\r aeNn-', max_size=60).map(str.encode)))
def test_any_bytes_as_csv_give_vectors_or_our_errors(tmp_path, contents):
    """Whatever the file holds, the reader returns a finite matrix or raises a DataError of one line."""
    path = tmp_path / "x.csv"
    path.write_bytes(contents)
    try:
        array = load(path).array
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right, but nothing else
    else:
        assert np.isfinite(array).all()
