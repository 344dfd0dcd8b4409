"""Vectors with the spectrum, the common direction and the length of sentence embeddings: synthetic, no text behind them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador.studies.catalogue.sources.source import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Embeddings"]

_REFERENCE = 20_000
"""Draws from which mean and covariance are taken, once for all seeds."""


@dataclass(frozen=True)
class Embeddings(DrawnSource):
    """x = (m + g) / ‖m + g‖ with g ~ N(0, diag(λ)), λ_i ∝ i^-decay, Σ λ = 1; then centred, and scaled to a variance of 1.

    Embeddings of text lie in a narrow cone: they share a mean direction [mu2018all] [ethayarajh2019contextual], here that of
    (1, …, 1), with ‖m‖² = c / (1 - c), so that two of them have a cosine of about c. The numbers are a stylised choice and
    belong to no model: 384 coordinates are usual for small encoders; at a decay of 0.75 the participation ratio
    (Σλ)² / Σλ² is 82. What this leaves out is what makes embeddings useful, clusters of topics: before it is scaled to
    length 1 it is a Gaussian.

    Mean and scale are those of a reference draw that no seed changes.

    Attributes:
        dim: D.
        decay: of the power law.
        cosine: c, of two vectors, on average.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.

    >>> Embeddings(dim=16, train=5, evaluation=2).draw(1).train.shape
    (5, 16)
    """

    dim: int = 384
    decay: float = 0.75
    cosine: float = 0.4
    train: int = 6400
    evaluation: int = 1600

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance of 20,000 reference draws; they add up to 1."""
        return _reference(self.dim, self.decay, self.cosine).eigenvalues

    def _drawn(self, seed: int) -> Drawn:
        reference = _reference(self.dim, self.decay, self.cosine)
        rng = np.random.default_rng([1, seed])
        vectors = _on_sphere(rng, self.train + self.evaluation, self.dim, self.decay, self.cosine)
        vectors = (vectors - reference.mean) / reference.scale
        return Drawn(vectors[: self.train], vectors[self.train :])


class _Reference(NamedTuple):
    mean: NDArray[np.float64]
    scale: float
    eigenvalues: NDArray[np.float64]


@lru_cache(maxsize=4)
def _reference(dim: int, decay: float, cosine: float) -> _Reference:
    vectors = _on_sphere(np.random.default_rng(0), _REFERENCE, dim, decay, cosine)
    mean = vectors.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(np.cov(vectors.T, bias=True))[::-1]
    return _Reference(mean, float(np.sqrt(eigenvalues.sum())), eigenvalues / eigenvalues.sum())


def _on_sphere(rng: np.random.Generator, count: int, dim: int, decay: float, cosine: float) -> NDArray[np.float64]:
    variances = np.arange(1, dim + 1) ** -decay
    vectors = rng.standard_normal((count, dim)) * np.sqrt(variances / variances.sum())
    vectors += np.sqrt(cosine / (1 - cosine) / dim)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
