"""The format is a promise: tiny files byte by byte, and what a reader does with the fields."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import pytest

from zador.coding import Adaptive, OrderOne, Static, StreamSpec, layout, pack, unpack
from zador.coding.models import MODELS

SPEC = StreamSpec((4, 300), [[8, 4, 2, 2], np.arange(300)], "0123456789abcdef")
ROWS = [[0, 299], [1, 250], [0, 299], [3, 1], [0, 299]]

GOLDEN = {
    Static(): (
        "895a544b 01000123 456789ab cdef0213 7b22c3a9 223a5b31 2c322e35 2c6e756c 6c5d7d05 0249a370 e4aa5c4f "
        "462b7975 130005b5 42414a47 1bf0af"
    ),
    Adaptive(): (
        "895a544b 01010123 456789ab cdef0213 7b22c3a9 223a5b31 2c322e35 2c6e756c 6c5d7d05 0249a370 e4c5e1b0 "
        "2802d688 3d00050b 98163401 fd4888"
    ),
    OrderOne(): (
        "895a544b 01020123 456789ab cdef0213 7b22c3a9 223a5b31 2c322e35 2c6e756c 6c5d7d05 0249a370 e4af6d09 "
        "2532c36a 4100056f f9d49a5f 09097a"
    ),
}


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_golden_bytes(model):
    """A file of version 1 is what it was when version 1 came out; a change here needs a new version."""
    data = pack(ROWS, SPEC, model=model, about={"é": [1, 2.5, None]})
    assert data.hex(" ", -4) == GOLDEN[model]
    assert unpack(data, SPEC).tolist() == ROWS


LONGER = {
    Static(): "41d8af1a9b10ef36",
    Adaptive(): "66703fd43e22d29f",
    OrderOne(): "6ebf9c7c4d4fb0c6",
}


@pytest.mark.parametrize("model", LONGER, ids=lambda model: model.name)
def test_a_longer_file_keeps_its_bytes(model):
    """30000 rows, in which adaptive models change many times, hash to what they did when version 1 came out."""
    step = np.arange(30_000)
    rows = np.stack([step * step // 7 % 5, (step % 97) * (step % 89) % 900], axis=1)
    data = pack(rows, StreamSpec((5, 900), [[1] * 5, np.arange(900) ** 2], "0" * 16), model=model)
    assert hashlib.blake2b(data, digest_size=8).hexdigest() == LONGER[model]


def test_a_long_adaptive_file_keeps_its_bytes():
    """900000 rows, in which the longest stretches between refreshes are met, for a small and for a large alphabet."""
    step = np.arange(900_000)
    rows = np.stack([step * step // 7 % 3, (step % 997) * (step % 991) % 100_000], axis=1)
    spec = StreamSpec((3, 100_000), [np.ones(3), np.ones(100_000)], "0" * 16)
    assert hashlib.blake2b(pack(rows, spec, model=Adaptive()), digest_size=8).hexdigest() == "73e162252cb7193b"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_table_in_the_documentation(model):
    """Field by field, with nothing of the room's own code: what docs/coding.md says is there is there."""
    data = pack(ROWS, SPEC, model=model, about={"a": 1})
    assert data[:4] == bytes([0x89]) + b"ZTK"
    assert data[4] == 1
    assert data[5] == ["static", "adaptive", "order-1"].index(model.name)
    assert data[6:14].hex() == "0123456789abcdef"
    assert data[14] == 2  # streams
    assert data[15] == len(b'{"a":1}')
    assert data[16:23] == b'{"a":1}'
    assert data[23] == 5  # rows
    words = data[24]
    symbols = np.array(ROWS, "<i4").T.tobytes()
    assert int.from_bytes(data[25:29], "little") == zlib.crc32(symbols)
    end = 29 + 4 * words
    assert data[end : end + 2] == bytes([0, 5])
    assert data[end + 2 :] == hashlib.blake2b(data[: end + 2], digest_size=8).digest()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (1 << 20, "808040"), ((1 << 63) - 1, 8 * "ff" + "7f")],
)
def test_varints(number, expected):
    """Numbers are LEB128, lowest group first."""
    assert layout.varint(number).hex() == expected


def test_names_and_numbers_of_models_are_theirs_alone():
    """The byte of a model is its place in the table, and no two models share a name."""
    assert [model.code for model in MODELS] == list(range(len(MODELS)))
    assert len({model.name for model in MODELS}) == len(MODELS)


def test_rows_of_a_chunk():
    """2**20 indices at most, whatever the number of streams, and never none."""
    assert [layout.rows_per_chunk(streams) for streams in (1, 3, 1 << 16)] == [1 << 20, 349_525, 16]
