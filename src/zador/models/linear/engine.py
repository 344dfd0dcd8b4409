"""What an engine is: it takes parameters and a batch of every member, and returns gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zador.models.linear.recipe import Loss

__all__ = ["Batch", "Engine", "Gradients", "Parameters"]


class Parameters(NamedTuple):
    """What is trained, in the dtype of the engine.

    Attributes:
        encoder: W (S, m, D).
        codewords: E (S, K, m).
    """

    encoder: NDArray[Any]
    codewords: NDArray[Any]


class Batch(NamedTuple):
    """The vectors of a step, in the dtype of the engine.

    Attributes:
        vectors: X (S, B, D), already without the mean; an engine leaves it unchanged.
        energy: (S,) mean of ‖x‖² over the batch of each member.
    """

    vectors: NDArray[Any]
    energy: NDArray[Any]


class Gradients(NamedTuple):
    """What an engine returns.

    Attributes:
        encoder: (S, m, D) of the batch loss, the Euclidean gradient.
        codewords: (S, K, m) of the batch loss.
        counts: (S, K) members of each codeword in the batch.
        loss: (S,) the batch loss.
    """

    encoder: NDArray[Any]
    codewords: NDArray[Any]
    counts: NDArray[Any]
    loss: NDArray[Any]


class Engine(Protocol):
    """`zador.models.linear.Manual` and `Autograd` are engines; anything with these three members is one."""

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """What parameters, batches and gradients are made of: float32 or float64."""

    @property
    def batch_bytes(self) -> int:
        """How much of a batch to hand over at once, at most; members beyond it wait for the next call of the same step."""

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients of the loss of each member; members do not know each other."""
