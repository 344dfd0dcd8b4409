"""Frames of moving limbs, split between sequences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.data import motion
from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MotionFrames"]


@dataclass(frozen=True)
class MotionFrames(DrawnSource):
    """Single frames of `zador.data.motion`, centred and scaled so that their variances add up to 1, coordinates as they are.

    One body and one set of movements for all seeds: a seed says which sequences are judged on, as frames of one sequence
    are too alike to be split between fitting and judging.

    Attributes:
        sequences: N, of which a fifth is held out.
        frames: T, of each.
        joints: J; vectors have 3J coordinates.
        classes: movements.

    >>> [part.shape for part in MotionFrames(sequences=10, frames=16, joints=4).draw(1)]
    [(128, 12), (32, 12)]
    """

    sequences: int = 125
    frames: int = 64
    joints: int = 20
    classes: int = 10

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(3J,) of the covariance of all frames; they add up to 1."""
        vectors = _scaled(self).reshape(-1, 3 * self.joints)
        return np.asarray(np.linalg.eigvalsh(np.cov(vectors.T, bias=True))[::-1])

    def _drawn(self, seed: int) -> Drawn:
        recorded = _scaled(self)
        order = np.random.default_rng(seed).permutation(self.sequences)
        judged = self.sequences // 5
        train, evaluation = recorded[order[judged:]], recorded[order[:judged]]
        return Drawn(train.reshape(-1, train.shape[2]), evaluation.reshape(-1, train.shape[2]))


@lru_cache(maxsize=4)
def _scaled(source: MotionFrames) -> NDArray[np.float64]:
    drawn = motion(sequences=source.sequences, frames=source.frames, joints=source.joints, classes=source.classes).frames
    centred = drawn - drawn.mean(axis=(0, 1))
    return np.asarray(centred / np.sqrt(centred.var(axis=(0, 1)).sum()))
