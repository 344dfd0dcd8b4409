"""Codebooks on disk: what is read is checked for meaning: names, shapes, dtypes, finite values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from zador import artefacts
from zador.artefacts import Artefact
from zador.errors import FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KIND", "pack", "unpack"]

KIND = "codebook"


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    codebook_size: int = Field(ge=1)
    dim: int = Field(ge=1)
    dtype: Literal["float32", "float64"]
    origin: dict[str, str | int | float | bool]


def pack(codewords: NDArray[Any], usage: NDArray[np.float64], origin: dict[str, Any]) -> Artefact:
    """Return what is saved of a codebook (see `Codebook.save`)."""
    about = {
        "codebook_size": codewords.shape[0],
        "dim": codewords.shape[1],
        "dtype": str(codewords.dtype),
        "origin": origin,
    }
    return Artefact(KIND, about, {"codewords": codewords, "usage": usage})


def unpack(artefact: Artefact) -> tuple[NDArray[Any], NDArray[np.float64], dict[str, Any]]:
    """Return codewords, usage and origin, after checking all of it (see `zador.codebooks.load`).

    Raises:
        FormatError: another kind of artefact, or values that make no codebook.
    """
    if artefact.kind != KIND:
        raise FormatError(f"{artefact.place}: holds a {artefact.kind} quantizer, not a codebook; load it with zador.load")
    about = artefacts.checked(_About, artefact)
    tensors = artefact.tensors
    if set(tensors) != {"codewords", "usage"}:
        raise FormatError(f"{artefact.place}: expected tensors 'codewords' and 'usage', got {sorted(tensors)}")
    codewords, usage = tensors["codewords"], tensors["usage"]
    expected = {"codewords": (about.codebook_size, about.dim), "usage": (about.codebook_size,)}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected or str(codewords.dtype) != about.dtype or usage.dtype != np.float64:
        raise FormatError(
            f"{artefact.place}: the manifest promises {expected} in {about.dtype}, the tensors are {found} in "
            f"{codewords.dtype}; save the codebook again"
        )
    if not np.isfinite(codewords).all() or not np.isfinite(usage).all() or (usage < 0).any():
        raise FormatError(f"{artefact.place}: NaN, infinite or negative values where a codebook has none; save it again")
    return codewords, usage, dict(about.origin)
