"""Product quantization: coordinates in slices, a codebook for each; K^S codewords for the price of S·K."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.quantizers.base import Quantizer
from zador.quantizers.frame import Frame
from zador.quantizers.storage import pack, unpack
from zador.search import nearest_of_clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["ProductQuantizer"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ProductQuantizer(Quantizer):
    """`z = Uᵀ(x - μ)`, `i_s = argmin_k ||z[columns_s] - c_sk||²`, `x̂ = μ + U (c_1i_1, …, c_Si_S)` [jegou2011product].

    Errors of slices add up, so every slice chooses for itself and the choice is the best of all `Π K_s` codewords.
    Made by `zador.quantizers.fit_product`.

    Attributes:
        frame: the axes (U, μ) along which vectors are cut, or None for their own coordinates.
        columns: S index arrays: which coordinates a slice holds; together each once.
        codebooks: S tables (K_s, d_s).
    """

    kind: ClassVar[str] = "product"

    frame: Frame | None
    columns: tuple[NDArray[np.int64], ...]
    codebooks: tuple[NDArray[Any], ...]

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return sum(len(columns) for columns in self.columns) if self.frame is None else len(self.frame.mean)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the codewords."""
        return self.codebooks[0].dtype

    def artefact(self) -> Artefact:
        """Return what `save` writes."""
        tensors = {f"codebook.{s}": codebook for s, codebook in enumerate(self.codebooks)}
        if self.frame is not None:
            tensors |= {"mean": self.frame.mean, "directions": self.frame.directions}
        return pack(self, {"columns": [columns.tolist() for columns in self.columns]}, tensors)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""
        saved = unpack(artefact, settings={"columns"})
        columns = tuple(np.array(part, np.int64) for part in saved.settings["columns"])
        axes = sum(len(part) for part in columns)
        if len(columns) != len(saved.usage) or sorted(np.concatenate(columns)) != list(range(axes)):
            raise ValueError(f"columns are to hold each coordinate once in {len(saved.usage)} slices")
        codebooks = tuple(
            saved.floats(f"codebook.{s}", len(usage), len(part))
            for s, (usage, part) in enumerate(zip(saved.usage, columns, strict=True))
        )
        frame = None
        if "mean" in saved.tensors:
            frame = Frame(saved.floats("mean", None), saved.floats("directions", None, axes))
        return cls(frame=frame, columns=columns, codebooks=codebooks, usage=saved.usage, origin=saved.origin)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        z = x if self.frame is None else self.frame.forward(x)
        found = [
            nearest_of_clean(z[:, part], table).indices for part, table in zip(self.columns, self.codebooks, strict=True)
        ]
        return np.stack(found, axis=1)

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        z = np.empty((len(indices), sum(len(part) for part in self.columns)), self.dtype)
        for s, (part, table) in enumerate(zip(self.columns, self.codebooks, strict=True)):
            z[:, part] = table[indices[:, s]]
        return z if self.frame is None else self.frame.backward(z)
