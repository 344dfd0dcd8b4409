"""What an estimator is, and what all of them ask of their arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from zador.errors import DataError
from zador.estimators.reflections import working_dtype

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Estimator", "NoisyEstimator", "as_pair", "as_triple"]


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


@dataclass(frozen=True)
class NoisyEstimator(ABC):
    """An estimator (x, q, noise) -> y whose value in training is no codeword but a random vector near x or q.

    In evaluation a layer does without it: there y is q. The gradient goes to x, and to q if the rule says so: a codebook
    that learns by gradient then learns from the loss of the model too.

    Attributes:
        seed: of the noise, which a layer draws anew for every pass in training mode.
    """

    _: KW_ONLY
    seed: int = 0

    @abstractmethod
    def __call__(self, x: Tensor, q: Tensor, noise: Tensor) -> Tensor:
        """Return y (..., d).

        Args:
            x: (..., d) what was quantized.
            q: (..., d) what it became; with a gradient, where its codewords have one.
            noise: (..., d) float32, uniform in [0, 1), from `zador.noise.uniform`.
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


def as_triple(x: Tensor, q: Tensor, noise: Tensor, name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return all three in the widest dtype of x and q, float32 at least, with the gradients that they have.

    Args:
        x: (..., d) what was quantized.
        q: (..., d) what it became.
        noise: (..., d) uniform in [0, 1).
        name: the estimator, for the message.

    Raises:
        DataError: shapes that differ, or no axis of coordinates.
    """
    if not x.shape == q.shape == noise.shape or x.ndim == 0:
        raise DataError(
            f"{name}: expected x, q and noise of one shape (..., d), got {tuple(x.shape)}, {tuple(q.shape)} and "
            f"{tuple(noise.shape)}; draw the noise with zador.noise.uniform(key, list(x.shape))"
        )
    dtype = working_dtype(x, q)
    return x.to(dtype), q.to(dtype), noise.to(dtype)
