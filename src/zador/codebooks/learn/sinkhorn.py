"""Optimal transport between vectors and codewords: how to choose codewords so that each gets its share of the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.codebooks.learn.peers import ALONE, Peers
from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["sinkhorn_prices", "transport_plan"]


def sinkhorn_prices(
    costs: Tensor,
    epsilon: Tensor | float,
    iterations: int,
    *,
    masses: Tensor | None = None,
    valid: Tensor | None = None,
    peers: Peers = ALONE,
) -> Tensor:
    """Return prices g (K,) for which the plan `P_nk = exp((f_n + g_k - C_nk) / ε)` has the column sums `Σ_n P_nk = N m_k`.

    The plan of least `Σ P C - ε H(P)` whose rows sum to 1 and whose columns sum to N m_k, by turns over rows and columns, in
    the log domain [cuturi2013sinkhorn]. After the last turn columns are exact and rows nearly; `transport_plan` makes the
    rows exact. For ε to 0 it is the cheapest plan, and `argmin_k C_nk - g_k` assigns vectors so that codeword k gets
    its N m_k: a codeword that too many want becomes dear. Prices have mean 0. The costs are N × K numbers, and there is no
    way around them. Rows are those of one process, columns of all.

    Args:
        costs: C (N, K), finite; computed with in float32 or better.
        epsilon: ε > 0, in units of the costs: by how much a vector may miss its best codeword as a matter of course.
        iterations: turns; the smaller ε, the more are needed.
        masses: m (K,), positive, of sum 1; equal if None.
        valid: (N,) booleans, which rows count; None for all.
        peers: the processes that share the columns.

    Raises:
        UsageError: ε is not positive, or there is no turn.

    >>> costs = torch.tensor([[0.0, 9.0], [1.0, 9.0], [2.0, 9.0], [3.0, 9.0]])
    >>> prices = sinkhorn_prices(costs, epsilon=0.1, iterations=50)
    >>> (costs - prices).argmin(dim=1).tolist()
    [0, 0, 1, 1]
    """
    as_count(iterations, "iterations")
    if not isinstance(epsilon, torch.Tensor) and not epsilon > 0:
        raise UsageError(f"epsilon: expected a positive number in units of the costs, got {epsilon}")
    # Only differences within a row matter; small numbers keep their digits.
    scores = -_wide(costs - costs.amin(dim=1, keepdim=True)) / epsilon
    size = costs.shape[1]
    share = scores.new_full((size,), 1.0 / size) if masses is None else masses.to(scores.dtype)
    rows = scores.new_ones(len(scores)) if valid is None else valid.to(scores.dtype)
    wanted = (share * peers.sum(rows.sum())).log()
    left_out = None if valid is None else ~valid[:, None]
    prices = torch.zeros_like(wanted)
    for _ in range(iterations):
        columns = scores - torch.logsumexp(scores + prices, dim=1, keepdim=True)
        columns = columns if left_out is None else columns.masked_fill(left_out, -torch.inf)
        prices = wanted - _log_sum(torch.logsumexp(columns, dim=0), peers)
    # Without a vector anywhere nothing is wanted, -inf, and nothing is there to give.
    prices = torch.where(torch.isfinite(prices), prices, 0.0)
    return (prices - prices.mean()) * epsilon


def transport_plan(costs: Tensor, prices: Tensor, epsilon: Tensor | float) -> Tensor:
    """Return `P_nk = exp((g_k - C_nk) / ε) / Σ_j exp((g_j - C_nj) / ε)`, (N, K): how each vector is shared out.

    Args:
        costs: C (N, K).
        prices: g (K,), from `sinkhorn_prices`.
        epsilon: ε > 0.
    """
    return torch.softmax(_wide(prices - costs) / epsilon, dim=1)


def _log_sum(columns: Tensor, peers: Peers) -> Tensor:
    """Return `log Σ exp` over all processes of (K,) logarithms; a sum of rows of which each process fills in its own."""
    if peers.size == 1:
        return columns
    rows = torch.arange(peers.size, device=columns.device)[:, None] == peers.rank
    return torch.logsumexp(peers.sum(torch.where(rows, columns, 0.0)), dim=0)


def _wide(x: Tensor) -> Tensor:
    return x.detach().to(torch.promote_types(x.dtype, torch.float32))
