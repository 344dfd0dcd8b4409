"""Quantizers of `zador.quantizers`, fitted to training vectors and judged on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zador.codebooks import fit_codebook
from zador.quantizers import Rotation, VectorQuantizer, fit_product, fit_residual, fit_transform_coding
from zador.studies.catalogue.codes.code import Code, OnSource, measured
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.quantizers import Quantizer

__all__ = ["Fit", "Fitted", "OneTable", "Product", "Residual", "Scalars", "of_quantizer"]


class Fit(Protocol):
    """A frozen dataclass that fits a quantizer."""

    def __call__(self, x: NDArray[np.float64], seed: int, /) -> Quantizer:
        """Return the quantizer for training vectors (N, D)."""


@dataclass(frozen=True)
class OneTable:
    """A table, by k-means++ and Lloyd's algorithm.

    Attributes:
        codebook_size: K.
        iterations: most updates.
    """

    codebook_size: int
    iterations: int = 100

    def __call__(self, x: NDArray[np.float64], seed: int, /) -> Quantizer:
        """Return the quantizer."""
        return VectorQuantizer.of(fit_codebook(x, self.codebook_size, iterations=self.iterations, seed=seed))


@dataclass(frozen=True)
class Product:
    """Slices of learned axes with a table each.

    Attributes:
        slices: S.
        codebook_size: K of a slice.
        turns: between codebooks and axes.
    """

    slices: int
    codebook_size: int
    turns: int = 10

    def __call__(self, x: NDArray[np.float64], seed: int, /) -> Quantizer:
        """Return the quantizer."""
        rotation = Rotation(iterations=self.turns)
        return fit_product(x, slices=self.slices, codebook_size=self.codebook_size, rotation=rotation, seed=seed)


@dataclass(frozen=True)
class Residual:
    """Sums of a codeword a stage.

    Attributes:
        stages: S.
        codebook_size: K of a stage.
        beam: sums that are carried on; 1 is greedy.
        refits: rounds of joint re-fit of all stages.
    """

    stages: int
    codebook_size: int
    beam: int = 1
    refits: int = 0

    def __call__(self, x: NDArray[np.float64], seed: int, /) -> Quantizer:
        """Return the quantizer."""
        return fit_residual(
            x, stages=self.stages, codebook_size=self.codebook_size, beam=self.beam, refits=self.refits, seed=seed
        )


@dataclass(frozen=True)
class Scalars:
    """The best scalar quantizer on each principal axis that is worth one: finite scalars, fitted instead of trained.

    Attributes:
        bits: most of them, spent in whole numbers of levels.
    """

    bits: float

    def __call__(self, x: NDArray[np.float64], _seed: int, /) -> Quantizer:
        """Return the quantizer; nothing is random."""
        return fit_transform_coding(x, bits=self.bits)


@dataclass(frozen=True)
class Fitted(OnSource):
    """A quantizer of equal rate, fitted.

    Attributes:
        fit: what fits it.
    """

    fit: Fit

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures."""
        return [self._of(seed) for seed in seeds]

    def _of(self, seed: int) -> Outcome:
        drawn = self.source.draw(seed)
        return Outcome(measured(self.source, drawn, of_quantizer(self.fit(drawn.train, seed))))


def of_quantizer(quantizer: Quantizer) -> Code:
    """Return the code that a quantizer is; what its artefact holds is stored, without the usage."""
    tensors = quantizer.artefact().tensors
    kept = sum(np.size(tensor) for name, tensor in tensors.items() if not name.startswith("usage"))
    return Code(quantizer.sizes, quantizer.encode, quantizer.decode, kept)
