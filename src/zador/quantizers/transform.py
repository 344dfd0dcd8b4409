"""Scalar transform coding: principal axes, and on each the best levels for the data there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from zador.errors import DataError
from zador.quantizers.allocation import allocate
from zador.quantizers.base import Quantizer, count_usage
from zador.quantizers.frame import Frame
from zador.quantizers.line import Line
from zador.quantizers.request import as_bits, varied_vectors
from zador.quantizers.storage import pack, unpack
from zador.theory import gaussian
from zador.theory.spectrum import numerical_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.artefacts import Artefact

__all__ = ["TransformQuantizer", "fit_transform_coding"]

# Levels are first considered up to twice what a Gaussian axis would get at the water level, and a few more.
_HEADROOM, _SPARE = 2.0, 4


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TransformQuantizer(Quantizer):
    """`z = Uᵀ(x - μ)`, `i_a = argmin_k |z_a - level_ak|`, `x̂ = μ + U (level_1i_1, …, level_mi_m)`: one stream an axis.

    Encoding is a search among thresholds, halfway between levels; on ties the lower level. Made by `fit_transform_coding`.

    Attributes:
        frame: the m axes that are coded.
        levels: m ascending arrays.
    """

    kind: ClassVar[str] = "transform"

    frame: Frame
    levels: tuple[NDArray[Any], ...]

    @property
    def dim(self) -> int:
        """D, the number of coordinates of a vector."""
        return len(self.frame.mean)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Float type of the levels."""
        return self.frame.mean.dtype

    def artefact(self) -> Artefact:
        """Return what `save` writes."""
        tensors = {"mean": self.frame.mean, "directions": self.frame.directions, "levels": np.concatenate(self.levels)}
        return pack(self, {}, tensors)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the quantizer whose `artefact()` this is; ValueError, KeyError or TypeError if it makes no sense."""
        saved = unpack(artefact)
        sizes = [len(usage) for usage in saved.usage]
        frame = Frame(saved.floats("mean", None), saved.floats("directions", None, len(sizes)))
        levels = tuple(np.split(saved.floats("levels", sum(sizes)), np.cumsum(sizes)[:-1]))
        if any((np.diff(line) < 0).any() for line in levels):
            raise ValueError("the levels of an axis are to ascend")
        return cls(frame=frame, levels=levels, usage=saved.usage, origin=saved.origin)

    @cached_property
    def _thresholds(self) -> tuple[NDArray[Any], ...]:
        # Halves first: the sum of two large levels may overflow.
        return tuple(0.5 * line[1:] + 0.5 * line[:-1] for line in self.levels)

    def _encode(self, x: NDArray[Any]) -> NDArray[np.int64]:
        z = self.frame.forward(x)
        streams = [np.searchsorted(line, z[:, axis]) for axis, line in enumerate(self._thresholds)]
        return np.stack(streams, axis=1).astype(np.int64, copy=False)

    def _decode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        return self.frame.backward(np.stack([line[indices[:, axis]] for axis, line in enumerate(self.levels)], axis=1))


def fit_transform_coding(x: Any, *, bits: float) -> TransformQuantizer:
    """Return the scalar quantizers on principal axes with the least training error for `Σ log2 levels <= bits`.

    Every axis gets the whole number of levels, up to 1024, that its own error calls for: `allocate` weighs the least errors
    of 1, 2, 3, … levels on the data of that axis, whatever their distribution. Axes with one level are left out. Levels are
    those of `Line`: stationary in the sense of Lloyd and Max [max1960quantizing], from the best partition of grouped data.
    No choice is random.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        bits: most bits per vector of indices of fixed length; what is spent may be a little less, as levels are whole
            numbers. Below 1 bit nothing can be bought, and all vectors become their mean.

    Raises:
        UsageError: `bits` is not positive and finite.
        DataError: all vectors are alike, or `bits` exceeds what their distinct values on the axes, up to 1024, can carry.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((4000, 3)) * [4.0, 1.0, 0.2]
        >>> fit_transform_coding(x, bits=5.0).sizes
        (16, 2)
    """
    rate, vectors = as_bits(bits), varied_vectors(x)
    frame = Frame.principal(vectors)
    z = frame.forward(vectors)
    lines, counts = _allocation(z, rate)
    coded = [axis for axis, count in enumerate(counts) if count > 1] or [0]
    levels = tuple(lines[axis].levels(counts[axis]).astype(vectors.dtype) for axis in coded)
    quantizer = TransformQuantizer(
        frame=Frame(frame.mean, np.ascontiguousarray(frame.directions[:, coded])),
        levels=levels,
        usage=tuple(np.zeros(len(line)) for line in levels),
    )
    indices = quantizer.encode(vectors)
    error = float(((vectors - quantizer.decode(indices)) ** 2).sum(axis=1, dtype=np.float64).mean())
    origin: dict[str, str | int | float | bool] = {"target_bits": rate, "training_distortion": error}
    return replace(quantizer, usage=count_usage(indices, quantizer.sizes), origin=origin)


def _allocation(z: NDArray[Any], bits: float) -> tuple[dict[int, Line], tuple[int, ...]]:
    """Return the axes that were looked at, and the levels of all.

    First the axes above the water level; then any other that could be worth the price found, and more levels wherever an
    axis took all that were offered.
    """
    variances = z.var(axis=0, dtype=np.float64)
    variances[variances <= numerical_zero(variances)] = 0.0
    share = np.sqrt(variances / max(gaussian.water_level(variances, bits), np.finfo(float).tiny))
    lines: dict[int, Line] = {}
    errors: list[NDArray[np.float64]] = [variances[axis : axis + 1] for axis in range(len(variances))]
    wanted = {int(axis): _HEADROOM * float(share[axis]) + _SPARE for axis in np.flatnonzero(share >= 1)}
    while True:
        for axis, most in wanted.items():
            lines.setdefault(axis, Line(np.sort(z[:, axis].astype(np.float64))))
            errors[axis] = lines[axis].distortions(int(min(most, lines[axis].most)))
        counts, price = allocate(errors, bits)
        wanted = {
            axis: 2.0 * count + _SPARE
            for axis, count in enumerate(counts)
            if count == len(errors[axis]) and (count < lines[axis].most if axis in lines else variances[axis] > price)
        }
        if not wanted:
            break
    carried = float(np.log2([line.most for line in lines.values()]).sum())
    if price == 0 and bits > carried + 1e-9:
        raise DataError(
            f"bits={bits:g}, but levels on each of {len(lines)} axes, up to 1024, carry at most {carried:.2f}; ask for fewer"
        )
    return lines, counts
