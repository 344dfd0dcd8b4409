"""Codewords drawn by lot, others at every step, the same in all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.noise import drawn_key, uniform

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["drawn_rows"]


def drawn_rows(size: int, count: int, seed: int, step: Tensor) -> Tensor:
    """Return `count` different numbers below `size`, (count,) int64; all sets of them are equally likely.

    An exported graph, which has no random numbers of ours, takes them evenly spaced.

    >>> sorted(drawn_rows(3, 3, 0, torch.tensor(7)).tolist())
    [0, 1, 2]
    """
    if torch.compiler.is_exporting():
        return torch.arange(count, device=step.device) * size // count
    return torch.topk(uniform(drawn_key(seed, step), [size]), count).indices
