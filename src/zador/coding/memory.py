"""Token files that never touch a disk."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from zador.coding.models import EntropyModel, Static
from zador.coding.packer import Packer
from zador.coding.streams import Streams, checked
from zador.coding.tokens import DEFAULT_LIMIT, Tokens
from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["coded_bits", "pack", "unpack"]

_STATIC = Static()


def pack(indices: Any, streams: Streams, *, model: EntropyModel = _STATIC, about: Mapping[str, Any] | None = None) -> bytes:
    """Return the token file of `indices`, the same bytes that `TokenWriter` writes.

    Args:
        indices: (N, S) whole numbers; column s holds 0 .. sizes[s] - 1. NumPy, torch, or nested lists.
        streams: the quantizer whose indices these are, or a `StreamSpec`.
        model: `Static()`, `Adaptive()` or `OrderOne()`.
        about: a note: plain JSON values, up to 1 MiB.

    Raises:
        DataError: `indices` of another shape or type, or one outside its alphabet.
        UsageError: `streams`, `model` or `about` is not what is asked for.

    >>> from zador.coding import StreamSpec
    >>> spec = StreamSpec(sizes=(4,), usage=([8, 4, 2, 2],), fingerprint="00000000000000a1")
    >>> data = pack([[0], [3], [1]], spec)
    >>> len(data), unpack(data, spec).tolist()
    (36, [[0], [3], [1]])
    """
    parts: list[bytes] = []
    _packed(indices, Packer(checked(streams), model, about), parts.append)
    return b"".join(parts)


def unpack(data: bytes, streams: Streams, *, limit: int = DEFAULT_LIMIT) -> NDArray[np.int64]:
    """Return the indices of a token file.

    Args:
        data: the file's bytes.
        streams: the quantizer that wrote it, or its `StreamSpec`.
        limit: how many indices N S there may be. A short file can hold very many that cost next to nothing each.

    Returns:
        (N, S) int64; every index lies inside its alphabet.

    Raises:
        FormatError: foreign, too new, truncated, altered, or written with another quantizer.
        DataError: more indices than `limit`.
        UsageError: `data` is not bytes, or `streams` has not what is asked of a quantizer.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise UsageError(f"data: expected bytes, got {type(data).__name__}; read a file with TokenReader(path)")
    return Tokens(lambda: io.BytesIO(data), "data").read(checked(streams), limit)


def coded_bits(indices: Any, streams: Streams, *, model: EntropyModel = _STATIC) -> int:
    """Return the length in bits of the token file of `indices`, head, checksum and all; divide by N for bits per vector.

    Args:
        indices: as for `pack`.
        streams: as for `pack`.
        model: as for `pack`.

    Raises:
        DataError: as `pack`.
        UsageError: as `pack`.

    >>> from zador.coding import StreamSpec
    >>> spec = StreamSpec(sizes=(4,), usage=([8, 4, 2, 2],), fingerprint="00000000000000a1")
    >>> coded_bits([[0], [3], [1]], spec)
    288
    """
    packer = Packer(checked(streams), model, None)
    _packed(indices, packer, lambda _data: None)
    return 8 * packer.file_bytes


def _packed(indices: Any, packer: Packer, write: Callable[[bytes], object]) -> None:
    packer.begin(write)
    packer.append(indices)
    packer.finish()
