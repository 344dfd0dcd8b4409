"""Soft assignment: every codeword takes part, the nearest most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.estimators.reflections import working_dtype
from zador.estimators.relaxation import Relaxation, Relaxed, tempered

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SoftAssignment"]


@dataclass(frozen=True)
class SoftAssignment(Relaxation):
    """Weights p = softmax(logits / τ), no draw: the value in training is a mixture of codewords [chen2024softvq].

    With g the gradient at the weights, p ⊙ (g - pᵀg) / τ reaches the logits, and it is exact. The bias is elsewhere: in
    evaluation a layer takes the nearest codeword, which the mixture becomes only as τ falls, by a schedule or by learning.

    Attributes:
        temperature: τ, a number or a schedule, in nats of the logits: in a layer, in the unit of squared distance.
        learnable: whether the layer learns a factor exp(log_scale) on the temperature.
        floor: least temperature that the learned one can reach.

    Raises:
        UsageError: no temperature, or a floor that is none.

    Example:
        >>> import torch
        >>> SoftAssignment(2.0)(torch.tensor([[0.0, 0.0]]), None, torch.tensor(0)).weights.tolist()
        [[0.5, 0.5]]
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
        """Return the softmax of (..., K) `logits` at the temperature of `step`, and the largest; see `Relaxation`."""
        weights, best = tempered(logits.to(working_dtype(logits)), self.temperature_at(step, log_scale))
        return Relaxed(weights.to(logits.dtype), best.squeeze(-1) if nearest is None else nearest)
