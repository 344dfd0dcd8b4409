"""Clusters: vectors that are far from Gaussian, with a covariance that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Mixture"]


@dataclass(frozen=True)
class Mixture(DrawnSource):
    """Clusters N(m_c, spread² I) with means m_c ~ N(0, I) and shares ∝ 1, 1/2, …, 1/C; a seed draws the means too.

    Attributes:
        clusters: C.
        dim: D.
        spread: standard deviation inside a cluster.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.

    >>> Mixture(train=5, evaluation=2).draw(1).evaluation.shape
    (2, 4)
    """

    clusters: int = 50
    dim: int = 4
    spread: float = 0.15
    train: int = 20_000
    evaluation: int = 4_000

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance over draws of the means, (1 - Σ share²) + spread²; that of a seed lies around it."""
        kept = 1.0 - float(np.square(self._shares).sum())
        return np.full(self.dim, kept + self.spread**2)

    @property
    def _shares(self) -> NDArray[np.float64]:
        weights = 1.0 / np.arange(1, self.clusters + 1)
        return np.asarray(weights / weights.sum())

    def _drawn(self, seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        means = rng.standard_normal((self.clusters, self.dim))
        means -= self._shares @ means
        count = self.train + self.evaluation
        vectors = means[rng.choice(self.clusters, count, p=self._shares)]
        vectors += self.spread * rng.standard_normal((count, self.dim))
        return Drawn(vectors[: self.train], vectors[self.train :])
