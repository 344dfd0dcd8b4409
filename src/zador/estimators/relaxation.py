"""What weighs all codewords instead of choosing one: the record it makes, and its temperature."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch

from zador.errors import DataError, UsageError
from zador.estimators.temperature import Constant, Schedule, as_temperature, effective_temperature

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Relaxation", "Relaxed", "needed", "tempered"]


class Relaxed(NamedTuple):
    """A choice among K categories, and what stands for it in the graph.

    Attributes:
        weights: (..., K) in the dtype of the logits, summing to 1: one-hot if hard, softmax if soft.
        indices: (...) int64, the category chosen.
    """

    weights: Tensor
    indices: Tensor


@dataclass(frozen=True)
class Relaxation(ABC):
    """How a layer chooses among K codewords and relaxes the choice, with a temperature that knows the step.

    The gradient of the weights reaches the logits, and through them the vector and every codeword. It needs N × K numbers.

    Attributes:
        temperature: a number, or a schedule: `Exponential(1.0, 0.1, steps=10_000)`.
        learnable: whether the layer learns a factor exp(log_scale) on the temperature.
        floor: least temperature that the learned one can reach; without learning the schedule alone decides.
        draws: whether it draws, and needs noise; else it takes the largest logit.

    Raises:
        UsageError: no temperature, or a floor that is none.
    """

    temperature: float | Schedule = 1.0
    _: KW_ONLY
    learnable: bool = False
    floor: float = 0.01

    draws: ClassVar[bool] = False

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

    @abstractmethod
    def __call__(
        self,
        logits: Tensor,
        noise: Tensor | None,
        step: Tensor,
        log_scale: Tensor | None = None,
        *,
        nearest: Tensor | None = None,
    ) -> Relaxed:
        """Return weights and choice.

        Args:
            logits: (..., K) unnormalised log-probabilities in nats.
            noise: (..., K) uniform in [0, 1), if it draws; else it is not looked at.
            step: 0-d tensor, counts from 0.
            log_scale: see `temperature_at`.
            nearest: (...) int64, the largest logits as a search with certificate has found them; without it they are looked
                for among the logits, which rounding may have put in another order. Not looked at if it draws.
        """


def tempered(scores: Tensor, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return softmax(scores / τ) (..., K), and the index (..., 1) of the largest score.

    Args:
        scores: (..., K) float32 or float64.
        temperature: τ, a 0-d tensor, which may learn, or a number.

    Raises:
        UsageError: a number that is no temperature.
    """
    inverse = (
        temperature.reciprocal() if isinstance(temperature, torch.Tensor) else 1 / as_temperature(temperature, "temperature")
    )
    # Shifted before it is scaled: the largest is 0 at any temperature, and an excluded category keeps a finite derivative.
    best, indices = scores.detach().max(-1, keepdim=True)
    shifted = (scores - best).clamp(min=torch.finfo(scores.dtype).min)
    return torch.softmax(shifted * inverse, -1), indices


def needed(noise: Tensor | None) -> Tensor:
    """Return the noise.

    Raises:
        DataError: there is none.
    """
    if noise is None:
        raise DataError("noise: this relaxation draws; pass zador.noise.uniform(key, list(logits.shape))")
    return noise
