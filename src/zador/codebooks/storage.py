"""Codebooks on disk: a JSON manifest that names, and vouches for, one safetensors file.

The tensors are written first, under a name that holds their hash; replacing the manifest is the one step that makes a new
codebook the current one. Whatever is read is checked for meaning: names, shapes, dtypes, finite values.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zador.errors import FormatError, UsageError
from zador.files import write_atomically

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["read", "write"]

_MANIFEST = "codebook.json"
_VERSION = 1


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["zador-codebook"]
    version: int
    tensors: str = Field(pattern=r"^codebook-[0-9a-f]{16}\.safetensors$")
    sha256: str
    codebook_size: int = Field(ge=1)
    dim: int = Field(ge=1)
    dtype: Literal["float32", "float64"]
    origin: dict[str, str | int | float | bool]


def write(path: str | os.PathLike[str], codewords: NDArray[Any], usage: NDArray[np.float64], origin: dict[str, Any]) -> None:
    """Write a codebook to the directory `path`, which is made if need be (see `Codebook.save`)."""
    from safetensors.numpy import save

    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot save a codebook to {str(folder)!r}: {error.strerror}; choose a directory") from error
    tensors = save({"codewords": np.ascontiguousarray(codewords), "usage": np.ascontiguousarray(usage)})
    digest = hashlib.sha256(tensors).hexdigest()
    manifest = _Manifest(
        format="zador-codebook",
        version=_VERSION,
        tensors=f"codebook-{digest[:16]}.safetensors",
        sha256=digest,
        codebook_size=codewords.shape[0],
        dim=codewords.shape[1],
        dtype=str(codewords.dtype),  # type: ignore[arg-type]
        origin=origin,
    )
    write_atomically(folder / manifest.tensors, tensors)
    write_atomically(folder / _MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
    for other in folder.glob("codebook-*.safetensors"):
        if other.name != manifest.tensors:
            with contextlib.suppress(OSError):  # a leftover is untidy, not wrong
                other.unlink()


def read(path: str | os.PathLike[str]) -> tuple[NDArray[Any], NDArray[np.float64], dict[str, Any]]:
    """Return codewords, usage and origin from the directory `path`, after checking all of it (see `zador.load`)."""
    folder = Path(path)
    manifest = _read_manifest(folder)
    tensors = _read_tensors(folder / manifest.tensors, manifest)
    codewords, usage = tensors["codewords"], tensors["usage"]
    expected = {"codewords": (manifest.codebook_size, manifest.dim), "usage": (manifest.codebook_size,)}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected or str(codewords.dtype) != manifest.dtype or usage.dtype != np.float64:
        raise FormatError(
            f"{folder}: the manifest promises {expected} in {manifest.dtype}, the tensors are {found} in "
            f"{codewords.dtype}; save the codebook again"
        )
    if not np.isfinite(codewords).all() or not np.isfinite(usage).all() or (usage < 0).any():
        raise FormatError(f"{folder}: holds NaN, infinite or negative values where a codebook has none; save it again")
    return codewords, usage, dict(manifest.origin)


def _read_manifest(folder: Path) -> _Manifest:
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise FormatError(
            f"{folder}: no codebook here ({_MANIFEST}: {reason}); give a directory that Codebook.save wrote"
        ) from None
    try:
        manifest = _Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise FormatError(f"{folder / _MANIFEST}: {place}: {first['msg']}; this is no manifest that zador wrote") from None
    if manifest.version > _VERSION:
        raise FormatError(f"{folder}: format version {manifest.version}, this zador reads up to {_VERSION}; upgrade zador")
    return manifest


def _read_tensors(path: Path, manifest: _Manifest) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: the manifest names this file, but {error.strerror}; save the codebook again") from None
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        raise FormatError(f"{path}: contents differ from the checksum in the manifest (truncated or altered); save it again")
    try:
        tensors: dict[str, NDArray[Any]] = load(data)
    except SafetensorError as error:
        raise FormatError(f"{path}: no safetensors file: {error}") from None
    if set(tensors) != {"codewords", "usage"}:
        raise FormatError(f"{path}: expected tensors 'codewords' and 'usage', got {sorted(tensors)}")
    return tensors
