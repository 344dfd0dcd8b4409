"""Gaussian vectors with a spectrum of one's own, axis by axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Gaussian"]


@dataclass(frozen=True)
class Gaussian(DrawnSource):
    """N(0, diag(variances)).

    Attributes:
        variances: (D,) of the coordinates, largest first.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.

    >>> Gaussian((4.0, 1.0), train=5, evaluation=2).draw(1).train.shape
    (5, 2)
    """

    variances: tuple[float, ...]
    train: int = 20_000
    evaluation: int = 4_000

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance."""
        return np.array(self.variances)

    @property
    def is_gaussian(self) -> bool:
        """True."""
        return True

    def _drawn(self, seed: int) -> Drawn:
        vectors = np.random.default_rng(seed).standard_normal((self.train + self.evaluation, len(self.variances)))
        vectors *= np.sqrt(self.eigenvalues)
        return Drawn(vectors[: self.train], vectors[self.train :])
