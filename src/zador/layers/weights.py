"""Weights of losses that change as training goes on: pure functions of the step and of the usage of the codebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from zador.errors import UsageError
from zador.layers.tally import Tally, usage_of
from zador.validation import as_count

if TYPE_CHECKING:
    from torch import Tensor

    from zador.estimators import Schedule
    from zador.layers.losses import Batch, Regulariser, Weight
    from zador.quantizers.codes import Code

__all__ = ["AdaptiveCommitment", "Annealed", "CosineWarmUp", "Scheduled", "WarmUp"]


@dataclass(frozen=True)
class WarmUp:
    """w(t) = start + (weight - start) · min(t / steps, 1): a straight line.

    Attributes:
        weight: from step `steps` on, at least 0.
        steps: how many batches it takes, at least 1.
        start: at step 0, at least 0.

    Raises:
        UsageError: an attribute out of its range.

    >>> [WarmUp(0.5, 100)(torch.tensor(t), torch.tensor(1.0)).item() for t in (0, 50, 100, 200)]
    [0.0, 0.25, 0.5, 0.5]
    """

    weight: float
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no weight, and no number of steps."""
        for name in ("weight", "start"):
            _check(getattr(self, name), f"{type(self).__name__}: {name}")
        as_count(self.steps, f"{type(self).__name__}: steps")

    def __call__(self, step: Tensor, usage: Tensor) -> Tensor:
        """Return the weight at `step`, whatever the usage."""
        del usage
        done = self._done((step.to(torch.float32) / self.steps).clamp(0.0, 1.0))
        return self.start * (1.0 - done) + self.weight * done

    def _done(self, share: Tensor) -> Tensor:
        """Return how much of the way is done when this share of the steps is."""
        return share


@dataclass(frozen=True)
class CosineWarmUp(WarmUp):
    """w(t) = start + (weight - start) · (1 - cos(π min(t / steps, 1))) / 2: slow at both ends.

    Attributes:
        weight: from step `steps` on, at least 0.
        steps: how many batches it takes, at least 1.
        start: at step 0, at least 0.

    Raises:
        UsageError: an attribute out of its range.

    >>> [round(CosineWarmUp(0.5, 100)(torch.tensor(t), torch.tensor(1.0)).item(), 4) for t in (0, 25, 50, 100)]
    [0.0, 0.0732, 0.25, 0.5]
    """

    def _done(self, share: Tensor) -> Tensor:
        """Return how much of the way is done when this share of the steps is."""
        return (1.0 - torch.cos(math.pi * share)) / 2.0


@dataclass(frozen=True)
class Annealed:
    """w(t) = schedule(t), one of those that temperatures follow: `Exponential`, `Linear`, `Cosine`.

    Attributes:
        schedule: step, 0-d → weight, 0-d.

    Raises:
        UsageError: the schedule is no function.

    >>> from zador.estimators import Exponential
    >>> round(Annealed(Exponential(1.0, 0.01, 100))(torch.tensor(50), torch.tensor(1.0)).item(), 4)
    0.1
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        """Refuse what cannot be called."""
        if not callable(self.schedule):
            raise UsageError(
                f"Annealed: expected a function of the step, such as Exponential(1, 0.1, 1000), got {self.schedule!r}"
            )

    def __call__(self, step: Tensor, usage: Tensor) -> Tensor:
        """Return the weight at `step`, whatever the usage."""
        del usage
        return self.schedule(step)


@dataclass(frozen=True)
class AdaptiveCommitment:
    """β(u) = low + (high - low) · min(u / target, 1), of the usage u of the codebook.

    Commitment holds vectors to the codewords that they have. While few are in use, a weak hold leaves the encoder free to
    spread; once they are, a strong one keeps it from running away from them. Usage is that of `info.usage`, over a window of
    64 K vectors, so β changes smoothly; it stays between `low` and `high`.

    Attributes:
        high: β when the share `target` of the codewords is in use, at least 0.
        low: β when none is, at least 0.
        target: share of the codewords, in (0, 1].

    Raises:
        UsageError: an attribute out of its range.

    >>> [round(AdaptiveCommitment()(torch.tensor(0), torch.tensor(u)).item(), 3) for u in (0.0, 0.45, 0.9, 1.0)]
    [0.025, 0.138, 0.25, 0.25]
    """

    high: float = 0.25
    low: float = 0.025
    target: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what is no weight, and no share."""
        for name in ("high", "low"):
            _check(getattr(self, name), f"AdaptiveCommitment: {name}")
        if not 0 < self.target <= 1:
            raise UsageError(f"AdaptiveCommitment: target: expected a share of the codewords in (0, 1], got {self.target!r}")

    def __call__(self, step: Tensor, usage: Tensor) -> Tensor:
        """Return β at this usage, whatever the step."""
        del step
        reached = (usage / self.target).clamp(0.0, 1.0)
        return self.low * (1.0 - reached) + self.high * reached


@dataclass(frozen=True)
class Scheduled:
    """A regulariser times a weight that changes: `w(t, u) · regulariser`, under the same name.

    Attributes:
        regulariser: the loss, with the weight that it has of its own.
        weight: a further factor, such as `WarmUp(1.0, 1000)`.

    Raises:
        UsageError: one that cannot be called.

    Example:
        >>> from zador.layers import Diversity, vq
        >>> layer = vq(dim=2, codebook_size=4, regularisers=[Scheduled(Diversity(), WarmUp(1.0, 1000))])
        >>> layer(torch.zeros(8, 2)).info.other  # at step 0
        {'diversity': tensor(-0.)}
    """

    regulariser: Regulariser
    weight: Weight

    def __post_init__(self) -> None:
        """Refuse what cannot be called."""
        if not (callable(self.regulariser) and callable(self.weight)):
            raise UsageError(
                f"Scheduled: expected a regulariser and a function of step and usage, such as WarmUp(1, 1000), got "
                f"{self.regulariser!r} and {self.weight!r}"
            )

    @property
    def name(self) -> str:
        """That of the regulariser."""
        return self.regulariser.name

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the loss of vectors z (N, d) that have entered `code`."""
        usage, _ = usage_of([module for module in code.modules() if isinstance(module, Tally)], z)
        share = usage.mean() if len(usage) else z.new_ones(())
        loss = self.regulariser(z, code, batch)
        return loss * self.weight(batch.step, share).to(loss.dtype)


def _check(weight: float, name: str) -> None:
    if not (isinstance(weight, int | float) and 0 <= weight < math.inf):
        raise UsageError(f"{name}: expected a number of at least 0, got {weight!r}")
