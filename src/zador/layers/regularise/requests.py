"""Which vectors a loss sees at which table, in every code, and the few of them that it can afford to compare."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor

from zador.codebooks import Gradient
from zador.errors import UsageError
from zador.layers.table import LearnedTable
from zador.quantizers.codes import Code, GridCode, Heads, Product, Residual, TabledCode

if TYPE_CHECKING:
    from zador.codebooks import Peers
    from zador.quantizers.codes import Asked

__all__ = ["Request", "as_weight", "learned_by_gradient", "moments_dtype", "requests", "sample", "unless_empty"]


class Request(NamedTuple):
    """What one table is asked in a pass.

    Attributes:
        table: the table.
        x: (N, d) vectors, with their gradient; finite.
        weights: (N,) 1 for a vector that counts and 0 for others, in the float type of x.
    """

    table: LearnedTable
    x: Tensor
    weights: Tensor


def requests(z: Tensor, code: Code, valid: Tensor | None) -> list[Request]:
    """Return what every table of a code is asked when z (N, d), which has entered, is quantized; one request a table.

    Heads ask one table many times; stages ask for what is left over, for which all but the last are searched once more.
    Vectors keep their gradient, but for those of codes that hide it: `MultiScale`, and what is behind `Projected`.
    """
    by_table: dict[int, list[Request]] = {}
    for request in _walk(z, code, valid):
        by_table.setdefault(id(request.table), []).append(request)
    return [_as_one(same) for same in by_table.values()]


def learned_by_gradient(code: Code, loss: str) -> list[LearnedTable]:
    """Return the tables of a code whose codewords a loss can move.

    Raises:
        UsageError: there is none.
    """
    tables = [module for module in code.modules() if isinstance(module, LearnedTable)]
    moved = [table for table in tables if isinstance(table.learner, Gradient)]
    if not moved:
        learners = ", ".join(sorted({type(table.learner).__name__ for table in tables})) or "no codebook"
        raise UsageError(
            f"{loss}: moves codewords by their gradient, and this layer has none that learn so (it has {learners}); "
            "pass learner=Gradient(), or a layer such as simvq"
        )
    return moved


def sample(request: Request, count: int, peers: Peers) -> tuple[Tensor, Tensor]:
    """Return at most `count` of the vectors that count, evenly spaced among those of all processes in their order.

    Masked vectors are passed over, so what is returned does not depend on them, nor on which process holds what.

    Returns:
        (count, d) vectors, differentiable, and (count,) weights: 0 for rows that are not needed.
    """
    x, weights = request.x, request.weights
    ranks = torch.arange(count, device=x.device)
    running = weights.to(torch.int64).cumsum(0)
    here = weights.to(torch.int64).sum()
    before, total = _position(here, peers)
    # The j-th is vector j n / m of n, if there are more than m; otherwise it is vector j.
    wanted = ranks * total.clamp(min=count) // count
    mine = (wanted >= before) & (wanted < before + here)
    if x.shape[0] == 0:
        rows = x.new_zeros(count, x.shape[1]) + x.sum()
    else:
        rows = x[torch.searchsorted(running, (wanted - before + 1).clamp(min=1)).clamp(max=x.shape[0] - 1)]
    return peers.sum(rows.where(mine[:, None], 0.0)), (wanted < total).to(x.dtype)


def unless_empty(loss: Tensor, number: Tensor | int) -> Tensor:
    """Return the loss, or 0 if no vector counts."""
    return loss * (number > 0)


def moments_dtype(x: Tensor) -> torch.dtype:
    """Return the type to form sums of x in: float64 wherever there is one."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def as_weight(weight: float, loss: str) -> None:
    """Raise UsageError unless `weight` is a finite number of at least 0."""
    if not (isinstance(weight, int | float) and 0 <= weight < math.inf):
        raise UsageError(f"{loss}: weight: expected a number of at least 0, got {weight!r}; to change it, see Scheduled")


def _position(here: Tensor, peers: Peers) -> tuple[Tensor, Tensor]:
    """Return how many vectors the processes before this one have, and all."""
    if peers.size == 1:
        return torch.zeros_like(here), here
    processes = torch.arange(peers.size, device=here.device)
    counts = peers.sum(torch.where(processes == peers.rank, here, 0))
    return counts.where(processes < peers.rank, 0).sum(), counts.sum()


def _walk(z: Tensor, code: Code, valid: Tensor | None) -> list[Request]:
    if isinstance(code, TabledCode):
        return [_request(code.table, z, valid)] if isinstance(code.table, LearnedTable) else []
    if isinstance(code, GridCode):
        return []
    if isinstance(code, Product):
        parts = zip(cast("list[Code]", list(code.parts)), torch.split(z, code.widths, dim=1), strict=True)
        return [request for part, piece in parts for request in _walk(piece, part, valid)]
    if isinstance(code, Heads):
        rows = None if valid is None else valid.repeat_interleave(code.heads)
        return _walk(z.reshape(-1, code.each.dim), code.each, rows)
    if isinstance(code, Residual):
        return _staged(z, code, valid)
    seen = _Witness()
    code.select(z.detach(), valid, seen, exact=False)
    return [_request(table, asked.x, asked.indices >= 0) for table, asked in seen.heard]


def _staged(z: Tensor, code: Residual, valid: Tensor | None) -> list[Request]:
    stages = cast("list[Code]", list(code.stages) * code.repeats)
    found = []
    for number, stage in enumerate(stages, 1):
        found += _walk(z, stage, valid)
        if number < len(stages):
            z = z - stage.select(z.detach(), valid, exact=False).values
    return found


def _as_one(same: list[Request]) -> Request:
    """Return all that one table is asked, what belongs to one vector of the network side by side."""
    if len(same) == 1:
        return same[0]
    # In this order the vectors of several processes follow each other as those of one would.
    pairs = torch.stack([each.x for each in same], dim=1), torch.stack([each.weights for each in same], dim=1)
    return Request(same[0].table, *(each.flatten(0, 1) for each in pairs))


def _request(table: LearnedTable, x: Tensor, valid: Tensor | None) -> Request:
    return Request(table, x, x.new_ones(x.shape[:1]) if valid is None else valid.to(x.dtype))


class _Witness:
    """A `Watch` that remembers what learned tables are asked."""

    def __init__(self) -> None:
        self.heard: list[tuple[LearnedTable, Asked]] = []

    def before(self, table: torch.nn.Module, x: Tensor, valid: Tensor | None) -> None:
        """Let it be."""

    def after(self, table: torch.nn.Module, asked: Asked) -> None:
        """Remember it."""
        if isinstance(table, LearnedTable):
            self.heard.append((table, asked))
