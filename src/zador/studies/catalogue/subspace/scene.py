"""What all arms of a setting share: the source, the sizes, and where training starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zador.codebooks import principal_axes
from zador.models.linear import LinearAutoencoder, random_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.codebooks import Initialiser
    from zador.studies.catalogue.subspace.source import Subspace

__all__ = ["Begin", "Blind", "Scene", "Warm"]

_CODEWORDS = 21
"""A stream of a seed that draws nothing else."""


class Begin(Protocol):
    """Where training starts: a frozen dataclass that is called with data."""

    def __call__(
        self, x: list[NDArray[np.float64]], codebook_size: int, encoder_dim: int, seeds: Sequence[int]
    ) -> LinearAutoencoder:
        """Return one member a seed for S matrices (N, D)."""


@dataclass(frozen=True)
class Blind:
    """Random orthonormal rows.

    Attributes:
        codewords: an initialiser, which sees the encodings.
    """

    codewords: Initialiser

    def __call__(
        self, x: list[NDArray[np.float64]], codebook_size: int, encoder_dim: int, seeds: Sequence[int]
    ) -> LinearAutoencoder:
        """Return `random_start`."""
        return random_start(x, codebook_size=codebook_size, encoder_dim=encoder_dim, seeds=seeds, codewords=self.codewords)


@dataclass(frozen=True)
class Warm:
    """Principal axes, where a linear encoder without a codebook ends: a continuous warm start.

    Attributes:
        codewords: an initialiser, which sees the encodings.
    """

    codewords: Initialiser

    def __call__(
        self, x: list[NDArray[np.float64]], codebook_size: int, encoder_dim: int, seeds: Sequence[int]
    ) -> LinearAutoencoder:
        """Return the axes with codewords on their encodings."""
        axes = [np.ascontiguousarray(principal_axes(matrix).directions[:, :encoder_dim].T) for matrix in x]
        table = [
            self.codewords(matrix @ encoder.T, codebook_size, np.random.default_rng([_CODEWORDS, seed]))
            for matrix, encoder, seed in zip(x, axes, seeds, strict=True)
        ]
        return LinearAutoencoder(np.stack(axes), np.stack(table), np.zeros((len(x), x[0].shape[1])))


@dataclass(frozen=True)
class Scene:
    """K codewords behind an orthonormal encoder to m dimensions.

    Attributes:
        codebook_size: K.
        source: what vectors are drawn from.
        begin: where training starts.
        encoder_dim: m.
    """

    codebook_size: int
    source: Subspace
    begin: Begin
    encoder_dim: int = 4

    def vectors(self, seeds: Sequence[int]) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Return S matrices (N, D) to fit on and S matrices (M, D) to judge on."""
        drawn = [self.source.draw(seed) for seed in seeds]
        return [each.train for each in drawn], [each.evaluation for each in drawn]

    def start(self, seeds: Sequence[int]) -> LinearAutoencoder:
        """Return where training starts, one member a seed."""
        return _start(self, tuple(seeds))


@lru_cache(maxsize=4)
def _start(scene: Scene, seeds: tuple[int, ...]) -> LinearAutoencoder:
    return scene.begin(scene.vectors(seeds)[0], scene.codebook_size, scene.encoder_dim, seeds)
