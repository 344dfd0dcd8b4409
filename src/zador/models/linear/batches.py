"""Where the vectors of a batch stand in the data: streams of indices drawn with replacement, one stream a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Batches", "generator_stream", "legacy_stream"]

_AHEAD = 16

# (seed, number of vectors, batch size) -> an endless iterator of (batch size,) int64 indices.
Batches = Callable[[int, int, int], Iterator[NDArray[np.int64]]]


def generator_stream(seed: int, vectors: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield `rng.integers(0, vectors, size=batch_size)` of one `rng = numpy.random.default_rng(seed)`, again and again.

    >>> next(generator_stream(42, 100, 4)).tolist()
    [8, 77, 65, 43]
    """
    rng = np.random.default_rng(seed)
    while True:
        # Some steps at once, which is faster and the same stream.
        yield from rng.integers(0, vectors, size=(_AHEAD, batch_size))


def legacy_stream(seed: int, vectors: int, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield what `numpy.random.randint(0, vectors, size=batch_size)` gives after `numpy.random.seed(seed)`.

    `numpy.random.choice(vectors, batch_size)` gives the same. The global generator is not touched.

    >>> next(legacy_stream(42, 100, 4)).tolist()
    [51, 92, 14, 71]
    """
    rng = np.random.RandomState(seed)
    while True:
        yield from rng.randint(0, vectors, size=(_AHEAD, batch_size)).astype(np.int64, copy=False)
