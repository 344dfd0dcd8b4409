"""What the doors refuse, and in which words."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from zador.coding import Static, StreamSpec, coded_bits, pack, unpack
from zador.errors import DataError, FormatError, UsageError

NAME = "00000000000000a1"
SPEC = StreamSpec((4, 2), [[8, 4, 2, 2], [1, 1]], NAME)
DATA = pack([[3, 1], [0, 0]], SPEC)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 1], r"expected shape \(N, 2\), one column a stream, got \(2,\); write indices\[:, None\]"),
        ([[0]], r"expected shape \(N, 2\)"),
        ([[0, 1], [0]], "rows of different lengths"),
        ([[0.0, 1.0]], "expected whole numbers, got dtype float64"),
        ([[True, False]], "expected whole numbers, got dtype bool"),
        ([["a", "b"]], "expected whole numbers"),
        ([[0, 0], [4, 0], [0, -1]], "2 lie outside their alphabets; the first is 4 in row 1, column 0, which holds 0 to 3"),
        (np.array([[0, 2**63]], np.uint64), "the first is 9223372036854775808 in row 0, column 1, which holds 0 to 1"),
        (torch.tensor([[0.5, 1.0]]), "expected whole numbers, got dtype float32"),
    ],
)
def test_indices_that_cannot_be_coded(indices, message):
    """Wrong shape, wrong type, or outside the alphabet: a DataError that shows the first culprit."""
    for door in (pack, coded_bits):
        with pytest.raises(DataError, match=message):
            door(indices, SPEC)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": ()}, "the same number of streams, from 1 to 65536, got 0 and 2"),
        ({"sizes": (4,)}, "got 1 and 2"),
        ({"sizes": [1] * 65537, "usage": [[1]] * 65537}, "got 65537"),
        ({"sizes": (4, 0)}, r"sizes\[1\]: expected a whole number of at least 1, got 0"),
        ({"sizes": (4, 2.0)}, r"sizes\[1\]: expected a whole number"),
        ({"sizes": (4, 2**20 + 1)}, r"sizes\[1\]: an alphabet holds up to 1048576 indices, got 1048577"),
        ({"sizes": 4}, "expected a quantizer with sizes, usage and fingerprint, got StreamSpec"),
        ({"usage": [[8, 4, 2, 2], [1]]}, r"usage\[1\]: expected shape \(2,\) as in sizes\[1\], got \(1,\)"),
        ({"usage": [[8, 4, 2, 2], "ab"]}, r"usage\[1\]: expected 2 numbers, got str"),
        ({"usage": [[8, 4, 2, -1], [1, 1]]}, r"usage\[0\]: expected weights from 0 to 2\*\*53, got -1 to 8"),
        ({"usage": [[8, 4, 2, np.nan], [1, 1]]}, r"usage\[0\]: expected weights"),
        ({"usage": [[8, 4, 2, np.inf], [1, 1]]}, r"usage\[0\]: expected weights"),
        ({"usage": [[8, 4, 2, 1e17], [1, 1]]}, r"usage\[0\]: expected weights"),
        ({"fingerprint": "A" * 16}, "fingerprint: expected 16 hexadecimal digits in lower case"),
        ({"fingerprint": "0" * 15}, "fingerprint: expected 16"),
        ({"fingerprint": 12}, "fingerprint: expected 16 hexadecimal digits in lower case, got 12"),
    ],
)
def test_streams_that_are_none(changes, message):
    """What is wrong with a quantizer's three attributes is a UsageError, for writer and reader alike."""
    spec = StreamSpec(**{"sizes": SPEC.sizes, "usage": SPEC.usage, "fingerprint": SPEC.fingerprint, **changes})
    with pytest.raises(UsageError, match=message):
        pack([[0, 0]], spec)
    with pytest.raises(UsageError, match=message):
        unpack(DATA, spec)


def test_something_else_instead_of_a_quantizer():
    """An array in place of the quantizer is named, and StreamSpec recommended."""
    with pytest.raises(UsageError, match=r"got ndarray .* wrap your own streams in a StreamSpec"):
        pack([[0, 0]], np.ones((4, 2)))


@pytest.mark.parametrize("model", ["static", Static, None])
def test_models_are_objects(model):
    """A name, a class or None is no model; the message lists the models."""
    with pytest.raises(UsageError, match=r"expected one of Static\(\), Adaptive\(\), OrderOne\(\), got"):
        pack([[0, 0]], SPEC, model=model)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"a": float("nan")}, "JSON cannot hold"),
        ({"a": float("inf")}, "JSON cannot hold"),
        ({"a": {1, 2}}, "JSON cannot hold"),
        ({"a": "\ud800"}, "JSON cannot hold"),
        ({(1, 2): 3}, "JSON cannot hold"),
        ([1, 2], "JSON cannot hold"),
        ({"a": "x" * (1 << 20)}, "bytes as JSON, a token file takes 1048576"),
    ],
)
def test_notes_that_cannot_be_kept(about, message):
    """A note has to be a JSON object of up to 1 MiB."""
    with pytest.raises(UsageError, match=message):
        pack([[0, 0]], SPEC, about=about)


def test_a_note_that_goes_too_deep():
    """Nesting beyond what the JSON library follows is refused, not a crash."""
    about = {}
    for _ in range(100_000):
        about = {"a": about}
    with pytest.raises(UsageError, match="JSON cannot hold"):
        pack([[0, 0]], SPEC, about=about)


def test_another_quantizer():
    """The wrong fingerprint and the wrong number of streams are named, with what was expected."""
    other = StreamSpec(SPEC.sizes, SPEC.usage, "00000000000000b2")
    with pytest.raises(FormatError, match=r"another quantizer: fingerprint 00000000000000a1, got 00000000000000b2"):
        unpack(DATA, other)
    with pytest.raises(FormatError, match="holds 2 indices a row, the quantizer makes 1"):
        unpack(DATA, StreamSpec((4,), SPEC.usage[:1], NAME))


@pytest.mark.parametrize(
    ("sizes", "usage"),
    [((4, 2), [[2, 2, 4, 8], [1, 1]]), ((4, 3), [[8, 4, 2, 2], [1, 1, 1]]), ((4, 2), [[8, 4, 2, 2.5], [1, 1]])],
)
def test_the_same_name_with_other_usage_gives_no_garbage(sizes, usage):
    """If a fingerprint did not cover sizes and usage, the check value of the indices would tell."""
    rows = np.random.default_rng(0).integers(0, 2, (500, 2))
    with pytest.raises(FormatError, match=r"not those that were written|make no sense"):
        unpack(pack(rows, SPEC), StreamSpec(sizes, usage, NAME))


def test_the_limit_of_unpacking():
    """More indices than the limit are refused before any is decoded; as many are not."""
    assert unpack(DATA, SPEC, limit=4).shape == (2, 2)
    with pytest.raises(DataError, match="holds 2 rows of 2 indices, more than limit=3"):
        unpack(DATA, SPEC, limit=3)
    with pytest.raises(UsageError, match="limit: expected a whole number"):
        unpack(DATA, SPEC, limit=1.5)


@pytest.mark.parametrize("data", ["text", io.BytesIO(DATA), None, [1, 2]])
def test_unpack_takes_bytes(data):
    """A path or an open file is not bytes; the message says what reads files."""
    with pytest.raises(UsageError, match=r"data: expected bytes, got \w+; read a file with TokenReader"):
        unpack(data, SPEC)
