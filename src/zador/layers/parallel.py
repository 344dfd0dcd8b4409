"""Models in several processes: what wrappers of torch are to leave alone, and which processes learn together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.layers.bottleneck import Bottleneck
from zador.layers.sync import World
from zador.layers.table import LearnedTable

if TYPE_CHECKING:
    from torch import nn
    from torch.distributed import ProcessGroup

__all__ = ["codebook_parameters", "set_process_group"]


def codebook_parameters(model: nn.Module) -> set[nn.Parameter]:
    """Return the parameters of all tables in a model: what `fully_shard(model, ignored_params=...)` is to leave alone.

    A table writes into its codewords when it starts, and when it revives them. `fully_shard` lends a layer whole parameters
    for the length of a pass, and forgets what was written into them. The gradient of the codebook loss is that of the
    vectors of all processes, the same on each, so these parameters stay equal without anybody's help.
    """
    return {parameter for part in model.modules() if isinstance(part, LearnedTable) for parameter in part.parameters()}


def set_process_group(model: nn.Module, group: ProcessGroup | None) -> None:
    """Let the layers of a model learn together with the processes of a group, each of which has vectors of its own.

    Needed where not all processes do: under pipeline or tensor parallelism, or with a model for each half of them.

    Args:
        model: holds layers, or is one.
        group: of `torch.distributed.new_group` or a device mesh; None: all processes, as without this call.
    """
    for part in model.modules():
        if isinstance(part, Bottleneck):
            part.world = None if group is None else World(group)
