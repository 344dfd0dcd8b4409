"""Quantizer dropout: in training a sample goes through some of the stages, so that any first ones are a code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zador.errors import UsageError
from zador.noise import drawn_key, uniform
from zador.validation import as_count

__all__ = ["QuantizerDropout"]


@dataclass(frozen=True)
class QuantizerDropout:
    """With probability p a sample goes through S' stages, uniform in {least, …, S}, else through all S.

    Every sample of a batch draws for itself [kumar2023high], and all its vectors go equally far; with p = 1 it is the
    dropout of [zeghidour2022soundstream]. Stages beyond S' have index -1: they add nothing, learn nothing, commit nothing.

    Attributes:
        probability: p in (0, 1].
        least: fewest stages, at least 1.
        seed: of the draws.

    Raises:
        UsageError: a parameter out of its range.
    """

    probability: float = 0.5
    least: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what drops nothing, or everything."""
        if not 0 < self.probability <= 1:
            raise UsageError(f"QuantizerDropout: expected 0 < probability <= 1, got {self.probability}")
        as_count(self.least, "QuantizerDropout: least")

    def check(self, stages: int) -> None:
        """Raise UsageError if there are not more than `least` stages."""
        if self.least >= stages:
            raise UsageError(f"QuantizerDropout: expected least < {stages}, the number of stages, got least={self.least}")

    def __call__(self, draw: Tensor, samples: int, stages: int, *, stream: int = 0) -> Tensor:
        """Return how many of S stages each of B samples goes through, (B,) int64.

        Args:
            draw: 0-d int64, number of the draw: another one, other numbers.
            samples: B.
            stages: S.
            stream: tells apart those who draw with one seed, such as processes.

        >>> QuantizerDropout(probability=1.0, least=2)(torch.tensor(0), 1000, 4).unique().tolist()
        [2, 3, 4]
        """
        dropped, depth = uniform(drawn_key(self.seed, draw, stream), [2, samples])
        # A float32 below 1 times a small whole number stays below that number, or is rounded to it: hence the clamp.
        some = self.least + (depth * (stages - self.least + 1)).to(torch.int64)
        return torch.where(dropped < self.probability, some.clamp(max=stages), stages)
