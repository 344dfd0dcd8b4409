"""Optimisers as values: what makes one of torch for given parameters, and can be compared and written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from zador.errors import UsageError

__all__ = ["Adam", "MakeOptimiser"]

# Parameters -> the optimiser that moves them.
MakeOptimiser = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True)
class Adam:
    """`torch.optim.Adam` of these parameters [kingma2015adam].

    Attributes:
        rate: learning rate.
        betas: decays of the running means of the gradient and of its square.

    Raises:
        UsageError: a rate that is not positive and finite.

    >>> Adam(3e-3)([nn.Parameter(torch.zeros(2))]).defaults["lr"]
    0.003
    """

    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        """Refuse a rate that climbs, or stands."""
        if not 0.0 < self.rate < math.inf:
            raise UsageError(f"rate: expected a finite number above 0, got {self.rate!r}")

    def __call__(self, parameters: Iterable[nn.Parameter], /) -> torch.optim.Optimizer:
        """Return the optimiser."""
        return torch.optim.Adam(parameters, lr=self.rate, betas=self.betas)
