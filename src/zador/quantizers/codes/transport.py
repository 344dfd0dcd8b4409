"""The code that shares out: in training every codeword gets as many vectors as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.codebooks import Peers, sinkhorn_prices
from zador.errors import UsageError
from zador.quantizers.codes.base import context_of
from zador.quantizers.codes.tabled import TabledCode
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

    from zador.quantizers.codes.base import Table, Watch

__all__ = ["TransportCode", "squared_distances"]

# A batch whose distances are all alike has no scale; any will do.
_LEAST = 1e-30


class TransportCode(TabledCode):
    """In training `i_n = argmax_k P_nk`, P the optimal transport plan from vectors to codewords [zhang2024preventing].

    P costs `||x_n - c_k||²` and gives each codeword an equal share of the vectors of all processes: none is left out,
    however far away it lies. Written with the prices of the codewords, `i_n = argmin_k ||x_n - c_k||² - g_k`. In
    evaluation, and wherever no network trains, the nearest codeword is chosen: what a vector becomes then depends on no
    other vector. A training pass holds N × K numbers.

    Args:
        table: whose codewords are chosen.
        epsilon: ε of the plan, in standard deviations of the costs.
        iterations: turns of the solver.
        cosine: as in `TabledCode`.

    Raises:
        UsageError: ε is not positive, or there is no turn.
    """

    def __init__(self, table: Table, *, epsilon: float = 0.1, iterations: int = 10, cosine: bool = False) -> None:
        super().__init__(table, cosine=cosine)
        if not epsilon > 0:
            raise UsageError(f"epsilon: expected a positive number of standard deviations, got {epsilon}")
        self.epsilon, self.iterations = float(epsilon), as_count(iterations, "iterations")

    def choose(
        self, x: Tensor, codewords: Tensor, valid: Tensor | None, watch: Watch | None, *, exact: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the codewords that the plan gives most of each vector to, or the nearest ones."""
        here = context_of(watch)
        if here is None or not self.training:
            return super().choose(x, codewords, valid, watch, exact=exact)
        costs = squared_distances(x, codewords)
        epsilon = self.epsilon * _deviation(costs, valid, here.peers).clamp(min=_LEAST)
        prices = sinkhorn_prices(costs, epsilon, self.iterations, valid=valid, peers=here.peers)
        indices = (costs - prices).argmin(dim=1)
        return indices, ((x - codewords[indices]) ** 2).sum(dim=1)


def squared_distances(x: Tensor, codewords: Tensor) -> Tensor:
    """Return `||x_n - c_k||²` (N, K), from products of vectors around the mean codeword: to rounding of those."""
    wide = torch.promote_types(x.dtype, codewords.dtype)
    centre = codewords.mean(dim=0).to(wide)
    x, table = x.to(wide) - centre, codewords.to(wide) - centre
    own = (table**2).sum(dim=1)
    return torch.addmm(own, x, table.T, alpha=-2.0).add((x**2).sum(dim=1, keepdim=True)).clamp(min=0)


def _deviation(costs: Tensor, valid: Tensor | None, peers: Peers) -> Tensor:
    """Return the standard deviation of the costs (N, K) of valid rows of all processes, 0-d."""
    rows = costs.new_ones(len(costs)) if valid is None else valid.to(costs.dtype)
    number = (peers.sum(rows.sum()) * costs.shape[1]).clamp(min=1)
    mean = peers.sum((rows @ costs).sum()) / number
    return (peers.sum((rows @ (costs - mean) ** 2).sum()) / number).sqrt()
