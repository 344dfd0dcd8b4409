"""Entropy models: what is written is what independent, slower versions of them say, decoded by an independent decoder."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from references import index_models
from references.range_coder import RangeDecoder
from zador.coding import Adaptive, OrderOne, Static, range_coder
from zador.coding.models import order_one
from zador.coding.models.adaptive import OrderZero
from zador.coding.streams import StreamSpec
from zador.coding.transcoder import Transcoder

REFERENCES = {Static(): index_models.static, Adaptive(): index_models.adaptive, OrderOne(): index_models.order_one}


def spec(*usage):
    return StreamSpec(tuple(map(len, usage)), tuple(np.array(row, float) for row in usage), "0" * 16)


def words(symbols, usage, model):
    """What the room's own coder writes for one stream."""
    encoder = range_coder.encoder()
    (coder,) = model.coders(spec(usage))
    coder.encode(encoder, np.asarray(symbols, np.int32))
    return encoder.get_compressed().tolist()


def markov(size, count, seed, stay=0.6):
    rng = np.random.default_rng(seed)
    symbols = rng.integers(0, size, count)
    for i in np.flatnonzero(rng.random(count - 1) < stay) + 1:
        symbols[i] = (symbols[i - 1] * 5 + 1) % size
    return symbols


@pytest.mark.parametrize("model", REFERENCES, ids=lambda model: model.name)
@pytest.mark.parametrize("size", [2, 3, 40, 700])
def test_an_independent_decoder_reads_what_is_written(model, size):
    """Tables from the reference model, through a range coder in plain integers, give back every symbol."""
    usage = np.floor(np.random.default_rng(size).gamma(0.3, 30.0, size))
    symbols = markov(size, 1500, seed=size).tolist()
    decoder = RangeDecoder(words(symbols, usage, model))
    for table, symbol in REFERENCES[model](symbols, usage.tolist()):
        assert decoder.decode(table) == symbol


def test_order_one_that_remembers_no_more_pairs(monkeypatch):
    """When its memory is full, OrderOne keeps what it has: the reference does the same and decodes it."""
    monkeypatch.setattr(order_one, "_MOST_PAIRS", 50)
    symbols, usage = markov(20, 2000, seed=1).tolist(), [0.0] * 20
    decoder = RangeDecoder(words(symbols, usage, OrderOne()))
    for table, symbol in index_models.order_one(symbols, usage, most_pairs=50):
        assert decoder.decode(table) == symbol


def test_order_one_has_one_memory_for_all_streams(monkeypatch):
    """Two streams together remember as many pairs as are allowed, and no contexts beyond those."""
    monkeypatch.setattr(order_one, "_MOST_PAIRS", 50)
    transcoder = Transcoder(spec(np.ones(400), np.ones(400)), OrderOne())
    transcoder.encode(np.random.default_rng(0).integers(0, 400, (2, 40), np.int32))
    transcoder.encode(np.random.default_rng(1).integers(0, 400, (2, 40), np.int32))
    contexts = [context for coder in transcoder._coders for context in coder._contexts.values()]
    assert sum(len(context.followers) - 1 for context in contexts) == 50
    assert len(contexts) <= 50


@pytest.mark.parametrize("model", REFERENCES, ids=lambda model: model.name)
@pytest.mark.parametrize(("size", "count"), [(2, 3000), (17, 4000), (300, 6000)])
def test_the_range_coder_spends_the_ideal_length(model, size, count):
    """The payload is the ideal code length of the reference, up to a hundredth of a per cent and the final words."""
    usage = np.random.default_rng(size).gamma(1.0, 30.0, size)
    symbols = markov(size, count, seed=count).tolist()
    ideal = index_models.ideal_bits(REFERENCES[model](symbols, usage.tolist()))
    assert ideal - 32 <= 32 * len(words(symbols, usage, model)) <= 1.0001 * ideal + 64


@given(
    weights=st.lists(st.floats(0, 1e12), min_size=2, max_size=60).filter(any),
    half=st.sampled_from([0.0, 0.5]),
)
def test_frequencies_are_whole_positive_and_complete(weights, half):
    """They sum to 2**24, none is below 1, and those whose share is no less than a unit are off by one unit at most."""
    weights = np.array(weights) + half
    total = math.fsum(weights)
    found = range_coder.frequencies(weights, total)
    assert found.tolist() == index_models.frequencies(weights.tolist(), total)
    assert (found == np.floor(found)).all()
    assert found.min() >= 1
    assert found.sum() == range_coder.TOTAL
    exact = weights / total * range_coder.TOTAL
    assert (found - np.maximum(exact, 1)).max() <= 1 + 1e-3
    if exact.min() >= 1:
        assert abs(found - exact).max() <= 1 + 1e-3


