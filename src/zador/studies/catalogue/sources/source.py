"""The shape of a source, and what all of them share: draws that a process keeps, and a fingerprint of each."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Drawn", "DrawnSource", "Source"]

_KEPT_DRAWS = 16
"""Draws that a process keeps: arms on the same data follow each other, with at most five seeds at a time."""


class Drawn(NamedTuple):
    """What one seed gives.

    Attributes:
        train: (N, D) float64, vectors to fit on.
        evaluation: (M, D) float64, vectors to judge on.
    """

    train: NDArray[np.float64]
    evaluation: NDArray[np.float64]


class Source(Protocol):
    """A frozen dataclass whose fields say all that there is to know about it."""

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance, largest first; the same for every seed."""

    @property
    def is_gaussian(self) -> bool:
        """Whether Shannon's D(R) and the K-point floor of these eigenvalues hold for it; else D(R) is above its own."""

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of what `seed` draws."""

    def stacked(self, seeds: Sequence[int], /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (S, N, D) vectors to fit on and (S, M, D) to judge on, one member a seed; not to be written to."""


class DrawnSource(ABC):
    """A source that draws one seed at a time; a frozen dataclass that derives from it says how, in `_drawn`."""

    @property
    def is_gaussian(self) -> bool:
        """Whether the limits of a Gaussian hold for it."""
        return False

    def draw(self, seed: int) -> Drawn:
        """Return what `seed` gives; not to be written to."""
        return _kept(self, seed)

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of all vectors that `seed` draws."""
        return _fingerprint(self, seed)

    def stacked(self, seeds: Sequence[int], /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (S, N, D) vectors to fit on and (S, M, D) to judge on, one member a seed; not to be written to."""
        train, evaluation = (np.stack(parts) for parts in zip(*map(self.draw, seeds), strict=True))
        return train, evaluation

    @abstractmethod
    def _drawn(self, seed: int) -> Drawn:
        """Return what `seed` gives."""


@lru_cache(maxsize=_KEPT_DRAWS)
def _kept(source: DrawnSource, seed: int) -> Drawn:
    drawn = source._drawn(seed)  # noqa: SLF001 - a part of the class below its line
    for part in drawn:
        part.flags.writeable = False
    return drawn


@lru_cache(maxsize=1024)
def _fingerprint(source: DrawnSource, seed: int) -> str:
    train, evaluation = source.draw(seed)
    numbers = hashlib.sha256(np.ascontiguousarray(train).tobytes())
    numbers.update(np.ascontiguousarray(evaluation).tobytes())
    return f"{len(train)}+{len(evaluation)} vectors, {numbers.hexdigest()[:16]}"
