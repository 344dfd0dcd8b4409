"""The lattice quantizer: principal axes, one step for all, and an entropy coder to make use of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.quantizers.base import Quantizer
from zador.quantizers.frame import Frame
from zador.quantizers.grid import Grid
from zador.quantizers.lattices import LATTICES
from zador.quantizers.storage import pack, unpack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["LatticeQuantizer"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LatticeQuantizer(Quantizer):
    """`z = Uᵀ(x - μ)`, i = the nearest lattice point's whole numbers, `x̂ = μ + U (t_1[i], …, t_m[i])`.

    Decoding looks up the mean of the training vectors for every coordinate that a lattice point can have on an axis: far
    from the mean, or with steps wider than the axis, that is not the lattice point. Vectors beyond the range of training get
    the nearest point within. The rate is what an entropy coder makes of the streams, not `bits`. Made by `fit_lattice`.

    Attributes:
        frame: the m axes that are coded.
        grid: the lattice on them, and the ranges of its whole numbers.
        values: m arrays: what is decoded, for each place on an axis.
    """

    kind: ClassVar[str] = "lattice"

    frame: Frame
    grid: Grid
    values: tuple[NDArray[Any], ...]

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return len(self.frame.mean)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the decoded vectors."""
        return self.frame.mean.dtype

    def artefact(self) -> Artefact:
        """Return what `save` writes."""
        settings = {"lattice": self.grid.lattice.name, "blocks": self.grid.blocks, "step": self.grid.step}
        tensors = {
            "mean": self.frame.mean,
            "directions": self.frame.directions,
            "low": self.grid.low,
            "values": np.concatenate(self.values),
        }
        return pack(self, settings, tensors)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""
        saved = unpack(artefact, settings={"lattice", "blocks", "step"})
        low = saved.tensors["low"]
        if low.dtype != np.int64 or low.ndim != 1 or not isinstance(saved.settings["blocks"], int):
            raise ValueError(
                f"low is {low.dtype} of shape {low.shape}, expected int64 (m,); blocks are to be a whole number"
            )
        frame = Frame(saved.floats("mean", None), saved.floats("directions", None, len(low)))
        sizes = tuple(len(usage) for usage in saved.usage)
        grid = Grid.of_sizes(
            LATTICES[saved.settings["lattice"]], saved.settings["blocks"], float(saved.settings["step"]), low, sizes
        )
        lengths = [len(points) for points in grid.points()]
        values = np.split(saved.floats("values", sum(lengths)), np.cumsum(lengths)[:-1])
        return cls(frame=frame, grid=grid, values=tuple(values), usage=saved.usage, origin=saved.origin)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        return self.grid.indices(self.grid.cells(self.frame.forward(x)))

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        places = self.grid.places(self.grid.cells_of(indices))
        z = np.stack([values[places[:, axis]] for axis, values in enumerate(self.values)], axis=1)
        return self.frame.backward(z)
