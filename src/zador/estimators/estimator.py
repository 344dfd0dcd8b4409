"""What an estimator is, and what all of them ask of their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from zador.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Estimator", "as_pair"]


@runtime_checkable
class Estimator(Protocol):
    """A function (x, q) -> y: the value of y is q, the gradient of y goes to x by a rule of its own, and none to q.

    Functions with that signature are estimators; nothing has to be inherited or registered.
    """

    def __call__(self, x: Tensor, q: Tensor, /) -> Tensor:
        """Return y, equal to `q`, whose gradient reaches `x`.

        Args:
            x: (..., d) what was quantized.
            q: (..., d) what it became.
        """


def as_pair(x: Tensor, q: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Return `x`, and `q` cut off from its gradient.

    Args:
        x: (..., d) what was quantized.
        q: (..., d) what it became.
        name: the estimator, for the message.

    Raises:
        DataError: other shapes, or no axis of coordinates. Broadcasting one codeword over many vectors is refused: it
            is more often an accident.
    """
    if x.shape != q.shape or x.ndim == 0:
        raise DataError(
            f"{name}: expected x and q of one shape (..., d), got {tuple(x.shape)} and {tuple(q.shape)}; "
            "pass for every vector of x the codeword that it became"
        )
    return x, q.detach()
