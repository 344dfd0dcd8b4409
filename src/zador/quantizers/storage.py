"""Quantizers on disk: every kind in one layout, checked for meaning before it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from zador import artefacts
from zador.artefacts import Artefact
from zador.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from zador.quantizers.base import Quantizer

__all__ = ["Saved", "pack", "unpack"]

_USAGE = "usage"


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sizes: list[int] = Field(min_length=1)
    dtype: Literal["float32", "float64"]
    settings: dict[str, Any]
    origin: dict[str, str | int | float | bool]


@dataclass(frozen=True, eq=False)
class Saved:
    """What was saved of a quantizer, as far as every kind has it.

    Attributes:
        settings: plain values, checked by the kind that reads them.
        tensors: finite arrays in `dtype` or of whole numbers, by name.
        usage: S arrays (K_s,) of non-negative float64.
        origin: how it was made.
        dtype: float type of the decoded vectors.
    """

    settings: dict[str, Any]
    tensors: dict[str, NDArray[Any]]
    usage: tuple[NDArray[np.float64], ...]
    origin: dict[str, str | int | float | bool]
    dtype: np.dtype[Any]

    def floats(self, name: str, *shape: int | None) -> NDArray[Any]:
        """Return the tensor `name`; ValueError unless it has the dtype of the quantizer and this shape (None: any)."""
        tensor = self.tensors[name]
        fits = len(tensor.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, tensor.shape, strict=True))
        if tensor.dtype != self.dtype or not fits:
            raise ValueError(f"{name} is {tensor.dtype} of shape {tensor.shape}, expected {self.dtype} of shape {shape}")
        return tensor


def pack(quantizer: Quantizer, settings: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Artefact:
    """Return the artefact of `quantizer`: `settings` are JSON values, `tensors` its arrays but for the usage."""
    about = {
        "sizes": list(quantizer.sizes),
        "dtype": str(quantizer.dtype),
        "settings": settings,
        "origin": quantizer.origin,
    }
    return Artefact(quantizer.kind, about, {**tensors, _USAGE: np.concatenate(quantizer.usage)})


def unpack(artefact: Artefact, *, settings: Collection[str] = ()) -> Saved:
    """Return what `pack` put in, after checking what every kind promises.

    Args:
        artefact: what was read.
        settings: names of the settings that this kind has.

    Raises:
        FormatError: missing or superfluous values, NaN, negative usage, or sizes that do not fit.
    """
    about = artefacts.checked(_About, artefact)
    if set(about.settings) != set(settings):
        raise FormatError(f"{artefact.place}: expected the settings {sorted(settings)}, got {sorted(about.settings)}")
    tensors = dict(artefact.tensors)
    usage = tensors.pop(_USAGE, None)
    if usage is None or usage.dtype != np.float64 or usage.shape != (sum(about.sizes),) or min(about.sizes) < 1:
        raise FormatError(f"{artefact.place}: expected the usage of streams of {about.sizes[:8]} indices; save it again")
    for name, tensor in (*tensors.items(), (_USAGE, usage)):
        if tensor.dtype.kind not in "fiu" or not np.isfinite(tensor).all():
            raise FormatError(f"{artefact.place}: tensor {name!r} holds NaN, infinity, or no numbers; save it again")
    if (usage < 0).any():
        raise FormatError(f"{artefact.place}: negative usage; save it again")
    streams = tuple(np.split(usage, np.cumsum(about.sizes)[:-1]))
    return Saved(about.settings, tensors, streams, dict(about.origin), np.dtype(about.dtype))
