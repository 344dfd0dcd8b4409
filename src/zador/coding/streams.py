"""What an entropy coder has to know of a quantizer: its alphabets, how often it used them, and which one it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zador.errors import UsageError
from zador.validation import as_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LARGEST_ALPHABET", "MOST_STREAMS", "StreamSpec", "Streams", "checked"]

LARGEST_ALPHABET = 1 << 20
MOST_STREAMS = 1 << 16
_LARGEST_COUNT = 2.0**53  # beyond it, float64 skips whole numbers


class Streams(Protocol):
    """What writer and reader ask of a quantizer; anything that has these three attributes will do.

    Attributes:
        sizes: (S,) the alphabet of each stream of indices: stream s holds 0 .. sizes[s] - 1.
        usage: S arrays, (sizes[s],) each: how often training chose each index; counts or weights, at least 0.
        fingerprint: 16 hexadecimal digits that tell this quantizer from others.
    """

    @property
    def sizes(self) -> Sequence[int]:
        """The alphabet of each stream."""

    @property
    def usage(self) -> Sequence[Any]:
        """Training usage of each stream."""

    @property
    def fingerprint(self) -> str:
        """Which quantizer this is."""


@dataclass(frozen=True, eq=False)
class StreamSpec:
    """`Streams` for indices that come from no quantizer of zador.

    Attributes:
        sizes: (S,) the alphabet of each stream, from 1 to 2**20; up to 2**16 streams.
        usage: S arrays, (sizes[s],) each: how often each index is expected, in any unit of weight; all 0 says "unknown".
        fingerprint: 16 hexadecimal digits of your choice; a file is only decoded by whoever names the same.

    >>> StreamSpec(sizes=(2, 3), usage=([9, 1], [0, 0, 0]), fingerprint="00000000000000a1").sizes
    (2, 3)
    """

    sizes: Sequence[int]
    usage: Sequence[Any]
    fingerprint: str


def checked(streams: Streams) -> StreamSpec:
    """Return a copy of `streams` that later changes of the quantizer do not reach: tuples of int and of float64 arrays.

    Raises:
        UsageError: an alphabet, a usage or the fingerprint is not what `Streams` promises.
    """
    try:
        sizes, usage, fingerprint = tuple(streams.sizes), tuple(streams.usage), streams.fingerprint
    except (AttributeError, TypeError) as error:
        raise UsageError(
            f"expected a quantizer with sizes, usage and fingerprint, got {type(streams).__name__} ({error}); "
            "wrap your own streams in a StreamSpec"
        ) from error
    if not 1 <= len(sizes) <= MOST_STREAMS or len(usage) != len(sizes):
        raise UsageError(
            f"sizes and usage: expected the same number of streams, from 1 to {MOST_STREAMS}, "
            f"got {len(sizes)} and {len(usage)}"
        )
    if not isinstance(fingerprint, str) or not re.fullmatch("[0-9a-f]{16}", fingerprint):
        raise UsageError(f"fingerprint: expected 16 hexadecimal digits in lower case, got {fingerprint!r}")
    counts = tuple(_size(size, stream) for stream, size in enumerate(sizes))
    return StreamSpec(counts, tuple(_weights(row, counts[stream], stream) for stream, row in enumerate(usage)), fingerprint)


def _size(size: Any, stream: int) -> int:
    number = as_count(size, f"sizes[{stream}]")
    if number > LARGEST_ALPHABET:
        raise UsageError(f"sizes[{stream}]: an alphabet holds up to {LARGEST_ALPHABET} indices, got {number}; split it")
    return number


def _weights(row: Any, size: int, stream: int) -> NDArray[np.float64]:
    try:
        weights = np.array(row, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"usage[{stream}]: expected {size} numbers, got {type(row).__name__} ({error})") from error
    if weights.shape != (size,):
        raise UsageError(f"usage[{stream}]: expected shape ({size},) as in sizes[{stream}], got {weights.shape}")
    if not ((weights >= 0) & (weights <= _LARGEST_COUNT)).all():
        raise UsageError(
            f"usage[{stream}]: expected weights from 0 to 2**53, got {weights.min():g} to {weights.max():g}; "
            "count with zador.metrics.usage_counts"
        )
    return weights
