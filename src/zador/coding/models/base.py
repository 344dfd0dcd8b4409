"""What an entropy model is: one coder for each stream, which writer and reader take through the same states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.coding.range_coder import Decoder, Encoder
    from zador.coding.streams import StreamSpec

__all__ = ["Constant", "EntropyModel", "StreamCoder"]


class StreamCoder(Protocol):
    """Codes one stream from its first index to its last; what it learns on the way, it keeps from call to call."""

    def encode(self, encoder: Encoder, symbols: NDArray[np.int32]) -> None:
        """Append `symbols` (n,)."""

    def decode(self, decoder: Decoder, count: int) -> NDArray[np.int32]:
        """Return the next `count` symbols."""


class EntropyModel(Protocol):
    """How probable the next index of a stream is.

    Attributes:
        name: what people call it.
        code: the byte that names it in a file.
    """

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def code(self) -> int:
        """The byte that names it in a file."""

    def coders(self, spec: StreamSpec) -> Sequence[StreamCoder]:
        """Return a fresh coder for each stream."""


class Constant:
    """A stream of one symbol: it costs nothing."""

    def encode(self, encoder: Encoder, symbols: NDArray[np.int32]) -> None:
        """Append nothing."""

    def decode(self, _decoder: Decoder, count: int) -> NDArray[np.int32]:
        """Return zeros."""
        return np.zeros(count, np.int32)
