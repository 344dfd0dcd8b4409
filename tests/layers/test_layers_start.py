"""How a table starts: from enough vectors, once, reproducibly, and never from what is masked."""

from __future__ import annotations

import copy

import numpy as np
import torch

from zador.codebooks import Ema
from zador.layers.table import LearnedTable

K, D = 8, 3


class Recorder:
    """An initialiser that keeps what it was shown and takes the first K vectors."""

    def __init__(self):
        self.shown = []

    def __call__(self, x, codebook_size, rng):
        self.shown.append((x.copy(), rng.integers(1 << 30)))
        return x[:codebook_size]


def table(initialiser, seed=0):
    return LearnedTable(K, D, Ema(start=initialiser, seed=seed))


def vectors(count, seed=0):
    return torch.randn(count, D, generator=torch.Generator().manual_seed(seed))


def test_a_first_batch_of_eight_a_codeword_is_enough():
    """The initialiser sees that batch, once; a second batch changes nothing."""
    recorder = Recorder()
    fresh, x = table(recorder), vectors(8 * K)
    fresh.start(x, None)
    assert fresh.started
    assert fresh.codewords.equal(x[:K])
    fresh.start(vectors(100, seed=1), None)
    assert [len(shown) for shown, _ in recorder.shown] == [8 * K]
    assert fresh.codewords.equal(x[:K])


def test_small_batches_are_gathered():
    """Until there are enough, codewords lie on vectors seen so far; then the initialiser sees all of them, in order."""
    recorder = Recorder()
    fresh, batches = table(recorder), [vectors(20, seed=seed) for seed in range(4)]
    for batch in batches[:3]:
        fresh.start(batch, None)
        assert not fresh.started
        seen = torch.cat(batches)
        assert all((codeword == seen).all(dim=1).any() for codeword in fresh.codewords)
        assert len(torch.unique(fresh.codewords, dim=0)) == K
    fresh.start(batches[3], None)
    assert fresh.started
    np.testing.assert_array_equal(recorder.shown[0][0], torch.cat(batches))


def test_masked_vectors_are_not_seen():
    """Only what counts is gathered; with nothing that counts, nothing happens."""
    recorder = Recorder()
    fresh, x = table(recorder), vectors(16 * K)
    before = fresh.codewords.clone()
    fresh.start(x, torch.zeros(16 * K, dtype=torch.bool))
    assert fresh.codewords.equal(before)
    valid = torch.arange(16 * K) % 2 == 0
    fresh.start(x, valid)
    np.testing.assert_array_equal(recorder.shown[0][0], x[valid])


def test_vectors_that_are_all_alike_are_waited_for_no_longer_than_others_fill_the_memory():
    """Fewer than K distinct vectors: after 64 K of them the initialiser takes what there is."""
    recorder = Recorder()
    fresh = table(recorder)
    for _ in range(10):
        assert not fresh.started
        fresh.start(torch.ones(50, D), None)
    fresh.start(torch.ones(50, D), None)
    assert fresh.started
    assert [len(shown) for shown, _ in recorder.shown] == [64 * K]
    assert fresh._start._pool == []


def test_the_seed_decides():
    """Same seed, same draws of the initialiser; another seed, others."""
    draws = []
    for seed in (3, 3, 4):
        recorder = Recorder()
        table(recorder, seed).start(vectors(8 * K), None)
        draws.append(recorder.shown[0][1])
    assert draws[0] == draws[1] != draws[2]


def test_a_copy_gathers_for_itself():
    """What one table has gathered is no part of its copy."""
    recorder = Recorder()
    one = table(recorder)
    one.start(vectors(40), None)
    other = copy.deepcopy(one)
    other.start(vectors(40, seed=1), None)
    assert not other.started
    one.start(vectors(40, seed=2), None)
    assert one.started