def test_frequencies_row_by_row():
    """A matrix of weights gives, row by row, what each row gives by itself."""
    weights = np.random.default_rng(0).integers(0, 9, (5, 30)) + 0.5
    together = range_coder.frequencies(weights, weights.sum(axis=1, keepdims=True))
    for row, expected in zip(weights, together, strict=True):
        np.testing.assert_array_equal(range_coder.frequencies(row, row.sum()), expected)


@pytest.mark.parametrize("build", [range_coder.table, range_coder.whole_number_table], ids=["exact", "whole"])
@pytest.mark.parametrize("size", [2, 5, 1000])
def test_constriction_uses_exactly_these_frequencies(build, size):
    """One symbol leaves the coder in the state that the documented frequencies lead to."""
    weights = np.floor(np.random.default_rng(size).gamma(0.3, 1000.0, size)) + 1
    if build is range_coder.table:
        expected = range_coder.frequencies(weights, weights.sum())
        model = build(expected)
    else:
        expected = np.array(index_models.small_table(weights.tolist()), float)
        model = build(weights)
    for symbol in range(0, size, max(1, size // 50)):
        encoder = range_coder.encoder()
        encoder.encode(symbol, model)
        step = (2**64 - 1) >> 24
        lower, width = step * int(expected[:symbol].sum()), step * int(expected[symbol])
        if width < 2**32:
            lower, width = lower * 2**32 % 2**64, width * 2**32
        assert encoder.pos()[1] == (lower, width)


@pytest.mark.parametrize("usage", [[0.0] * 64, [1e6] + [0.0] * 63, list(range(64))])
def test_the_adaptive_prior_is_never_far_from_even(usage):
    """It weighs K/2 in all and at least 1/4 for each index: no index costs a bit more than with Krichevsky-Trofimov."""
    prior = OrderZero(np.array(usage, float))._prior
    assert prior.sum() == pytest.approx(32)
    assert prior.min() >= 0.25


def coded(symbols, usage, model):
    return 32 * len(words(symbols, usage, model)) / len(symbols)


def test_adaptive_learns_what_training_did_not_know():
    """On a source unlike training, Adaptive ends within 1 % of its entropy while Static pays for the mismatch."""
    rng = np.random.default_rng(0)
    p = 1 / np.arange(1, 257)
    p /= p.sum()
    symbols = rng.choice(256, 200_000, p=p)
    counts = np.bincount(symbols, minlength=256)
    entropy = -float(counts @ np.log2(np.maximum(counts, 1) / len(symbols))) / len(symbols)
    backwards = 1000 * p[::-1]
    assert coded(symbols, backwards, Adaptive()) < 1.01 * entropy
    assert coded(symbols, backwards, Static()) > 1.5 * entropy


def test_adaptive_starts_from_training():
    """A short file of data like those of training costs less than without that knowledge, by over 0.3 bits an index."""
    rng = np.random.default_rng(0)
    p = 1 / np.arange(1, 1025)
    p /= p.sum()
    symbols = rng.choice(1024, 1000, p=p)
    assert coded(symbols, 1e5 * p, Adaptive()) < coded(symbols, np.zeros(1024), Adaptive()) - 0.3


def test_order_one_reaches_the_conditional_entropy():
    """A chain that moves on to one of 4 followers costs their entropy, and each follower once its name and its count."""
    rng = np.random.default_rng(0)
    p = np.array([0.6, 0.25, 0.1, 0.05])
    followers = np.array([rng.permutation(64)[:4] for _ in range(64)])
    symbols = [0]
    for choice in rng.choice(4, 50_000, p=p):
        symbols.append(int(followers[symbols[-1], choice]))
    conditional = -float(p @ np.log2(p))
    learning = 64 * 4 * (math.log2(64) + math.log2(50_000 / 64)) / 50_000
    deviation = 4 * math.sqrt(p @ np.log2(p) ** 2 - conditional**2) / math.sqrt(50_000)
    assert coded(symbols, np.zeros(64), OrderOne()) < conditional + learning + deviation
    assert coded(symbols, np.zeros(64), Adaptive()) > 3 * conditional


def test_order_one_costs_little_where_order_says_nothing():
    """On independent indices it stays within 10 % of Adaptive."""
    p = 1 / np.arange(1, 257)
    symbols = np.random.default_rng(0).choice(256, 20_000, p=p / p.sum())
    usage = 1e4 * p
    assert coded(symbols, usage, OrderOne()) < 1.1 * coded(symbols, usage, Adaptive())


def test_streams_keep_to_themselves():
    """Two equal streams of one chunk cost twice what one costs: no stream sees the counts of another."""
    symbols = markov(50, 5000, seed=3).astype(np.int32)
    usage = np.ones(50)
    for model in REFERENCES:
        one = Transcoder(spec(usage), model).encode(symbols[None])
        two = Transcoder(spec(usage, usage), model).encode(np.stack([symbols, symbols]))
        assert abs(len(two) - 2 * len(one)) <= 16
