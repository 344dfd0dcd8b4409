"""Schedules: what a learning rate is multiplied by, as a function of (step, steps)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from zador.validation import as_count

__all__ = ["Schedule", "Warmup", "constant", "cosine"]

# (step from 0, number of steps) -> factor.
Schedule = Callable[[int, int], float]


def constant(_step: int, _steps: int) -> float:
    """Return 1.

    >>> constant(3, 10)
    1.0
    """
    return 1.0


def cosine(step: int, steps: int) -> float:
    """Return `(1 + cos(π step / steps)) / 2`: from 1 down to nearly 0 [loshchilov2017sgdr].

    >>> cosine(0, 10), cosine(5, 10)
    (1.0, 0.5)
    """
    return (1.0 + math.cos(math.pi * step / steps)) / 2.0


@dataclass(frozen=True)
class Warmup:
    """A factor that rises linearly, `(step + 1) / warm`, over the first `warm` steps, then what `then` says of the rest.

    Attributes:
        warm: number of steps.
        then: the schedule behind them, which counts from 0 again.

    Raises:
        UsageError: `warm` is not a whole number of at least 1.

    >>> [Warmup(4)(step, 8) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    warm: int
    then: Schedule = constant

    def __post_init__(self) -> None:
        """Refuse no steps."""
        as_count(self.warm, "warm")

    def __call__(self, step: int, steps: int) -> float:
        """Return the factor of step `step` of `steps`."""
        if step < self.warm:
            return (step + 1) / self.warm
        return self.then(step - self.warm, max(1, steps - self.warm))
