"""Residual quantization: each stage quantizes what the stages before it left over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.quantizers.base import Quantizer
from zador.quantizers.beam import beam_search, packed_stages
from zador.quantizers.storage import pack, unpack
from zador.search import nearest_of_clean
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["ResidualQuantizer"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ResidualQuantizer(Quantizer):
    """`x̂ = μ + Σ_s c_s,i_s`: S stages, a codebook of full width each [juang1982multiple].

    With a beam of 1 every stage takes the codeword nearest to the residual, exactly; with a beam of B the B best sums are
    carried from stage to stage, which costs B times as much and comes closer to the best of all `Π K_s` sums. Decoding
    does not depend on the beam: `dataclasses.replace(quantizer, beam=…)` reads and writes the same tokens.
    Made by `zador.quantizers.fit_residual`.

    Attributes:
        mean: (D,) μ.
        codebooks: S tables (K_s, D).
        beam: B, sums that are carried on.
    """

    kind: ClassVar[str] = "residual"

    mean: NDArray[Any]
    codebooks: tuple[NDArray[Any], ...]
    beam: int = 1

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return len(self.mean)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the codewords."""
        return self.mean.dtype

    def artefact(self) -> Artefact:
        """Return what `save` writes."""
        tensors = {f"codebook.{s}": codebook for s, codebook in enumerate(self.codebooks)}
        return pack(self, {"beam": self.beam}, {"mean": self.mean, **tensors})

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""
        saved = unpack(artefact, settings={"beam"})
        mean = saved.floats("mean", None)
        stages = enumerate(saved.usage)
        codebooks = tuple(saved.floats(f"codebook.{s}", len(usage), len(mean)) for s, usage in stages)
        beam = as_count(saved.settings["beam"], "beam")
        return cls(mean=mean, codebooks=codebooks, beam=beam, usage=saved.usage, origin=saved.origin)

    @cached_property
    def _packed(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return packed_stages(self.codebooks)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        residual = x - self.mean
        if self.beam > 1:
            return beam_search(residual, self.codebooks, self._packed, self.beam)
        indices = np.empty((len(x), len(self.codebooks)), np.int64)
        for s, codebook in enumerate(self.codebooks):
            indices[:, s] = nearest_of_clean(residual, codebook).indices
            residual -= codebook[indices[:, s]]
        return indices

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        values = np.repeat(self.mean[None], len(indices), axis=0)
        for s, codebook in enumerate(self.codebooks):
            values += codebook[indices[:, s]]
        return values
