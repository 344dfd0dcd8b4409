"""Files that hold arrays: `.npy`, `.npz`, `.safetensors`. Nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import os
import shutil
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.data.intake import choose_member, to_vectors, unreadable
from zador.errors import DataError, UsageError
from zador.files import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zador.data.vectors import Vectors

__all__ = ["read_npy", "read_npz", "read_safetensors", "write_npy"]

# What NumPy's header parser and Python's zip reader raise on bytes that are not theirs.
_BROKEN_NPY = (
    ValueError,
    TypeError,
    OSError,
    EOFError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    SyntaxError,
    tokenize.TokenError,
)
_BROKEN_NPZ = (*_BROKEN_NPY, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
# Of the types that safetensors knows; bfloat16 is read by hand, complex and shorter floats are not.
_NUMPY_HAS = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64"}
_HEADER_LENGTH_BYTES = 8


def read_npy(path: Path, key: str | None = None) -> Vectors:
    """Return the matrix in a `.npy` file, memory-mapped where it holds floats.

    Raises:
        UsageError: a key, for a file that holds one array.
        DataError: not a finite matrix of numbers. FormatError: not a whole `.npy` file.
    """
    if key is not None:
        raise UsageError(f"{path}: key={key!r} picks one of several arrays, a .npy file holds one; leave key out")
    try:
        with np.errstate(over="raise"):  # the size that a header claims, multiplied out
            # numpy.load would take a zip or a pickle of this name too; this takes .npy only, and never objects.
            array = np.lib.format.open_memmap(path, mode="r")
    except _BROKEN_NPY as error:
        raise unreadable(path, ".npy file of numbers", error) from error
    return to_vectors(array, str(path), path.name)


def write_npy(
    path: str | os.PathLike[str], blocks: Iterable[NDArray[Any]], shape: tuple[int, int], dtype: np.dtype[Any]
) -> None:
    """Write one matrix to `path`, block by block; the file takes its name when it is whole.

    Args:
        path: the file; an old one is replaced.
        blocks: (n, D) each, N rows together; only one is in memory at a time.
        shape: (N, D).
        dtype: of the matrix.

    Raises:
        UsageError: the path cannot be written, or the disk has not the room; what was there before is untouched.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_npy(f"{folder}/x.npy", [np.zeros((2, 3)), np.ones((1, 3))], (3, 3), np.dtype("float32"))
    ...     np.load(f"{folder}/x.npy").sum(axis=1)
    array([0., 0., 3.], dtype=float32)
    """
    size, free = shape[0] * shape[1] * dtype.itemsize, shutil.disk_usage(Path(path).absolute().parent).free
    if size > free:
        raise UsageError(f"cannot write {os.fspath(path)!r}: it takes {size} bytes, {free} are free there; make room")
    head = io.BytesIO()
    form = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, form)
    file = StagedFile(path)
    try:
        file.open()
        file.write(head.getvalue())
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)
        file.commit()
    finally:
        file.discard()


def read_npz(path: Path, key: str | None = None) -> Vectors:
    """Return the matrix called `key` (or the only one) of a `.npz` file; NumPy cannot memory-map inside an archive.

    Raises:
        UsageError: several arrays and no key, or no such array; the message lists their names.
        DataError: not a finite matrix of numbers. FormatError: not a whole `.npz` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
            chosen = choose_member(names, key, str(path), "array")
            with archive.open(f"{chosen}.npy") as member, np.errstate(over="raise"):
                array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    except (UsageError, DataError):
        raise
    except _BROKEN_NPZ as error:
        raise unreadable(path, ".npz archive of numbers", error) from error
    return to_vectors(array, f"{path}[{chosen}]", f"{path.name}[{chosen}]")


def read_safetensors(path: Path, key: str | None = None) -> Vectors:
    """Return the tensor called `key` (or the only one) of a `.safetensors` file; bfloat16 becomes float32, exactly.

    Raises:
        UsageError: several tensors and no key, or no such tensor; the message lists their names.
        DataError: not a finite matrix of numbers. FormatError: not a whole `.safetensors` file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        # safe_open checks the header and that it covers the file exactly: what follows may trust both.
        with safe_open(path, framework="np") as tensors:
            chosen = choose_member(sorted(tensors.keys()), key, str(path), "tensor")
            array = _read_tensor(tensors, path, chosen)
    except (SafetensorError, OSError) as error:
        raise unreadable(path, ".safetensors file", error) from error
    return to_vectors(array, f"{path}[{chosen}]", f"{path.name}[{chosen}]")


def _read_tensor(tensors: Any, path: Path, key: str) -> NDArray[Any]:
    dtype = tensors.get_slice(key).get_dtype()
    if dtype == "BF16":
        return _read_bfloat16(path, key)
    if dtype not in _NUMPY_HAS:
        raise DataError(f"{path}[{key}]: dtype {dtype} cannot be read; store it as F16, BF16, F32 or F64")
    tensor: NDArray[Any] = tensors.get_tensor(key)
    return tensor


def _read_bfloat16(path: Path, key: str) -> NDArray[np.float32]:
    # The library has no NumPy type to hand bfloat16 out in. Its 16 bits are the upper half of a float32, so they are
    # mapped as whole numbers from where the (checked) header says they lie, and shifted into place.
    with path.open("rb") as file:
        header_length = int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
        entry = json.loads(file.read(header_length))[key]
    shape = tuple(entry["shape"])
    start = _HEADER_LENGTH_BYTES + header_length + entry["data_offsets"][0]
    bits = np.memmap(path, "<u2", "r", start, shape).astype(np.uint32)
    bits <<= 16
    return np.asarray(bits).view(np.float32)
