"""Optimisers: pure functions of (state, gradient) for arrays of any shape, with the update rules of torch.optim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zador.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Adam", "Optimiser", "Sgd"]


class Optimiser(Protocol):
    """Two pure functions; the update is what the rate multiplies and the parameter loses."""

    def init(self, parameter: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return the state before the first step: arrays of the shape of the parameter."""

    def step(
        self, state: tuple[NDArray[Any], ...], gradient: NDArray[Any], number: int
    ) -> tuple[tuple[NDArray[Any], ...], NDArray[Any]]:
        """Return the state after the step `number` (from 0) and the update."""


@dataclass(frozen=True)
class Sgd:
    """The update is v, v ← momentum · v + g, and v = g at the first step.

    Attributes:
        momentum: from 0 (the update is g) to below 1.

    Raises:
        UsageError: out of that range.

    >>> Sgd().step((), np.ones(2), 0)[1].tolist()
    [1.0, 1.0]
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a momentum that never forgets."""
        _share("momentum", self.momentum)

    def init(self, parameter: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return no velocity, or one of 0."""
        return (np.zeros_like(parameter),) if self.momentum else ()

    def step(
        self,
        state: tuple[NDArray[Any], ...],
        gradient: NDArray[Any],
        number: int,  # noqa: ARG002 - the protocol's
    ) -> tuple[tuple[NDArray[Any], ...], NDArray[Any]]:
        """Return the velocity and the update, which is the same."""
        if not self.momentum:
            return (), gradient
        velocity = self.momentum * state[0] + gradient
        return (velocity,), velocity


@dataclass(frozen=True)
class Adam:
    """The update is m̂ / (√v̂ + epsilon), m and v running means of g and g², hats without their bias [kingma2015adam].

    Attributes:
        first: β₁ of the mean of g.
        second: β₂ of the mean of g².
        epsilon: added to the root.

    Raises:
        UsageError: a β outside 0 ≤ β < 1, or an epsilon that is not positive.

    >>> Adam().step(Adam().init(np.zeros(1)), np.array([-7.0]), 0)[1].round(6).tolist()
    [-1.0]
    """

    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse means that never forget."""
        _share("first", self.first)
        _share("second", self.second)
        if not self.epsilon > 0:
            raise UsageError(f"epsilon: expected a positive number, got {self.epsilon!r}")

    def init(self, parameter: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return two means of 0."""
        return np.zeros_like(parameter), np.zeros_like(parameter)

    def step(
        self, state: tuple[NDArray[Any], ...], gradient: NDArray[Any], number: int
    ) -> tuple[tuple[NDArray[Any], ...], NDArray[Any]]:
        """Return the two means after the step, and the update."""
        mean = self.first * state[0] + (1 - self.first) * gradient
        square = self.second * state[1] + (1 - self.second) * gradient * gradient
        root = np.sqrt(square / (1 - self.second ** (number + 1))) + self.epsilon
        return (mean, square), np.asarray(mean / (1 - self.first ** (number + 1)) / root)


def _share(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise UsageError(f"{name}: expected a number from 0 to below 1, got {value!r}")
