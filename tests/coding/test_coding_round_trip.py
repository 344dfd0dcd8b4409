"""What is packed comes back, in whatever pieces, for every model and every shape of streams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zador.coding import Adaptive, OrderOne, Static, StreamSpec, TokenReader, TokenWriter, coded_bits, layout, pack, unpack

MODELS = [Static(), Adaptive(), OrderOne()]
NAME = "0123456789abcdef"


@st.composite
def cases(draw):
    """Streams with any usage, indices that use them in any way, and cuts into pieces."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 17, 300]), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 300))
    power = draw(st.sampled_from([0.0, 1.0, 30.0]))  # even, skewed, all but constant
    indices = np.stack([(k * rng.random(count) ** (1 + power)).astype(int) for k in sizes], axis=1)
    scale = draw(st.sampled_from([0.0, 1.0, 1e9]))
    usage = [np.floor(scale * rng.random(k) ** 4) for k in sizes]
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=4)))
    return StreamSpec(sizes, usage, NAME), indices, np.split(indices, cuts)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("chunk", [1 << 20, 64], ids=["one-chunk", "many-chunks"])
@settings(max_examples=60)
@given(case=cases())
def test_round_trip_in_any_pieces(model, chunk, tmp_path_factory, case):
    """The file is the same however the rows arrive, holds what went in, and says so before decoding."""
    spec, indices, pieces = case
    path = tmp_path_factory.mktemp("tokens") / "file"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "_CHUNK_INDICES", chunk)
        data = pack(indices, spec, model=model, about={"n": 1})
        with TokenWriter(path, spec, model=model, about={"n": 1}) as writer:
            for piece in pieces:
                writer.append(piece)
        assert path.read_bytes() == data
        reader = TokenReader(path)
        found = reader.read(spec)
        np.testing.assert_array_equal(unpack(data, spec), found)
        assert coded_bits(indices, spec, model=model) == 8 * len(pack(indices, spec, model=model))
    np.testing.assert_array_equal(found, indices)
    assert (found.dtype, found.shape) == (np.int64, indices.shape)
    assert (reader.count, reader.streams) == indices.shape == (writer.count, len(spec.sizes))
    assert (reader.model, reader.fingerprint, reader.about) == (model.name, NAME, {"n": 1})
    assert reader.file_bytes == len(data) == writer.file_bytes


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_file_of_several_real_chunks(model):
    """Beyond 2**20 indices a model carries on where it stood; pieces that come out have at most 65536 rows."""
    rng = np.random.default_rng(0)
    indices = rng.choice(5, (2**19 + 70_000, 2), p=[0.9, 0.05, 0.03, 0.01, 0.01])
    spec = StreamSpec((5, 5), [[90, 5, 3, 1, 1]] * 2, NAME)
    np.testing.assert_array_equal(unpack(pack(indices, spec, model=model), spec), indices)


def test_pieces_of_reading_are_bounded(tmp_path):
    """The reader hands out at most 65536 rows at a time, in order, and can start again."""
    indices = np.random.default_rng(0).integers(0, 7, (150_000, 1))
    spec = StreamSpec((7,), [np.ones(7)], NAME)
    (tmp_path / "file").write_bytes(pack(indices, spec))
    reader = TokenReader(tmp_path / "file")
    for _ in range(2):
        pieces = list(reader.chunks(spec))
        assert [len(piece) for piece in pieces] == [65536, 65536, 150_000 - 2 * 65536]
        np.testing.assert_array_equal(np.concatenate(pieces), indices)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_largest_alphabet(model):
    """2**20 codewords: first and last index, and others."""
    size = 1 << 20
    indices = np.append(np.random.default_rng(0).integers(0, size, 2000), [0, size - 1, size - 1])[:, None]
    spec = StreamSpec((size,), [np.zeros(size)], NAME)
    np.testing.assert_array_equal(unpack(pack(indices, spec, model=model), spec), indices)


def test_very_many_streams():
    """5000 streams of two symbols; a chunk holds 209 rows of them."""
    indices = np.random.default_rng(0).integers(0, 2, (300, 5000))
    spec = StreamSpec([2] * 5000, [np.ones(2)] * 5000, NAME)
    data = pack(indices, spec)
    np.testing.assert_array_equal(unpack(data, spec), indices)
    assert 8 * len(data) <= indices.size + 64 + 8 * 50


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint64])
def test_any_integer_type(dtype):
    """Indices of every integer type give the bytes that int64 gives."""
    indices = np.random.default_rng(0).integers(0, 100, (50, 2))
    spec = StreamSpec((100, 100), [np.ones(100)] * 2, NAME)
    assert pack(indices.astype(dtype), spec) == pack(indices, spec)


def test_tensors_lists_and_views():
    """Tensors, nested lists and arrays that are not contiguous give the same bytes."""
    indices = np.random.default_rng(0).integers(0, 100, (50, 2))
    spec = StreamSpec((100, 100), [np.ones(100)] * 2, NAME)
    expected = pack(indices, spec)
    for same in (torch.from_numpy(indices), indices.tolist(), np.asfortranarray(indices), indices[::-1][::-1]):
        assert pack(same, spec) == expected


def test_any_object_with_the_three_attributes():
    """What a quantizer is does not matter, as long as it has sizes, usage and fingerprint."""

    class Quantizer:
        sizes = (3,)
        usage = (np.array([5.0, 1.0, 1.0]),)
        fingerprint = NAME

    indices = np.array([[0], [0], [2]])
    assert pack(indices, Quantizer()) == pack(indices, StreamSpec((3,), [[5, 1, 1]], NAME))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_usage_that_goes_on_changing(model, tmp_path):
    """A layer may go on counting into its usage: neither a writer nor a reader that was made before notices."""
    usage = np.array([5.0, 1.0, 1.0])
    spec, indices = StreamSpec((3,), [usage], NAME), np.random.default_rng(0).integers(0, 3, (500, 1))
    expected = pack(indices, spec, model=model)
    writer = TokenWriter(tmp_path / "file", spec, model=model)
    usage += [0, 50, 0]
    with writer:
        writer.append(indices)
    assert (tmp_path / "file").read_bytes() == expected
    usage -= [0, 50, 0]
    chunks = TokenReader(tmp_path / "file").chunks(spec)
    usage += [0, 50, 0]
    np.testing.assert_array_equal(next(chunks), indices)


def test_bytes_of_any_kind():
    """`unpack` reads bytes, bytearray and memoryview."""
    spec = StreamSpec((3,), [np.ones(3)], NAME)
    data = pack([[2], [1]], spec)
    for same in (data, bytearray(data), memoryview(data)):
        assert unpack(same, spec).tolist() == [[2], [1]]
