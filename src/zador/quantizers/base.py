"""What every quantizer is: two verbs, hard values only, and one way to be kept."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np

from zador import artefacts
from zador.errors import DataError
from zador.validation import as_matrix, check_finite, is_torch

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["Origin", "Quantizer", "count_usage"]

Origin: TypeAlias = dict[str, str | int | float | bool]

# Rows that are at work together: a block of vectors, its indices and its scores stay within a few MiB.
_BLOCK_ROWS = 1 << 13
_NAMED = 3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Quantizer(ABC):
    """x (N, D) → indices (N, S) → x̂ (N, D): S streams of indices, each with an alphabet of its own.

    A quantizer is fitted once and never changes; `zador.quantizers.fit_…` makes one. It has no gradient and no loss.

    Attributes:
        usage: S arrays (K_s,) float64: how often the training vectors chose each index of a stream, the static model of
            a token file.
        origin: how it was made, as plain values.
    """

    kind: ClassVar[str]

    usage: tuple[NDArray[np.float64], ...]
    origin: Origin = field(default_factory=dict)

    @property
    @abstractmethod
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Float type of the decoded vectors."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """(K_1 … K_S): stream s holds indices from 0 to K_s - 1."""
        return tuple(len(counts) for counts in self.usage)

    @property
    def bits(self) -> float:
        """`Σ_s log2 K_s`: bits per vector of indices of fixed length."""
        return math.fsum(math.log2(size) for size in self.sizes)

    def encode(self, x: Any) -> Any:
        """Return the indices (N, S) int64 of vectors x (N, D).

        Args:
            x: NumPy array or CPU tensor of any float type; a memory-mapped one is read in blocks.

        Returns:
            Indices of the kind that came in: an array or a tensor. Every row is encoded by itself.

        Raises:
            DataError: another number of coordinates, or values beyond the float type of the quantizer.
            NonFiniteError: NaN or infinity.
        """
        vectors = as_matrix(x, "x")
        if vectors.shape[1] != self.dim:
            raise DataError(f"encode: x has {vectors.shape[1]} coordinates, this quantizer {self.dim}; both need the same D")
        check_finite(vectors, "x")
        indices = np.empty((len(vectors), len(self.usage)), np.int64)
        for start in range(0, len(vectors), _BLOCK_ROWS):
            indices[start : start + _BLOCK_ROWS] = self._encode(self._own(vectors[start : start + _BLOCK_ROWS]))
        return _like(x, indices)

    def decode(self, indices: Any) -> Any:
        """Return the vectors (N, D) that indices (N, S) stand for.

        Args:
            indices: whole numbers, 0 to K_s - 1 in column s: array or CPU tensor, as `encode` returns them.

        Raises:
            DataError: no whole numbers, another number of streams, or an index out of range.
        """
        numbers = self._checked(indices)
        vectors = np.empty((len(numbers), self.dim), self.dtype)
        for start in range(0, len(numbers), _BLOCK_ROWS):
            vectors[start : start + _BLOCK_ROWS] = self._decode(numbers[start : start + _BLOCK_ROWS])
        return _like(indices, vectors)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits: equal for quantizers that decode, and model, every index alike; `origin` does not enter."""
        artefact = self.artefact()
        return artefacts.digest(replace(artefact, about={k: v for k, v in artefact.about.items() if k != "origin"}))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the directory `path`: `zador.json` and the safetensors file that it names; `zador.load` reads it.

        Raises:
            UsageError: `path` is a file, or cannot be written.
        """
        artefacts.write(path, self.artefact())

    @abstractmethod
    def artefact(self) -> Artefact:
        """Return what `save` writes."""

    @classmethod
    @abstractmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""

    def __repr__(self) -> str:
        made = "".join(f", {key}={value!r}" for key, value in self.origin.items())
        return f"{type(self).__name__}(dim={self.dim}, streams={len(self.sizes)}, bits={self.bits:g}{made})"

    @abstractmethod
    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Return indices (n, S) of a block x (n, D): finite, contiguous, of dtype `self.dtype`."""

    @abstractmethod
    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return vectors (n, D) of a block of indices (n, S), all in range."""

    def _own(self, block: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            own = np.ascontiguousarray(block, self.dtype)
        if own.dtype.itemsize < block.dtype.itemsize and not np.isfinite(own).all():
            raise DataError(f"encode: x holds values beyond {self.dtype}, in which this quantizer works; scale the data")
        return own

    def _checked(self, indices: Any) -> NDArray[np.int64]:
        numbers = np.asarray(indices.detach().cpu() if is_torch(indices) else indices)
        if numbers.ndim != 2 or numbers.shape[1] != len(self.usage) or numbers.dtype.kind not in "iu":  # noqa: PLR2004
            raise DataError(
                f"decode: expected whole numbers of shape (N, {len(self.usage)}), one column a stream, got "
                f"{numbers.dtype} of shape {numbers.shape}; pass what encode returned"
            )
        wrong = np.flatnonzero(((numbers < 0) | (numbers >= np.array(self.sizes))).any(axis=1))
        if len(wrong):
            first = ", ".join(f"row {row}: {numbers[row].tolist()}" for row in wrong[:_NAMED])
            raise DataError(
                f"decode: {len(wrong)} of {len(numbers)} rows hold indices outside the alphabets {_shown(self.sizes)} "
                f"({first[:200]}); were they encoded with this quantizer?"
            )
        return numbers.astype(np.int64, copy=False)


def count_usage(indices: NDArray[np.int64], sizes: tuple[int, ...]) -> tuple[NDArray[np.float64], ...]:
    """Return S arrays (K_s,): how often each index occurs in each column of indices (N, S)."""
    return tuple(np.bincount(indices[:, s], minlength=size).astype(np.float64) for s, size in enumerate(sizes))


def _shown(sizes: tuple[int, ...]) -> str:
    text = ", ".join(map(str, sizes[:8]))
    return f"({text}{', ...' if len(sizes) > 8 else ''})"  # noqa: PLR2004 - as many as one line takes


def _like(given: Any, array: NDArray[Any]) -> Any:
    if not is_torch(given):
        return array
    import torch

    return torch.from_numpy(array).to(given.device)
