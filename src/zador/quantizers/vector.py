"""The plain vector quantizer: one codebook, one stream, the nearest codeword."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.codebooks import Codebook, storage
from zador.quantizers.base import Quantizer
from zador.search import nearest_of_clean
from zador.validation import as_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["VectorQuantizer"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class VectorQuantizer(Quantizer):
    """`i = argmin_k ||x - c_k||²`, `x̂ = c_i`: S = 1, log2 K bits.

    `VectorQuantizer.of(codebook)` makes one from what `zador.fit_codebook` returns. It is saved as that codebook.

    Attributes:
        codewords: (K, D).

    Example:
        >>> quantizer = VectorQuantizer.of(Codebook(np.array([[0.0, 0.0], [1.0, 1.0]]), usage=np.ones(2)))
        >>> quantizer.encode(np.array([[0.9, 0.8], [0.1, 0.0]])).tolist()
        [[1], [0]]
    """

    kind: ClassVar[str] = storage.KIND

    codewords: NDArray[Any]

    @classmethod
    def of(cls, codebook: Codebook) -> Self:
        """Return the quantizer that chooses among the codewords of `codebook`."""
        codewords = np.ascontiguousarray(as_matrix(codebook.codewords, "codewords"))
        return cls(codewords=codewords, usage=(np.asarray(codebook.usage, np.float64),), origin=codebook.origin)

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return int(self.codewords.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the codewords."""
        return self.codewords.dtype

    def artefact(self) -> Artefact:
        """Return what `Codebook.save` writes: a codebook and its quantizer are the same thing on disk."""
        return storage.pack(self.codewords, self.usage[0], self.origin)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer of the codebook that `artefact` holds."""
        codewords, usage, origin = storage.unpack(artefact)
        return cls(codewords=codewords, usage=(usage,), origin=origin)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        return np.asarray(nearest_of_clean(x, self.codewords).indices[:, None])

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(self.codewords[indices[:, 0]])
