"""What is subtracted from a loss before it weighs a score: nothing, a mean of earlier losses, or of the other draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Baseline", "ConstantBaseline", "MovingAverage", "leave_one_out"]


class Baseline(Protocol):
    """What is expected of a loss, whatever is drawn: it must not depend on the draw that it is subtracted from."""

    def __call__(self, losses: Tensor, /) -> Tensor:
        """Return the baseline of each of the losses (M, ...) of M draws, of that shape or one that it broadcasts from."""


@dataclass(frozen=True)
class ConstantBaseline:
    """b = value, whatever the losses are; 0 for no baseline.

    Raises:
        UsageError: no finite number.
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        if not math.isfinite(self.value):
            raise UsageError(f"ConstantBaseline: expected a finite number, got {self.value!r}")

    def __call__(self, losses: Tensor) -> Tensor:
        """Return the value, 0-d."""
        return losses.new_full((), self.value)


class MovingAverage(nn.Module):
    """b = mean of the losses of earlier batches, the last ones weighing most: b ← decay b + (1 - decay) mean f.

    The first batches are not drawn to 0: sum and weights decay alike. It learns in training mode only, and after it was
    asked. Make it a part of the model, `model.baseline = MovingAverage()`, and a checkpoint keeps it.

    Args:
        decay: in [0, 1).

    Raises:
        UsageError: another decay.

    Example:
        >>> baseline = MovingAverage(decay=0.5)
        >>> [baseline(torch.tensor([[loss]])).item() for loss in (4.0, 1.0, 0.0)]
        [0.0, 4.0, 2.0]
    """

    total: Tensor
    weight: Tensor

    def __init__(self, decay: float = 0.99) -> None:
        super().__init__()
        if not 0.0 <= decay < 1.0:
            raise UsageError(f"MovingAverage: expected 0 <= decay < 1, got {decay!r}")
        self.decay = float(decay)
        self.register_buffer("total", torch.zeros(()))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, losses: Tensor) -> Tensor:
        """Return the mean of what came before, 0-d, and take `losses` (M, ...) into it."""
        before = self.total / torch.where(self.weight > 0, self.weight, 1.0)
        if self.training and losses.numel():
            with torch.no_grad():
                self.total.mul_(self.decay).add_((1.0 - self.decay) * losses.detach().mean(dtype=self.total.dtype))
                self.weight.mul_(self.decay).add_(1.0 - self.decay)
        return before.to(losses.dtype)

    def extra_repr(self) -> str:
        """Return what the printed module says of itself."""
        return f"decay={self.decay:g}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> MovingAverage:  # noqa: FBT001, FBT002 - torch's
        """Follow a model to another device, or to float64, but never to a type in which averages stall."""

        def wide(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype.itemsize >= tensor.dtype.itemsize else tensor.to(moved.device)

        super()._apply(wide, recurse)  # type: ignore[no-untyped-call]
        return self


def leave_one_out(losses: Tensor) -> Tensor:
    """Return the mean of the other draws' losses, b_m = Σ_{l ≠ m} f_l / (M - 1) [kool2019buy].

    Args:
        losses: (M, ...) of M draws, M >= 2.

    Raises:
        UsageError: a single draw has no others.

    Example:
        >>> leave_one_out(torch.tensor([1.0, 2.0, 6.0])).tolist()
        [4.0, 3.5, 1.5]
    """
    draws = losses.shape[0]
    if draws < 2:  # noqa: PLR2004 - another one
        raise UsageError(
            "leave_one_out: expected at least 2 draws of each vector, got 1; pass noise (M, ..., K) with M >= 2 (draws=2), "
            "or another baseline, such as MovingAverage()"
        )
    return (losses.sum(0) - losses) / (draws - 1)
