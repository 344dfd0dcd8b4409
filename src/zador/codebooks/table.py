"""The codebook: a table of codewords, how it came to be, and its place on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zador import artefacts
from zador.codebooks import storage
from zador.validation import as_matrix

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["Codebook", "load"]


@dataclass(frozen=True, eq=False, repr=False)
class Codebook:
    """K codewords in d dimensions.

    Attributes:
        codewords: (K, d) float32 or float64; a torch tensor if it was fitted to one.
        usage: (K,) float64, weight of the training vectors nearest to each codeword (counts without weights).
        origin: how it was made: initialiser, iterations, training distortion, seed, as plain values.

    Example:
        >>> Codebook(np.eye(4), usage=np.ones(4)).bits
        2.0
    """

    codewords: Any
    usage: NDArray[np.float64]
    origin: dict[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def codebook_size(self) -> int:
        """K, the number of codewords."""
        return int(self.codewords.shape[0])

    @property
    def dim(self) -> int:
        """d, the number of coordinates of a codeword."""
        return int(self.codewords.shape[1])

    @property
    def bits(self) -> float:
        """`log2 K`: bits per vector of an index of fixed length."""
        return float(np.log2(self.codebook_size))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the directory `path`: `zador.json` and the safetensors file that it names.

        The new codebook replaces what was saved in the same directory in one step; whenever the process dies, one of the
        two can be loaded.

        Raises:
            UsageError: `path` is a file, or cannot be written.
        """
        artefacts.write(path, storage.pack(as_matrix(self.codewords, "codewords"), self.usage, self.origin))

    def __repr__(self) -> str:
        made = ", ".join(f"{key}={value!r}" for key, value in self.origin.items())
        return (
            f"Codebook(codebook_size={self.codebook_size}, dim={self.dim}, bits={self.bits:g}{', ' if made else ''}{made})"
        )


def load(path: str | os.PathLike[str]) -> Codebook:
    """Return the codebook that `Codebook.save` wrote to the directory `path`, after checking all of it.

    Raises:
        FormatError: no codebook there, written by a newer version, altered, truncated, or its values make no sense.
    """
    return Codebook(*storage.unpack(artefacts.read(path)))
