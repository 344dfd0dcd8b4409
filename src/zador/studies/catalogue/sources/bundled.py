"""Real vectors that come with installed packages: a seed splits them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks import principal_axes
from zador.data import load
from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bundled"]


@dataclass(frozen=True)
class Bundled(DrawnSource):
    """Data that `zador.data.load` knows by name, centred, seen through their principal axes, scaled, and split in two.

    Scaled so that their variances add up to 1: a distortion is the share of the variance that is left, and learning rates
    mean the same for all data. Axes, mean and scale are those of all vectors, so that a seed changes the split and nothing
    else: no label is involved, and what they know of the vectors to judge on they tell every arm alike.

    Attributes:
        name: "digits" or "photos".
        axes: m leading principal axes that are kept; None for all that are not empty.
        patch: side of the patches that photographs are cut into.
        held_out: share of the vectors to judge on.

    >>> [part.shape for part in Bundled("digits", axes=8).draw(1)]
    [(1438, 8), (359, 8)]
    """

    name: str
    axes: int | None = None
    patch: int = 8
    held_out: float = 0.2

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(m,) of the covariance of all vectors; they add up to 1."""
        return np.asarray(_projected(self).var(axis=0))

    def _drawn(self, seed: int) -> Drawn:
        vectors = _projected(self)
        order = np.random.default_rng(seed).permutation(len(vectors))
        judged = int(self.held_out * len(vectors))
        return Drawn(vectors[order[judged:]], vectors[order[:judged]])


@lru_cache(maxsize=8)
def _projected(source: Bundled) -> NDArray[np.float64]:
    vectors = load(source.name, patch=source.patch).array.astype(np.float64)
    axes = principal_axes(vectors)
    kept = int(np.count_nonzero(axes.eigenvalues > 0)) if source.axes is None else source.axes
    projected = (vectors - vectors.mean(axis=0)) @ axes.directions[:, :kept]
    return np.ascontiguousarray(projected / np.sqrt(projected.var(axis=0).sum()))
