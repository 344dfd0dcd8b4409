"""Gumbel-softmax: drawing a codeword by adding noise to logits, and a softmax that lets the gradient through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from zador.errors import DataError, UsageError
from zador.estimators.reflections import working_dtype
from zador.estimators.straight_through import straight_through
from zador.estimators.temperature import Constant, Schedule, as_temperature, effective_temperature

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["GumbelSoftmax", "Relaxed", "gumbel_softmax"]


class Relaxed(NamedTuple):
    """A draw from a categorical law, and what stands for it in the graph.

    Attributes:
        weights: (..., K) in the dtype of the logits, summing to 1: one-hot if hard, softmax if soft.
        indices: (...) int64, the category drawn: where the weight is largest.
    """

    weights: Tensor
    indices: Tensor


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
    inverse = (
        temperature.reciprocal() if isinstance(temperature, torch.Tensor) else 1 / as_temperature(temperature, "temperature")
    )
    dtype = working_dtype(logits, noise)
    drawn = logits.to(dtype) + _gumbel(noise.to(dtype))
    best, indices = drawn.detach().max(-1, keepdim=True)
    # Shifted before it is scaled: the largest is 0 at any temperature, and an excluded category keeps a finite derivative.
    shifted = (drawn - best).clamp(min=torch.finfo(dtype).min)
    weights = torch.softmax(shifted * inverse, -1).to(logits.dtype)
    if hard:
        weights = straight_through(weights, torch.zeros_like(weights).scatter(-1, indices, 1.0))
    return Relaxed(weights, indices.squeeze(-1))


def _gumbel(noise: Tensor) -> Tensor:
    limits = torch.finfo(noise.dtype)
    return -torch.log(-torch.log(noise.clamp(limits.tiny, 1.0 - limits.eps / 2)))


@dataclass(frozen=True)
class GumbelSoftmax:
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

    temperature: float | Schedule = 1.0
    hard: bool = True
    learnable: bool = False
    floor: float = 0.01

    def __post_init__(self) -> None:
        """Refuse a temperature that is none."""
        if not callable(self.temperature):
            as_temperature(self.temperature, "temperature")
        as_temperature(self.floor, "floor")

    @property
    def schedule(self) -> Schedule:
        """The temperature as a function of the step."""
        return self.temperature if callable(self.temperature) else Constant(self.temperature)

    def temperature_at(self, step: Tensor, log_scale: Tensor | None = None) -> Tensor:
        """Return the temperature, a 0-d tensor.

        Args:
            step: 0-d tensor, counts from 0.
            log_scale: 0-d tensor that the layer learns; needed if `learnable`, and only then.

        Raises:
            UsageError: `log_scale` is missing, or is not asked for.
        """
        if self.learnable == (log_scale is None):
            raise UsageError(
                f"log_scale: expected {'a 0-d tensor' if self.learnable else 'None'} with learnable={self.learnable}, "
                f"got {log_scale!r}"
            )
        if log_scale is None:
            return self.schedule(step)
        return effective_temperature(self.schedule, step, log_scale, self.floor)

    def __call__(self, logits: Tensor, noise: Tensor, step: Tensor, log_scale: Tensor | None = None) -> Relaxed:
        """Return `gumbel_softmax` of (..., K) `logits` at the temperature of `step`; see `temperature_at`."""
        return gumbel_softmax(logits, noise, self.temperature_at(step, log_scale), hard=self.hard)
