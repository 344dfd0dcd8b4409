"""RELAX: REBAR whose control variate has a learned function added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from zador.estimators.scored.rebar import Rebar
from zador.noise import new_key, uniform
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

    from zador.estimators.scored.problem import Problem

__all__ = ["Relax", "control_network"]


class Relax(Rebar):
    """`Rebar` with c(z) = η f(softmax(z / τ) C) + Σ h(z), h a network [grathwohl2018backpropagation].

    The sum is over the vectors that share a loss. h learns as η and τ do, from the gradient of the variance; where it has
    learned f itself nothing is left for the score to weigh.

    Args:
        network: h, from z (..., K) to (..., 1); twice differentiable, so tanh and not ReLU. See `control_network`.
        temperature: τ > 0 to start from.
        scale: η to start from; 0 with the parameter `scale` held fixed leaves h alone, which needs no derivative of f.

    Example:
        >>> estimator = Relax(control_network(codebook_size=16))
        >>> sorted(name for name, _ in estimator.named_parameters())[:2]
        ['log_temperature', 'network.0.bias']
    """

    def __init__(self, network: nn.Module, temperature: float = 0.5, scale: float = 1.0) -> None:
        super().__init__(temperature, scale)
        self.network = network

    def control(self, problem: Problem, z: Tensor) -> Tensor:
        """Return the control variate c(z), of the shape of the losses (M, ...), for z (M, ..., K)."""
        relaxed = super().control(problem, z)
        return relaxed + problem.gathered(self.network(z).squeeze(-1), relaxed)


def control_network(codebook_size: int, hidden: int = 32, *, seed: int = 0) -> nn.Sequential:
    """Return h(z) = w₂ᵀ tanh(W₁ z + b₁) + b₂ with w₂ = 0: at the start RELAX is REBAR.

    Args:
        codebook_size: K.
        hidden: rows of W₁.
        seed: of W₁, uniform in ±1/√K.
    """
    size, width = as_count(codebook_size, "codebook_size"), as_count(hidden, "hidden")
    first, last = (nn.utils.skip_init(nn.Linear, *shape) for shape in ((size, width), (width, 1)))  # type: ignore[no-untyped-call]
    with torch.no_grad():
        first.weight.copy_((2.0 * uniform(new_key(seed), [width, size]) - 1.0) / size**0.5)
        for zeros in (first.bias, last.weight, last.bias):
            zeros.zero_()
    return nn.Sequential(first, nn.Tanh(), last)
