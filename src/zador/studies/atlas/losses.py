"""Smooth losses of what comes out of a quantizer: where the curvature is decides how wrong a frozen codeword is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Decoded", "LossFamily", "linear", "reconstruction"]


class LossFamily(Protocol):
    """How a seed draws its loss."""

    def __call__(self, codewords: Tensor, points: Tensor, generator: torch.Generator, /) -> Callable[[Tensor], Tensor]:
        """Return f, from vectors (P, ..., d), the first axis that of the points, to losses (P, ...).

        Args:
            codewords: (K, d) float64.
            points: (P, d) what is quantized, without its noise.
            generator: of everything random.
        """


def linear(codewords: Tensor, points: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Return `f(y) = aᵀy` with a unit vector a: the loss whose gradient does not depend on where it is taken."""
    del points
    slope = torch.randn(codewords.shape[1], generator=generator, dtype=torch.float64)
    slope = slope / slope.norm()
    return lambda y: y @ slope


def reconstruction(codewords: Tensor, points: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Return `f(y) = ||y - x||² / 2`, x the point itself: no decoder, and a target that does not move with the noise."""
    del codewords, generator
    return lambda y: 0.5 * (y - points.view(-1, *[1] * (y.ndim - 2), points.shape[1])).square().sum(-1)


@dataclass(frozen=True)
class Decoded:
    """`f(y) = ||tanh(W y + b) - t||² / 2`: a decoder of one layer and its target.

    Attributes:
        outputs: rows of W.
        gain: standard deviation of `W c` over the codewords c: how far into the curve of tanh they reach.
    """

    outputs: int = 4
    gain: float = 1.0

    def __call__(self, codewords: Tensor, points: Tensor, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
        """Return the loss of one decoder; see `LossFamily`."""
        del points
        size = codewords.square().sum(1).mean().sqrt()
        normal = torch.randn(self.outputs, codewords.shape[1] + 1, generator=generator, dtype=torch.float64)
        weight, bias = normal[:, 1:] * (self.gain / size), 0.5 * normal[:, 0]
        target = 1.8 * torch.rand(self.outputs, generator=generator, dtype=torch.float64) - 0.9
        return lambda y: 0.5 * (torch.tanh(y @ weight.T + bias) - target).square().sum(-1)
