"""When training is no longer training, and how that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["divergence"]

# A batch loss this many times the loss of a model that says nothing is no longer training.
_DIVERGED = 1000.0


def divergence(losses: ArrayLike, stop: int, zero_rate: float) -> str | None:
    """Return what went wrong in a run, in words; None if nothing did.

    Args:
        losses: (T,) of the batches; one that is not finite, or above 1000 times `zero_rate`, counts as divergence.
        stop: the step at which training stopped because numbers were about to be infinite; negative if it did not.
        zero_rate: loss of a model that says nothing, mean ‖x - μ‖².

    >>> divergence([1.0, 3e8, 4e9], stop=-1, zero_rate=1.0)
    'diverged at step 1, loss 3e8'
    """
    values: NDArray[Any] = np.asarray(losses, np.float64)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~(values <= _DIVERGED * zero_rate))
    words = [f"diverged at step {bad[0]}, loss {_short(values[bad[0]])}"] if len(bad) else []
    if stop >= 0:
        words.append(f"stopped at step {stop}, beyond the finite numbers")
    return "; ".join(words) or None


def _short(loss: float) -> str:
    if not np.isfinite(loss):
        return str(float(loss))
    digits, exponent = f"{loss:.0e}".split("e")
    return f"{digits}e{int(exponent)}"
