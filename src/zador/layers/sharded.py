"""Codewords that are parameters, and wrappers that keep parameters elsewhere between passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from torch import nn

__all__ = ["codebook_parameters"]


def codebook_parameters(model: nn.Module) -> set[nn.Parameter]:
    """Return the parameters of all tables in a model: what `fully_shard(model, ignored_params=...)` is to leave alone.

    A table writes into its codewords when it starts, and when it revives them. `fully_shard` lends a layer whole parameters
    for the length of a pass, and forgets what was written into them. The gradient of the codebook loss is that of the
    vectors of all processes, the same on each, so these parameters stay equal without anybody's help.
    """
    return {parameter for part in model.modules() if isinstance(part, LearnedTable) for parameter in part.parameters()}
