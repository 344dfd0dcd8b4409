"""Gumbel-softmax: drawing a codeword by adding noise to logits, and a softmax that lets the gradient through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from zador.errors import DataError
from zador.estimators.reflections import working_dtype
from zador.estimators.relaxation import Relaxation, Relaxed, needed, tempered
from zador.estimators.straight_through import straight_through

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GumbelSoftmax", "gumbel", "gumbel_softmax"]


def gumbel_softmax(logits: Tensor, noise: Tensor, temperature: float | Tensor, *, hard: bool) -> Relaxed:
    """Return a draw k ~ softmax(logits) and its relaxation p = softmax((logits + G) / τ) [jang2017categorical].

    G = -ln(-ln U) is standard Gumbel noise, so that argmax(logits + G) follows softmax(logits) exactly, whatever τ: the
    “concrete” law of [maddison2017concrete]. With g the gradient at the weights, hard or soft, and z = logits + G,

        ∂/∂logits = p ⊙ (g - pᵀg) / τ,    ∂/∂τ = -Σ (zᵀ [p ⊙ (g - pᵀg)]) / τ².

    Soft weights make this the exact derivative; hard ones are one-hot to the last bit and borrow it (straight-through).

    Args:
        logits: (..., K) unnormalised log-probabilities in nats, any floating dtype; -inf excludes a category.
        noise: (..., K) uniform in [0, 1), from `zador.noise.uniform`; an exact 0 or 1 is moved to the nearest number inside.
        temperature: τ > 0, a number or a 0-d tensor (which may learn). Towards 0 the weights become one-hot and the
            gradient vanishes or explodes; towards infinity the weights become uniform.
        hard: whether the weights are one-hot.

    Returns:
        `Relaxed(weights, indices)`. Everything between is float32 or better.

    Raises:
        DataError: `logits` and `noise` differ in shape.
        UsageError: `temperature` is a number and not positive and finite.

    Example:
        >>> from zador.noise import new_key, uniform
        >>> logits = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
        >>> drawn = gumbel_softmax(logits, uniform(new_key(0), [1, 3]), 0.5, hard=True)
        >>> drawn.weights.sum().item(), drawn.weights.argmax(-1).equal(drawn.indices)
        (1.0, True)
    """
    if logits.shape != noise.shape or logits.ndim == 0:
        raise DataError(
            f"gumbel_softmax: expected logits and noise of one shape (..., K), got {tuple(logits.shape)} and "
            f"{tuple(noise.shape)}; draw the noise with zador.noise.uniform(key, list(logits.shape))"
        )
    dtype = working_dtype(logits, noise)
    soft, indices = tempered(logits.to(dtype) + gumbel(noise.to(dtype)), temperature)
    weights = soft.to(logits.dtype)
    if hard:
        weights = straight_through(weights, torch.zeros_like(weights).scatter(-1, indices, 1.0))
    return Relaxed(weights, indices.squeeze(-1))


def gumbel(noise: Tensor) -> Tensor:
    """Return standard Gumbel noise -ln(-ln U) for uniform U; an exact 0 or 1 is moved to the nearest number inside."""
    limits = torch.finfo(noise.dtype)
    return -torch.log(-torch.log(noise.clamp(limits.tiny, 1.0 - limits.eps / 2)))


@dataclass(frozen=True)
class GumbelSoftmax(Relaxation):
    """How a layer draws its codewords and relaxes the draw: `gumbel_softmax` with a temperature that knows the step.

    Attributes:
        temperature: a number, or a schedule: `Exponential(1.0, 0.1, steps=10_000)`.
        hard: whether the value is one codeword (one-hot weights) or a mixture.
        learnable: whether the layer learns a factor exp(log_scale) on the temperature.
        floor: least temperature that the learned one can reach; without learning the schedule alone decides.

    Raises:
        UsageError: no temperature, or a floor that is none.

    Example:
        >>> from zador.estimators import Exponential
        >>> GumbelSoftmax(Exponential(1.0, 0.25, steps=100)).temperature_at(torch.tensor(50)).item()
        0.5
    """

    hard: bool = True

    draws: ClassVar[bool] = True

    def __call__(
        self,
        logits: Tensor,
        noise: Tensor | None,
        step: Tensor,
        log_scale: Tensor | None = None,
        *,
        nearest: Tensor | None = None,  # noqa: ARG002 - it draws
    ) -> Relaxed:
        """Return `gumbel_softmax` of (..., K) `logits` at the temperature of `step`; see `Relaxation`."""
        return gumbel_softmax(logits, needed(noise), self.temperature_at(step, log_scale), hard=self.hard)
