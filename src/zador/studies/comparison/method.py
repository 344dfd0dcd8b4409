"""What a study compares: methods, each a way from vectors and a rate to a quantizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.quantizers import Quantizer

__all__ = ["Fit", "Method", "Room"]


@dataclass(frozen=True)
class Room:
    """What the data leave room for.

    Attributes:
        distinct: distinct training vectors, counted up to the largest table that anybody asks for.
        dim: D, coordinates of a vector.
    """

    distinct: int
    dim: int


class Fit(Protocol):
    """From training vectors (N, D), a rate in bits per vector and a seed to a quantizer of that rate."""

    def __call__(self, x: NDArray[Any], bits: int, seed: int, /) -> Quantizer:
        """Return the quantizer."""


class Serves(Protocol):
    """Whether a method can be fitted at a rate."""

    def __call__(self, bits: int, room: Room, /) -> bool:
        """Return False where the rate asks for more than the data hold."""


@dataclass(frozen=True)
class Method:
    """A way to get a quantizer from vectors.

    Attributes:
        name: as tables and plots call it.
        fit: from vectors, rate and seed to a quantizer.
        serves: at which rates it can be had.
        entropy_coded: whether the rate is an entropy, to be had with an entropy coder only.
    """

    name: str
    fit: Fit
    serves: Serves
    entropy_coded: bool = False
