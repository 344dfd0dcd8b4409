"""Real bits: a file is as long as its entropy model says, and hardly longer."""

from __future__ import annotations

import io

import numpy as np
import pytest

from zador.coding import Adaptive, OrderOne, Static, StreamSpec, coded_bits, layout, pack
from zador.metrics import cross_entropy_bits

NAME = "00000000000000a1"


def payload_bits(data):
    """The bits of all payloads of a file, and how many chunks hold them."""
    frame = layout.scan(io.BytesIO(data), "data")
    cursor = layout.Cursor(io.BytesIO(data), "data", frame.start, len(data) - 8)
    total = chunks = 0
    for chunk in layout.chunks(cursor, frame.streams):
        cursor.skip(chunk.size)
        total, chunks = total + 8 * chunk.size, chunks + 1
    return total, chunks


def laws(rng, size):
    """Distributions over an alphabet: even, Zipf, random, all but one index dead."""
    zipf = 1 / np.arange(1, size + 1)
    sharp = np.full(size, 1e-4 / size)
    sharp[size // 2] = 1
    return [law / law.sum() for law in (np.ones(size), zipf, rng.gamma(0.3, 1, size) + 1e-12, sharp)]


def counts(indices, size):
    return np.bincount(indices, minlength=size)


@pytest.mark.parametrize("trained_on", [0, 1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("size", [2, 3, 16, 1000, 4096])
def test_a_payload_is_the_cross_entropy(size, trained_on):
    """Payload <= 1.01 x cross-entropy + 64 bits a stream, for 1 to 200000 rows of four laws, whatever training saw."""
    rng = np.random.default_rng(size)
    for count in (1, 10, 1000, 200_000):
        columns, usage = [], []
        for law in laws(rng, size):
            columns.append(rng.choice(size, count, p=law))
            usage.append(np.floor(law * trained_on))
        spec = StreamSpec([size] * 4, usage, NAME)
        bits, chunks = payload_bits(pack(np.stack(columns, axis=1), spec))
        assert chunks == 1
        ideal = sum(
            count * cross_entropy_bits(counts(column, size), row + 0.5, pseudocount=0.0)
            for column, row in zip(columns, usage, strict=True)
        )
        assert bits <= 1.01 * ideal + 64 * 4


@pytest.mark.parametrize("size", [2, 1000, 4096, 1 << 16, 1 << 20])
def test_a_collapsed_codebook_costs_next_to_nothing(size):
    """One index of K alone, as in training: 1 % above the ideal even there, where 24 bits of precision show."""
    count = 100_000
    usage = np.zeros(size)
    usage[size - 1] = 4e6
    bits, chunks = payload_bits(pack(np.full((count, 1), size - 1), StreamSpec((size,), [usage], NAME)))
    assert bits <= 1.01 * count * cross_entropy_bits(usage, usage) + 64 * chunks


@pytest.mark.parametrize("law", range(4))
@pytest.mark.parametrize("trained_on", [4e6, 1e8])
def test_large_alphabets_over_several_chunks(law, trained_on):
    """K = 2**18: 1 % above the cross-entropy and 64 bits a chunk; where probabilities fall below 2**-24, K/2**24 more."""
    size, count = 1 << 18, 1_200_000
    rng = np.random.default_rng(0)
    p = laws(rng, size)[law]
    indices, usage = rng.choice(size, count, p=p), np.floor(p * trained_on)
    bits, chunks = payload_bits(pack(indices[:, None], StreamSpec((size,), [usage], NAME)))
    assert chunks == 2
    floor = -count * np.log2(1 - size / 2**24) if (usage + 0.5).min() / usage.sum() < 2**-24 else 0
    assert bits <= 1.01 * count * cross_entropy_bits(counts(indices, size), usage) + 64 * chunks + floor


@pytest.mark.parametrize("model", [Static(), Adaptive(), OrderOne()], ids=lambda model: model.name)
def test_everything_around_the_payload_is_about_35_bytes(model):
    """Head, framing and checksum of a file of one chunk take 40 bytes at most; an empty file has 26."""
    spec = StreamSpec((256, 256), [np.ones(256)] * 2, NAME)
    for count in (1, 1000, 100_000):
        indices = np.random.default_rng(0).integers(0, 256, (count, 2))
        data = pack(indices, spec, model=model)
        assert len(data) - payload_bits(data)[0] // 8 <= 40
        assert coded_bits(indices, spec, model=model) == 8 * len(data)
    assert len(pack(np.empty((0, 2), int), spec, model=model)) == 26


@pytest.mark.parametrize("model", [Static(), Adaptive(), OrderOne()], ids=lambda model: model.name)
def test_a_stream_of_one_symbol_costs_nothing(model):
    """Alone it has an empty payload; beside others it adds not a bit."""
    assert payload_bits(pack(np.zeros((5000, 1), int), StreamSpec((1,), [[7]], NAME), model=model))[0] == 0
    other = np.random.default_rng(0).integers(0, 9, 5000)
    alone = pack(other[:, None], StreamSpec((9,), [np.ones(9)], NAME), model=model)
    beside = pack(
        np.stack([0 * other, other, 0 * other], axis=1), StreamSpec((1, 9, 1), [[7], np.ones(9), [0]], NAME), model=model
    )
    assert payload_bits(beside) == payload_bits(alone)


@pytest.mark.parametrize("model", [Adaptive(), OrderOne()], ids=lambda model: model.name)
def test_learning_models_stay_near_the_empirical_entropy(model):
    """Without any training usage, K = 64: entropy + K/2 log2 N bits (+ 12 % for order 1, on independent indices)."""
    rng = np.random.default_rng(0)
    for law in laws(rng, 64)[:3]:
        indices = rng.choice(64, 100_000, p=law)
        used = counts(indices, 64)
        entropy = len(indices) * cross_entropy_bits(used, used, pseudocount=0.0)
        bits, _ = payload_bits(pack(indices[:, None], StreamSpec((64,), [np.zeros(64)], NAME), model=model))
        assert bits <= entropy * (1.12 if model == OrderOne() else 1.0) + 32 * np.log2(len(indices)) + 64
