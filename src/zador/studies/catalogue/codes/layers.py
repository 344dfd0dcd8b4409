"""Layers to put between an encoder and a decoder, as values: K, and the parts that can be exchanged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from zador import layers
from zador.codebooks import Ema

if TYPE_CHECKING:
    from zador.layers import Bottleneck

__all__ = ["FiniteScalars", "LookupFree", "MakeLayer", "ResidualScalars", "Stages", "Vq"]


class MakeLayer(Protocol):
    """A frozen dataclass that makes a layer."""

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return a layer for vectors of `dim` coordinates."""


@dataclass(frozen=True)
class Vq:
    """`zador.vq`.

    Attributes:
        codebook_size: K.
        learner: how codewords start, move and revive; its seed is the run's.
    """

    codebook_size: int
    learner: Ema = field(default_factory=Ema)

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        return layers.vq(dim, self.codebook_size, learner=replace(self.learner, seed=seed), seed=seed)


@dataclass(frozen=True)
class Stages:
    """`zador.rvq`.

    Attributes:
        codebook_size: K of a stage.
        stages: S.
    """

    codebook_size: int
    stages: int

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        return layers.rvq(dim, self.codebook_size, self.stages, learner=Ema(seed=seed), seed=seed)


@dataclass(frozen=True)
class FiniteScalars:
    """`zador.fsq`.

    Attributes:
        levels: L_i of the coordinates.
    """

    levels: tuple[int, ...]

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return the layer; linear maps in and out where `dim` is not the number of levels."""
        return layers.fsq(self.levels, dim, seed=seed)


@dataclass(frozen=True)
class ResidualScalars:
    """`zador.rfsq`.

    Attributes:
        levels: L_i of the coordinates, the same in every stage.
        stages: S.
    """

    levels: tuple[int, ...]
    stages: int

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        return layers.rfsq(self.levels, self.stages, dim, seed=seed)


@dataclass(frozen=True)
class LookupFree:
    """`zador.lfq`.

    Attributes:
        codebook_size: K = 2^d.
    """

    codebook_size: int

    def __call__(self, dim: int, seed: int, /) -> Bottleneck:
        """Return the layer."""
        return layers.lfq(dim, self.codebook_size, seed=seed)
