"""Static: every index costs what training usage says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zador.coding.models.base import Constant, StreamCoder
from zador.coding.range_coder import Decoder, Encoder, frequencies, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.coding.streams import StreamSpec

__all__ = ["Static", "static_frequencies"]


@dataclass(frozen=True)
class Static:
    """`P(k) = (u_k + ½) / Σ_j (u_j + ½)`, u the training usage of the stream.

    The half (krichevsky1981performance) keeps an index that training never chose affordable. A file costs
    `zador.metrics.cross_entropy_bits(its usage, training usage)` bits per vector: the fastest model, and the right one for
    data like those of training. On other data it costs what the mismatch costs, which `Adaptive` learns away.
    """

    name: ClassVar[str] = "static"
    code: ClassVar[int] = 0

    def coders(self, spec: StreamSpec) -> list[StreamCoder]:
        """Return a coder for each stream; all they hold is one table."""
        return [_StaticCoder(usage) if len(usage) > 1 else Constant() for usage in spec.usage]


def static_frequencies(usage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `2**24 P(k)` of `Static` as whole numbers, (K,); the sum of weights is rounded once, on every machine alike."""
    weights = usage + 0.5
    return frequencies(weights, math.fsum(weights.tolist()))


class _StaticCoder:
    def __init__(self, usage: NDArray[np.float64]) -> None:
        self._table = table(static_frequencies(usage))

    def encode(self, encoder: Encoder, symbols: NDArray[np.int32]) -> None:
        encoder.encode(symbols, self._table)

    def decode(self, decoder: Decoder, count: int) -> NDArray[np.int32]:
        return np.asarray(decoder.decode(self._table, count), np.int32)
