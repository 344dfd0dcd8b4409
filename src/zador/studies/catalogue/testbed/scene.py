"""What all arms of a setting share: the source, the sizes, and the start of everything that is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from zador.models.linear import LinearAutoencoder, start
from zador.studies.catalogue.testbed.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Scene"]


@dataclass(frozen=True)
class Scene:
    """K codewords behind an orthonormal encoder to m dimensions.

    Attributes:
        codebook_size: K.
        source: what vectors are drawn from.
        encoder_dim: m.
    """

    codebook_size: int = 32
    source: Source = field(default_factory=Source)
    encoder_dim: int = 4

    def start(self, seeds: Sequence[int]) -> LinearAutoencoder:
        """Return where training starts: principal axes, k-means++ and 20 updates of Lloyd on the first 8,000 vectors."""
        return _start(self, tuple(seeds))


@lru_cache(maxsize=8)
def _start(scene: Scene, seeds: tuple[int, ...]) -> LinearAutoencoder:
    train, _ = scene.source.stacked(seeds)
    return start(train, codebook_size=scene.codebook_size, encoder_dim=scene.encoder_dim, seeds=seeds)
