"""Codewords drawn by lot, others at every step, the same in all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from zador.noise import drawn_key

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["drawn_rows"]

# The finaliser of splitmix64 [steele2014fast], in signed numbers, and the bits that a shift without sign leaves.
_ROUNDS = ((30, 0xBF58476D1CE4E5B9 - (1 << 64)), (27, 0x94D049BB133111EB - (1 << 64)))
_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)


def drawn_rows(size: int, count: int, seed: int, step: Tensor) -> Tensor:
    """Return `count` different numbers below `size`, (count,) int64; all sets of them are as likely as each other.

    In operators of torch alone, unlike `zador.noise.uniform`: losses are part of exported graphs, which have no others.

    >>> sorted(drawn_rows(3, 3, 0, torch.tensor(7)).tolist())
    [0, 1, 2]
    """
    first, number = drawn_key(seed, step)
    # By itself, so that no sum of step and number tells two draws to be the same in another order.
    start = _mixed(first + number * _GOLDEN)
    return torch.topk(_mixed(start + torch.arange(size, device=step.device) * _GOLDEN), count).indices


def _mixed(numbers: Tensor) -> Tensor:
    for shift, factor in _ROUNDS:
        numbers = (numbers ^ _shifted(numbers, shift)) * factor
    return numbers ^ _shifted(numbers, 31)


def _shifted(numbers: Tensor, shift: int) -> Tensor:
    return (numbers >> shift) & ((1 << (64 - shift)) - 1)
