"""Memory of a training step, counted allocation by allocation: one copy of the vectors forward, no table of N × K."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from zador.codebooks import Ema, Gradient
from zador.layers import rvq, vq

N, D, K = 65536, 64, 1024
VECTORS = N * D * 4
START = np.random.default_rng(0).standard_normal((K, D)).astype(np.float32)
PLAIN = {
    "ema": lambda: vq(D, K, learner=Ema(start=START)),
    "gradient": lambda: vq(D, K, learner=Gradient(start=START)),
}
OTHERS = {
    "heads": lambda: vq(D, K, heads=2, learner=Ema(start=START[:, :32])),
    "projected": lambda: vq(D, K, codebook_dim=32, learner=Ema(start=START[:, :32])),
    "cosine": lambda: vq(D, K, cosine=True, learner=Ema(start=START)),
    "residual-2": lambda: rvq(D, K, 2, learner=Ema(start=START)),
    "residual-5": lambda: rvq(D, K, 5, learner=Ema(start=START)),
}


class Held(NamedTuple):
    """Bytes above those at the start: the most at a time, the largest piece (torch's), and the most of NumPy's."""

    most: int
    largest: int
    of_numpy: int


def held_by(action):
    """Return what `action` returns, and what it held."""
    tracemalloc.start()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        result = action()
    _, of_numpy = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    events = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return result, Held(max(itertools.accumulate(changes)), max(changes), of_numpy)


def step(make):
    """Return what a forward and a backward pass of a layer that has started hold."""
    layer, x = make(), torch.randn(N, D, generator=torch.Generator().manual_seed(0)).requires_grad_()
    layer(x)
    from_above = [torch.ones(N, D), torch.ones(())]
    out, forward = held_by(lambda: layer(x))
    _, backward = held_by(lambda: torch.autograd.backward([out.quantized, out.loss], from_above))
    return forward, backward


@pytest.mark.parametrize("name", PLAIN)
def test_a_training_step_holds_one_copy_of_the_vectors(name):
    """Forward at most 1.3 N·d beside the input, what it returns included; backward the gradient of x, and little more."""
    forward, backward = step(PLAIN[name])
    assert forward.most + forward.of_numpy <= 1.3 * VECTORS
    assert backward.most + backward.of_numpy <= 1.1 * VECTORS


@pytest.mark.long
@pytest.mark.parametrize("name", OTHERS)
def test_no_layer_holds_a_table_of_distances(name):
    """No piece is larger than the vectors (N·K is 16 times that), all together a few, however many stages."""
    forward, backward = step(OTHERS[name])
    assert max(forward.largest, backward.largest) <= 1.01 * VECTORS
    assert max(forward.most, backward.most) <= 6.5 * VECTORS
    assert max(forward.of_numpy, backward.of_numpy) <= 0.3 * VECTORS
