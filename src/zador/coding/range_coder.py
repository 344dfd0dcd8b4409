"""The range coder of constriction, fed with whole-number frequencies, so that no rounding of its own takes part.

A stream is `Σ -log2 (f_k / 2**24)` bits long, f_k the frequency of each index in it. What is written therefore depends on
the frequencies alone, which exact and elementwise correctly rounded arithmetic determines on every machine. Source:
bamler2022understanding.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

import constriction
import numpy as np

from zador.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "TOTAL",
    "Decoder",
    "Encoder",
    "Table",
    "encoder",
    "frequencies",
    "payload",
    "read_payload",
    "refusing_garbage",
    "table",
    "whole_number_table",
]

Encoder: TypeAlias = Any  # constriction.stream.queue.RangeEncoder
Decoder: TypeAlias = Any  # constriction.stream.queue.RangeDecoder
Table: TypeAlias = Any  # constriction.stream.model.Categorical

TOTAL = 1 << 24  # constriction's precision
_FINE = 2.0**38  # whole numbers up to here add up exactly in float64, and a unit of 1 / TOTAL still has 2**14 steps
_UNIT = _FINE / TOTAL

encoder = constriction.stream.queue.RangeEncoder


def frequencies(weights: NDArray[np.float64], total: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole numbers `f_k ≈ 2**24 weights_k / total`, each at least 1, that sum to 2**24.

    Weights below total / 2**24 are raised to that; the rest gives way in proportion to what it has above it. Rounding
    happens on the cumulative sum, which moves no frequency by more than 1.

    Args:
        weights: (..., K) at least 0, 2 <= K <= 2**20.
        total: the sum over the last axis, with a last axis of 1 if there are others. Handed over because the order in
            which floats are added up differs between machines; only a caller knows how to have it exactly.

    Returns:
        (..., K) float64 that hold whole numbers.

    >>> frequencies(np.array([3.0, 1.0, 0.0]), 4.0).astype(int)
    array([12582911,  4194304,        1])
    """
    size = weights.shape[-1]
    scaled = weights / total
    scaled *= _FINE
    np.floor(scaled, out=scaled)
    scaled -= _UNIT
    np.maximum(scaled, 0.0, out=scaled)
    np.cumsum(scaled, axis=-1, out=scaled)
    scaled *= (TOTAL - size) / scaled[..., -1:]
    np.floor(scaled, out=scaled)
    scaled[..., -1] = TOTAL - size
    return np.diff(scaled, axis=-1, prepend=0.0) + 1.0


def table(counts: NDArray[np.float64]) -> Table:
    """Return the coder's model with exactly these frequencies, (K,) as `frequencies` returns them.

    constriction scales what it is given to 2**24 - K and adds 1 to each: handed `counts - 1`, it scales by exactly 1.
    """
    return constriction.stream.model.Categorical(counts - 1.0, perfect=False)


def whole_number_table(weights: NDArray[np.float64]) -> Table:
    """Return the coder's model of `weights` (K,), whole numbers whose sum is below 2**53, at the least possible cost.

    constriction computes `f_k = 1 + ⌊C_{k+1} s⌋ - ⌊C_k s⌋` with C the cumulative weights and s = (2**24 - K) / C_K, in
    float64: as exact as `frequencies` for weights that are not tiny beside their sum, and ten times faster.
    """
    return constriction.stream.model.Categorical(weights, perfect=False)


def payload(filled: Encoder) -> bytes:
    """Return what was encoded, as little-endian 32-bit words."""
    return bytes(np.asarray(filled.get_compressed(), "<u4").tobytes())


def read_payload(words: bytes) -> Decoder:
    """Return a decoder of what `payload` returned."""
    return constriction.stream.queue.RangeDecoder(np.frombuffer(words, "<u4").astype(np.uint32))


@contextlib.contextmanager
def refusing_garbage(name: str) -> Iterator[None]:
    """Turn the coder's complaint about impossible data, a panic of its Rust code included, into a FormatError."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, AssertionError) or type(error).__name__ == "PanicException":
            raise FormatError(f"{name}: the coded indices make no sense; the file was altered, get it again") from None
        raise
