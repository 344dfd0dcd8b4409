"""What zador saves to a directory: a JSON manifest that names, and vouches for, one safetensors file.

The tensors are written first, under a name that holds their hash; replacing the manifest is the one step that makes the
new artefact the current one. Every room uses the same two names, so that saving a quantizer over a codebook leaves one
artefact there, not two.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zador.errors import FormatError, UsageError
from zador.files import write_atomically

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["MANIFEST", "Artefact", "checked", "digest", "read", "write"]

_Model = TypeVar("_Model", bound=BaseModel)

MANIFEST = "zador.json"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class Artefact:
    """Something that was saved.

    Attributes:
        kind: what it is, such as "codebook"; the room that wrote it knows how to read it.
        about: its plain values: strings, numbers, lists and tables of them.
        tensors: its arrays by name.
        place: the directory that it was read from, for messages.
    """

    kind: str
    about: dict[str, Any]
    tensors: dict[str, NDArray[Any]]
    place: str = ""


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str = Field(pattern=r"^zador$")
    version: int
    kind: str
    tensors: str = Field(pattern=r"^tensors-[0-9a-f]{16}\.safetensors$")
    sha256: str
    about: dict[str, Any]


def write(path: str | os.PathLike[str], artefact: Artefact) -> None:
    """Write `artefact` to the directory `path`, which is made if need be.

    It replaces an older one there in one step; whenever the process dies, one of the two can be read.

    Raises:
        UsageError: `path` is a file, or cannot be written.
    """
    from safetensors.numpy import save

    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot save to {str(folder)!r}: {error.strerror}; choose a directory") from error
    tensors = save({name: np.ascontiguousarray(tensor) for name, tensor in artefact.tensors.items()})
    checksum = hashlib.sha256(tensors).hexdigest()
    manifest = _Manifest(
        format="zador",
        version=_VERSION,
        kind=artefact.kind,
        tensors=f"tensors-{checksum[:16]}.safetensors",
        sha256=checksum,
        about=artefact.about,
    )
    write_atomically(folder / manifest.tensors, tensors)
    write_atomically(folder / MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
    for other in folder.glob("tensors-*.safetensors"):
        if other.name != manifest.tensors:
            with contextlib.suppress(OSError):  # a leftover is untidy, not wrong
                other.unlink()


def read(path: str | os.PathLike[str]) -> Artefact:
    """Return what `write` wrote to the directory `path`: whole and unaltered, its meaning still to be checked.

    Raises:
        FormatError: nothing there, foreign, written by a newer version, altered or truncated.
    """
    folder = Path(path)
    manifest = _read_manifest(folder)
    return Artefact(
        manifest.kind, dict(manifest.about), _read_tensors(folder / manifest.tensors, manifest.sha256), str(folder)
    )


def checked(model: type[_Model], artefact: Artefact) -> _Model:
    """Return `model` filled from `artefact.about`.

    Raises:
        FormatError: a value is missing, superfluous, or none that the model allows.
    """
    try:
        return model.model_validate(artefact.about)
    except ValidationError as error:
        where = Path(artefact.place) / MANIFEST
        raise FormatError(f"{where}: {_first(error, 'about')}; this is no manifest that zador wrote") from None


def digest(artefact: Artefact, *, size: int = 8) -> str:
    """Return `2 * size` hexadecimal digits of BLAKE2b over all that `artefact` means, the same on every machine.

    Kind, plain values, and name, dtype, shape and little-endian contents of every tensor enter; the file's layout does not.
    """
    import json

    head = json.dumps([artefact.kind, artefact.about], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    found = hashlib.blake2b(head.encode(), digest_size=size)
    for name in sorted(artefact.tensors):
        tensor = artefact.tensors[name]
        little = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
        found.update(f"{name} {little.dtype.str} {little.shape}".encode())
        found.update(little.tobytes())
    return found.hexdigest()


def _read_manifest(folder: Path) -> _Manifest:
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise FormatError(
            f"{folder}: nothing that zador saved ({MANIFEST}: {reason}); give a directory that `zador fit` or .save() wrote"
        ) from None
    try:
        manifest = _Manifest.model_validate_json(text)
    except ValidationError as error:
        raise FormatError(f"{folder / MANIFEST}: {_first(error)}; this is no manifest that zador wrote") from None
    if manifest.version > _VERSION:
        raise FormatError(f"{folder}: format version {manifest.version}, this zador reads up to {_VERSION}; upgrade zador")
    return manifest


def _first(error: ValidationError, *before: str) -> str:
    problem = error.errors()[0]
    return f"{'.'.join([*before, *(str(part) for part in problem['loc'])]) or 'the file'}: {problem['msg']}"


def _read_tensors(path: Path, checksum: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: the manifest names this file, but {error.strerror}; save it again") from None
    if hashlib.sha256(data).hexdigest() != checksum:
        raise FormatError(f"{path}: contents differ from the checksum in the manifest (truncated or altered); save it again")
    try:
        tensors: dict[str, NDArray[Any]] = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:  # the last three: a dtype that NumPy has not
        raise FormatError(f"{path}: no safetensors file that NumPy can hold: {error}") from None
    return tensors
