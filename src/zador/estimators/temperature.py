"""Temperatures that change as training goes on: pure functions of the step, and of what the network learns about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch

from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Constant", "Cosine", "Cyclic", "Exponential", "Linear", "Schedule", "as_temperature", "effective_temperature"]


@runtime_checkable
class Schedule(Protocol):
    """A function step -> temperature that a compiled graph can hold: 0-d tensor in, 0-d float32 tensor out."""

    def __call__(self, step: Tensor, /) -> Tensor:
        """Return the temperature at `step`, a 0-d tensor that counts from 0."""


@dataclass(frozen=True)
class Constant:
    """τ(t) = value.

    Attributes:
        value: positive and finite, in the unit of the logits (nats).

    Raises:
        UsageError: `value` is not.

    >>> Constant(0.5)(torch.tensor(7)).item()
    0.5
    """

    value: float

    def __post_init__(self) -> None:
        """Refuse what is no temperature."""
        as_temperature(self.value, "value")

    def __call__(self, step: Tensor) -> Tensor:
        """Return `value`, whatever the step."""
        return torch.full((), self.value, dtype=torch.float32, device=step.device)


@dataclass(frozen=True)
class _Annealed:
    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse what is no temperature, and no number of steps."""
        as_temperature(self.start, "start")
        as_temperature(self.end, "end")
        as_count(self.steps, "steps")

    def _share(self, step: Tensor) -> Tensor:
        """Return how much of the way is done, from 0 to 1."""
        return (step.to(torch.float32) / self.steps).clamp(0.0, 1.0)


@dataclass(frozen=True)
class Exponential(_Annealed):
    """τ(t) = start · (end / start)^min(t / steps, 1): the same factor at every step [jang2017categorical].

    Attributes:
        start: temperature at step 0, positive and finite.
        end: temperature from step `steps` on.
        steps: how many steps it takes, >= 1.

    Raises:
        UsageError: an attribute is out of range.

    >>> [round(Exponential(1.0, 0.01, 100)(torch.tensor(t)).item(), 4) for t in (0, 50, 100, 200)]
    [1.0, 0.1, 0.01, 0.01]
    """

    def __call__(self, step: Tensor) -> Tensor:
        """Return the temperature at `step` (0-d)."""
        return self.start * torch.exp(self._share(step) * math.log(self.end / self.start))


@dataclass(frozen=True)
class Linear(_Annealed):
    """τ(t) = start + (end - start) · min(t / steps, 1).

    Attributes:
        start: temperature at step 0, positive and finite.
        end: temperature from step `steps` on.
        steps: how many steps it takes, >= 1.

    Raises:
        UsageError: an attribute is out of range.

    >>> [Linear(2.0, 1.0, 100)(torch.tensor(t)).item() for t in (0, 50, 100, 200)]
    [2.0, 1.5, 1.0, 1.0]
    """

    def __call__(self, step: Tensor) -> Tensor:
        """Return the temperature at `step` (0-d)."""
        share = self._share(step)
        return self.start * (1.0 - share) + self.end * share


@dataclass(frozen=True)
class Cosine(_Annealed):
    """τ(t) = end + (start - end) · (1 + cos(π min(t / steps, 1))) / 2: slow at both ends.

    Attributes:
        start: temperature at step 0, positive and finite.
        end: temperature from step `steps` on.
        steps: how many steps it takes, >= 1.

    Raises:
        UsageError: an attribute is out of range.

    >>> [round(Cosine(2.0, 1.0, 100)(torch.tensor(t)).item(), 4) for t in (0, 25, 50, 100)]
    [2.0, 1.8536, 1.5, 1.0]
    """

    def __call__(self, step: Tensor) -> Tensor:
        """Return the temperature at `step` (0-d)."""
        done = (1.0 - torch.cos(math.pi * self._share(step))) / 2.0
        return self.start * (1.0 - done) + self.end * done


@dataclass(frozen=True)
class Cyclic:
    """τ(t) = schedule(t mod period): the same course again and again [fu2019cyclical].

    A schedule shorter than the period rests at its end until the next cycle begins; one of `Linear` makes a saw, one of
    `Cosine` warm restarts.

    Attributes:
        schedule: one cycle.
        period: steps of a cycle, >= 1.

    Raises:
        UsageError: the schedule is none, or the period is no number of steps.

    >>> saw = Cyclic(Linear(2.0, 1.0, 50), period=100)
    >>> [saw(torch.tensor(t)).item() for t in (0, 25, 50, 99, 100, 125)]
    [2.0, 1.5, 1.0, 1.0, 2.0, 1.5]
    """

    schedule: Schedule
    period: int

    def __post_init__(self) -> None:
        """Refuse what is no schedule, and no number of steps."""
        if not callable(self.schedule):
            raise UsageError(f"schedule: expected one such as Linear(2.0, 1.0, 50), got {self.schedule!r}")
        as_count(self.period, "period")

    def __call__(self, step: Tensor) -> Tensor:
        """Return the temperature at `step` (0-d)."""
        return self.schedule(step % self.period)


def effective_temperature(schedule: Schedule, step: Tensor, log_scale: Tensor, floor: float) -> Tensor:
    """Return max(schedule(step) · exp(log_scale), floor): annealing decides the course, learning the factor.

    Above the floor dτ / d log_scale = τ. At the floor the gradient reaches `log_scale` only if a step against it raises
    the temperature: it can leave the floor again, and does not sink below it out of sight.

    Args:
        schedule: the temperature before learning.
        step: 0-d tensor, counts from 0.
        log_scale: 0-d tensor, what is learned; 0 leaves the schedule as it is.
        floor: least temperature, positive.

    Returns:
        0-d tensor, float32 or the dtype of `log_scale` if that is wider.

    >>> log_scale = torch.zeros((), requires_grad=True)
    >>> effective_temperature(Constant(0.5), torch.tensor(0), log_scale, 0.1).backward()
    >>> log_scale.grad.item()
    0.5
    """
    raw = schedule(step) * torch.exp(log_scale)
    bounded: Tensor = _Floor.apply(raw, floor)  # type: ignore[no-untyped-call]
    return bounded


class _Floor(torch.autograd.Function):
    """max(t, floor), whose gradient is only stopped where following it would lower t further."""

    generate_vmap_rule = True

    @staticmethod
    def forward(raw: Tensor, floor: float) -> Tensor:
        return raw.clamp(min=floor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        raw, ctx.floor = inputs
        ctx.save_for_backward(raw)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (raw,) = ctx.saved_tensors
        return torch.where((raw > ctx.floor) | (g < 0), g, 0.0), None


def as_temperature(value: Any, name: str) -> float:
    """Return `value` as a float that is positive and finite in single precision, and so is 1 / value.

    Raises:
        UsageError: it is not.
    """
    limits = torch.finfo(torch.float32)
    number = float(value) if isinstance(value, Real) and value is not True else math.nan
    if not limits.tiny <= number <= 1.0 / limits.tiny:
        raise UsageError(f"{name}: expected a positive, finite temperature, got {value!r}; near 0 the gradient vanishes")
    return number
