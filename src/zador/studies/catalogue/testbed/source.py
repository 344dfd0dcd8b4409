"""The low-rank Gaussian as a value: what a seed draws, once for all arms that a process runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zador.data import LowRankGaussian, low_rank_gaussian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Source"]

_KEPT_STACKS = 4
"""Stacks of draws that a process keeps: arms on the same data follow each other. Five seeds take 60 MB."""


@dataclass(frozen=True)
class Source:
    """N(0, U diag(geomspace(4, 1/4, rank)) U' + v I) in `dim` dimensions, with a new U for every seed.

    Attributes:
        dim: D.
        rank: r, of the signal.
        noise_variance: v, in all D directions.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.
    """

    dim: int = 64
    rank: int = 6
    noise_variance: float = 0.0
    train: int = 20_000
    evaluation: int = 4_000

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """(D,) of the covariance, largest first: the same for every seed."""
        return self._draw(0, 1, 1).eigenvalues

    @property
    def is_gaussian(self) -> bool:
        """True: Shannon's D(R) and the K-point floor hold for it."""
        return True

    def stacked(self, seeds: Sequence[int], /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (S, N, D) vectors to fit on and (S, M, D) to judge on, one member a seed; not to be written to."""
        return _stacked(self, tuple(seeds))

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of the subspace and of the first vector that `seed` draws: they decide all others."""
        return _fingerprint(self, seed)

    def _draw(self, seed: int, train: int, evaluation: int) -> LowRankGaussian:
        return low_rank_gaussian(
            dim=self.dim,
            rank=self.rank,
            noise_variance=self.noise_variance,
            train=train,
            evaluation=evaluation,
            seed=seed,
        )


@lru_cache(maxsize=_KEPT_STACKS)
def _stacked(source: Source, seeds: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    train = np.empty((len(seeds), source.train, source.dim))
    evaluation = np.empty((len(seeds), source.evaluation, source.dim))
    for member, seed in enumerate(seeds):
        drawn = source._draw(seed, source.train, source.evaluation)  # noqa: SLF001 - a part of the class below its line
        train[member], evaluation[member] = drawn.train, drawn.evaluation
    train.flags.writeable = evaluation.flags.writeable = False
    return train, evaluation


@lru_cache(maxsize=1024)
def _fingerprint(source: Source, seed: int) -> str:
    drawn = source._draw(seed, 1, 1)  # noqa: SLF001 - as above
    numbers = hashlib.sha256(np.ascontiguousarray(drawn.basis).tobytes())
    numbers.update(drawn.train.tobytes())
    return f"{source.train}+{source.evaluation} vectors, {numbers.hexdigest()[:16]}"
