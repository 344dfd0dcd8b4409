"""Tables that hold the codewords and the statistics of another library."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from zador.codebooks import Ema, Frozen
from zador.errors import UsageError
from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from zador.codebooks import Learner

__all__ = ["loaded_table"]


@torch.no_grad()
def loaded_table(
    codewords: Tensor,
    counts: Tensor | None,
    learner: Learner,
    *,
    stream: int = 0,
    sphere: bool = False,
    started: bool = True,
) -> LearnedTable:
    """Return a table with these codewords (K, d), which goes on learning from these counts (K,).

    Args:
        codewords: as they are searched.
        counts: averaged members a batch, for a learner that keeps such a statistic; None for 0, so that the first members of
            a codeword place it.
        learner: how it goes on.
        stream: tells apart the random numbers of the tables of one layer.
        sphere: codewords have length 1.
        started: whether these are codewords at all; otherwise the learner starts the table.

    Raises:
        UsageError: no codewords, and a learner that never starts.
    """
    if isinstance(learner, Frozen):
        if not started:
            raise UsageError("its codebook has not been made yet, and Frozen() will make none; pass another learner=")
        learner = replace(cast("Any", learner), start=codewords.cpu().numpy())
    size, dim = codewords.shape
    table = LearnedTable(size, dim, learner, stream=stream, sphere=sphere)
    if codewords.dtype == torch.float64:
        table.double()
    if not started:
        return table
    table.codewords.copy_(codewords)
    table.started.fill_(value=True)
    held = dict(table.named_buffers(recurse=False))
    if counts is not None and "counts" in held:
        held["counts"].copy_(counts)
    if isinstance(learner, Ema) and "steps" in held:
        held["steps"].fill_(_warm(learner))
    return table


def _warm(learner: Ema) -> int:
    """Return t from which on `(1 + t) / (warmup + t) >= decay`: counts that are averages already need no warm-up."""
    return max(0, math.ceil((learner.decay * learner.warmup - 1) / (1 - learner.decay)))
