"""Index backpropagation: the nearest codeword, and a gradient for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from zador.estimators.reflections import working_dtype
from zador.estimators.relaxation import Relaxation, Relaxed, tempered
from zador.estimators.straight_through import straight_through

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["IndexBackpropagation"]


@dataclass(frozen=True)
class IndexBackpropagation(Relaxation):
    """Weights one-hot(argmax) + p - sg p, p = softmax(logits / τ): IBQ [shi2024taming].

    The value is the nearest codeword, in training as in evaluation, and nothing is drawn; with g the gradient at the
    weights, p ⊙ (g - pᵀg) / τ reaches the logits. So every codeword moves at every step, those most that nearly were
    chosen. It needs N × K numbers several times over: 16384 vectors and 16384 codewords are 1 GiB each.

    Attributes:
        temperature: τ, a number or a schedule, in nats of the logits: in a layer, in the unit of squared distance. (The
            paper has inner products as logits and τ = 1.)
        learnable: whether the layer learns a factor exp(log_scale) on the temperature.
        floor: least temperature that the learned one can reach.

    Raises:
        UsageError: no temperature, or a floor that is none.

    Example:
        >>> chosen = IndexBackpropagation()(torch.tensor([[0.0, 3.0]]), None, torch.tensor(0))
        >>> chosen.weights.tolist(), chosen.indices.tolist()
        ([[0.0, 1.0]], [1])
    """

    def __call__(
        self,
        logits: Tensor,
        noise: Tensor | None,  # noqa: ARG002 - nothing is drawn
        step: Tensor,
        log_scale: Tensor | None = None,
        *,
        nearest: Tensor | None = None,
    ) -> Relaxed:
        """Return the one-hot vector of the largest of (..., K) `logits`, relaxed at the temperature of `step`."""
        soft, best = tempered(logits.to(working_dtype(logits)), self.temperature_at(step, log_scale))
        indices = best.squeeze(-1) if nearest is None else nearest
        weights = soft.to(logits.dtype)
        return Relaxed(straight_through(weights, torch.zeros_like(weights).scatter(-1, indices.unsqueeze(-1), 1.0)), indices)
