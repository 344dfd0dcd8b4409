"""Pieces of photographs as small maps, pixels as they are: for codes that share something between neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.data import load
from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PhotoMaps"]

_COLOURS = 3


@dataclass(frozen=True)
class PhotoMaps(DrawnSource):
    """Squares of the two sample photographs, a row each: `side` × `side` patches one after the other, a patch in one run.

    Centred and scaled so that the variances add up to 1; a seed splits them.

    Attributes:
        side: patches along a side of a map.
        patch: pixels along a side of a patch.
        held_out: share to judge on.

    >>> [part.shape for part in PhotoMaps().draw(1)]
    [(6784, 192), (1696, 192)]
    """

    side: int = 2
    patch: int = 4
    held_out: float = 0.2

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance of all vectors; they add up to 1."""
        return np.asarray(np.linalg.eigvalsh(np.cov(_scaled(self).T, bias=True))[::-1].clip(min=0.0))

    def _drawn(self, seed: int) -> Drawn:
        vectors = _scaled(self)
        order = np.random.default_rng(seed).permutation(len(vectors))
        judged = int(self.held_out * len(vectors))
        return Drawn(vectors[order[judged:]], vectors[order[:judged]])


@lru_cache(maxsize=4)
def _scaled(source: PhotoMaps) -> NDArray[np.float64]:
    side, patch = source.side, source.patch
    pixels = load("photos", patch=side * patch).array.astype(np.float64)
    cut = pixels.reshape(-1, side, patch, side, patch, _COLOURS).transpose(0, 1, 3, 2, 4, 5)
    vectors = cut.reshape(len(pixels), -1)
    vectors = vectors - vectors.mean(axis=0)
    return np.ascontiguousarray(vectors / np.sqrt(vectors.var(axis=0).sum()))
