"""Random numbers from a key: repeatable, independent of anything global, uniform."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from zador.errors import UsageError
from zador.noise import new_key, uniform


def test_the_same_key_gives_the_same_numbers_whatever_happened_in_between():
    """Neither the global generator nor other draws change what a key gives."""
    key = new_key(3)
    before = uniform(key, [100])
    torch.manual_seed(0)
    torch.rand(7)
    uniform(new_key(4), [5])
    assert uniform(key, [100]).equal(before)


def test_drawing_leaves_the_global_generator_alone():
    """The state of torch's own generator is the same before and after."""
    state = torch.get_rng_state()
    uniform(new_key(3), [100])
    assert torch.get_rng_state().equal(state)


def test_numbers_are_uniform_and_successive_counters_unrelated():
    """4,000 numbers, a tenth from each of ten counters and the next seeds: Kolmogorov-Smirnov and correlation at 1e-4."""
    draws = torch.stack([uniform(new_key(seed) + torch.tensor([0, seed % 3]), [400]) for seed in range(10)]).double()
    assert stats.kstest(draws.ravel().numpy(), "uniform").pvalue > 1e-4
    between = torch.corrcoef(draws)[0, 1:]
    assert between.abs().max() < 4.4 / 400**0.5  # 9 correlations of 400 pairs each, at 1e-4


def test_compiled_draws_are_those_of_eager():
    """Inside torch.compile, without a graph break, the same key gives the same numbers."""
    key = new_key(5)
    compiled = torch.compile(lambda x, key: x + uniform(key, [len(x)]), fullgraph=True, backend="aot_eager")
    assert compiled(torch.zeros(9), key).equal(uniform(key, [9]))


def test_the_operator_keeps_torchs_contract():
    """`opcheck` passes: schema, shapes of the fake version, tracing."""
    torch.library.opcheck(torch.ops.zador.uniform, (new_key(1), [4, 3]))


def test_a_seed_is_a_whole_number():
    """None, negative and fractional seeds are refused."""
    for seed in (None, -1, 0.5):
        with pytest.raises(UsageError, match="seed"):
            new_key(seed)
