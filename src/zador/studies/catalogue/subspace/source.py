"""A signal that fills a few directions of many, and noise that fills all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue.sources import Drawn, DrawnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Subspace"]

_BASIS, _TRAIN, _EVALUATION, _ELSEWHERE = range(10, 14)


@dataclass(frozen=True)
class Subspace(DrawnSource):
    """x = U s + noise · e, s ~ N(0, I_rank), e ~ N(0, I_dim), U (dim, rank) with orthonormal columns, a new U a seed.

    Attributes:
        dim: D.
        rank: r, of the signal.
        noise: standard deviation of every coordinate of the noise.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.
        elsewhere: whether the vectors to judge on have a U of their own, as in the runs of the report; then they say little
            about what was learned. The vectors to fit on are the same either way.

    >>> Subspace(dim=6, rank=2, train=5, evaluation=2).draw(1).train.shape
    (5, 6)
    """

    dim: int = 256
    rank: int = 4
    noise: float = 0.1
    train: int = 20_000
    evaluation: int = 4_000
    elsewhere: bool = False

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance, largest first: the same for every seed, and for either U."""
        return np.repeat([1.0, 0.0], [self.rank, self.dim - self.rank]) + self.noise**2

    @property
    def is_gaussian(self) -> bool:
        """True."""
        return True

    def basis(self, seed: int) -> NDArray[np.float64]:
        """Return (dim, rank): the U of the vectors to fit on."""
        return self._basis(_BASIS, seed)

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of both subspaces and of the first vectors that `seed` draws: they decide all others."""
        return _fingerprint(self, seed)

    def judged_basis(self, seed: int) -> NDArray[np.float64]:
        """Return (dim, rank): the U of the vectors to judge on."""
        return self._basis(_ELSEWHERE, seed) if self.elsewhere else self.basis(seed)

    def _drawn(self, seed: int) -> Drawn:
        return self._first(seed, self.train, self.evaluation)

    def _first(self, seed: int, train: int, evaluation: int) -> Drawn:
        return Drawn(
            self._vectors([_TRAIN, seed], self.basis(seed), train),
            self._vectors([_EVALUATION, seed], self.judged_basis(seed), evaluation),
        )

    def _vectors(self, stream: list[int], basis: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(stream)
        # Vector by vector, so that the first ones are the same however many follow.
        drawn = rng.standard_normal((count, self.rank + self.dim))
        vectors = drawn[:, self.rank :]
        vectors *= self.noise
        return vectors + drawn[:, : self.rank] @ basis.T

    def _basis(self, stream: int, seed: int) -> NDArray[np.float64]:
        return np.linalg.qr(np.random.default_rng([stream, seed]).standard_normal((self.dim, self.rank))).Q


@lru_cache(maxsize=1024)
def _fingerprint(source: Subspace, seed: int) -> str:
    numbers = hashlib.sha256(np.ascontiguousarray(source.judged_basis(seed)).tobytes())
    for part in (source.basis(seed), *source._first(seed, 1, 1)):  # noqa: SLF001 - a part of the class below its line
        numbers.update(np.ascontiguousarray(part).tobytes())
    return f"{source.train}+{source.evaluation} vectors, {numbers.hexdigest()[:16]}"
