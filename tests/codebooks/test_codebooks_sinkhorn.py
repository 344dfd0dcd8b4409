"""Sinkhorn's algorithm: its marginals, its limit, and the same prices however rows are shared out to processes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from references import transport as reference
from zador.codebooks import enlisted, sinkhorn_prices, transport_plan
from zador.errors import UsageError


def drawn(seed, count=24, size=5, dim=2, dtype=torch.float64):
    """Squared distances between vectors and codewords that lie elsewhere, and masses."""
    rng = np.random.default_rng(seed)
    x, codewords = rng.standard_normal((count, dim)), 0.5 * rng.standard_normal((size, dim)) + 1
    masses = rng.dirichlet(np.full(size, 3.0))
    costs = ((x[:, None] - codewords) ** 2).sum(-1)
    return torch.from_numpy(costs).to(dtype), torch.from_numpy(masses).to(dtype)


@given(seed=st.integers(0, 2**32 - 1), epsilon=st.floats(0.5, 10), equal=st.booleans())
@settings(max_examples=12, deadline=None)
def test_the_plan_is_that_of_the_textbook(seed, epsilon, equal):
    """Rows of sum 1, columns of sum N m_k, and every entry that of plain scaling in float64, once both have converged."""
    costs, masses = drawn(seed)
    given_masses = None if equal else masses
    masses = torch.full_like(masses, 1 / 5) if equal else masses
    plan = transport_plan(costs, sinkhorn_prices(costs, epsilon, 800, masses=given_masses), epsilon).numpy()
    np.testing.assert_allclose(plan.sum(axis=1), 1, rtol=1e-12)
    # Turns contract by tanh(spread / 4ε)² at least, and far faster in effect: 800 of them reach rounding.
    np.testing.assert_allclose(plan.sum(axis=0), 24 * masses.numpy(), rtol=1e-8)
    np.testing.assert_allclose(plan, reference.scaled(costs.numpy(), epsilon, masses.numpy(), 800), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_small_epsilon_is_the_linear_programme(seed):
    """At ε = 0.01 the plan costs what the simplex method's does, within ε H: at most ε log K a vector."""
    costs, masses = drawn(seed)
    epsilon = 0.01
    plan = transport_plan(costs, sinkhorn_prices(costs, epsilon, 20_000, masses=masses), epsilon)
    best = (reference.cheapest_plan(costs.numpy(), masses.numpy()) * costs.numpy()).sum()
    found = (plan * costs).sum().item()
    # The marginals are met to 1e-5, which is worth as much of the greatest cost of a vector.
    np.testing.assert_allclose(plan.sum(dim=0), 24 * masses, atol=1e-5)
    assert best - 1e-4 * costs.max() <= found <= best + 24 * epsilon * np.log(5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_it_computes_in_float32_or_better(dtype):
    """Costs of 16 bits give the prices of the same numbers in float32; nothing over- or underflows at costs of 10⁴ ε."""
    costs = (1000 * drawn(0)[0]).to(dtype)
    prices = sinkhorn_prices(costs, 0.3, 50)
    assert prices.dtype == torch.float32
    assert prices.equal(sinkhorn_prices(costs.float(), 0.3, 50))
    assert torch.isfinite(prices).all()
    assert torch.isfinite(transport_plan(costs, prices, 0.3)).all()


def test_codewords_that_nobody_is_near_get_their_share():
    """A codebook of which one codeword lies among the vectors and 15 far away: each gets N / 16 of them, to one."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((640, 3)))
    codewords = torch.from_numpy(rng.standard_normal((16, 3)) + 20)
    codewords[0] = 0
    costs = torch.cdist(x, codewords) ** 2
    assert torch.bincount(costs.argmin(dim=1), minlength=16)[0] == 640
    shares = torch.bincount((costs - sinkhorn_prices(costs, 0.2, 2000)).argmin(dim=1), minlength=16)
    # Entropy lets single vectors be shared out between neighbours, so that an argmax misses the share by a few.
    assert (shares - 40).abs().max() <= 8


def test_rows_that_do_not_count_change_nothing():
    """Prices are those of the valid rows alone, whatever the others cost; without any row they are 0."""
    costs, _ = drawn(1)
    valid = torch.arange(24) % 3 > 0
    spoilt = costs.where(valid[:, None], 1e6)
    prices = sinkhorn_prices(spoilt, 0.3, 30, valid=valid)
    torch.testing.assert_close(prices, sinkhorn_prices(costs[valid], 0.3, 30), rtol=1e-12, atol=1e-12)
    assert sinkhorn_prices(costs, 0.3, 30, valid=torch.zeros(24, dtype=torch.bool)).equal(torch.zeros(5).double())
    assert sinkhorn_prices(costs[:0], 0.3, 30).equal(torch.zeros(5).double())


class Threads:
    """Peers that are threads: each puts down its tensor, and takes the sum of what all have put down."""

    def __init__(self, size):
        self.size, self.slots, self.meeting = size, [None] * size, threading.Barrier(size, timeout=20)

    def run(self, jobs):
        """Return what the jobs return, each called with its own peers, all at once."""
        found = [None] * self.size

        def work(rank):
            found[rank] = jobs[rank](Threads.Peer(self, rank))

        workers = [threading.Thread(target=work, args=(rank,)) for rank in range(self.size)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return found

    class Peer:
        """One of them."""

        def __init__(self, all_of_them, rank):
            self.all, self.rank, self.size = all_of_them, rank, all_of_them.size
            self.handle = enlisted(self)

        def sum(self, x):
            self.all.slots[self.rank] = x
            self.all.meeting.wait()
            total = torch.stack(self.all.slots).sum(dim=0)
            self.all.meeting.wait()
            return total


@pytest.mark.parametrize("cut", [0, 1, 12])
def test_columns_are_those_of_all_processes(cut):
    """Two processes with parts of the rows, one part even empty, get the same bits: the prices of one that has them all."""
    costs, masses = drawn(2)
    parts = [costs[:cut], costs[cut:]]
    jobs = [lambda peers, part=part: sinkhorn_prices(part, 0.3, 40, masses=masses, peers=peers) for part in parts]
    one, other = Threads(2).run(jobs)
    assert one.equal(other)
    # Each turn rounds a few times, and no turn adds to the errors of another.
    torch.testing.assert_close(one, sinkhorn_prices(costs, 0.3, 40, masses=masses), rtol=0, atol=1e-13)


def test_what_makes_no_plan_is_refused():
    """No turn, or an entropy that is not positive."""
    with pytest.raises(UsageError, match="iterations"):
        sinkhorn_prices(drawn(0)[0], 0.1, 0)
    with pytest.raises(UsageError, match="epsilon"):
        sinkhorn_prices(drawn(0)[0], 0.0, 5)
