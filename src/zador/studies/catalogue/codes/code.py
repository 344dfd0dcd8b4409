"""A code, whatever made it: vectors to indices to vectors; and what it is measured by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zador import metrics
from zador.search import nearest
from zador.studies.catalogue.sources import Source
from zador.studies.design import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Drawn

__all__ = ["DEAD", "NEAREST", "REAL_BITS", "STORED", "TRAINING", "Code", "Draws", "OnSource", "measured", "of_table"]

NEAREST = Metric(
    "nearest",
    "nearest point",
    "Distortion if every evaluation vector took the nearest of the values of the code: what the choice of index costs.",
)
TRAINING = Metric("training distortion", "in training", "Distortion on the vectors that the code was fitted to.")
DEAD = Metric("dead in training", "dead", "Values of the code that no training vector takes.", decimals=1)
REAL_BITS = Metric(
    "real bits",
    "real bits",
    "Bits a vector if indices are coded, each stream by itself, with how often training vectors took them.",
    decimals=3,
    lower_is_better=None,
)
STORED = Metric("stored", "numbers stored", "Numbers that encoder and decoder have to keep.", decimals=0)


_FEW = 1 << 16


class Draws(Source, Protocol):
    """A source that draws one seed at a time."""

    def draw(self, seed: int, /) -> Drawn:
        """Return what `seed` gives."""


@dataclass(frozen=True, eq=False)
class Code:
    """x (N, D) → indices (N, S) → x̂ (N, D).

    Attributes:
        sizes: (K_1 … K_S) of the streams.
        encode: vectors to indices.
        decode: indices to vectors.
        stored: numbers that are kept.
    """

    sizes: tuple[int, ...]
    encode: Callable[[NDArray[np.float64]], NDArray[np.int64]]
    decode: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    stored: int

    @property
    def values(self) -> NDArray[np.float64]:
        """(Π K_s, D), every vector that can come out."""
        every = np.indices(self.sizes).reshape(len(self.sizes), -1).T
        return self.decode(np.ascontiguousarray(every))


@dataclass(frozen=True)
class OnSource:
    """Work on what a source draws.

    Attributes:
        source: of the vectors.
    """

    source: Draws

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.source.fingerprint(seed)


def of_table(codewords: NDArray[np.float64]) -> Code:
    """Return the code whose values are `codewords` (K, D), the nearest of which is taken."""
    table = np.ascontiguousarray(codewords, np.float64)
    return Code(
        (len(table),), lambda x: nearest(x, table).indices[:, None], lambda indices: table[indices[:, 0]], table.size
    )


def measured(source: Source, drawn: Drawn, code: Code) -> Mapping[str, float]:
    """Return the metrics of a code: of this module, and distortion, effective bits and perplexity of `judgement`.

    Perplexity and dead values are those of all streams together; like the nearest value they are left out where a code has
    more than 65,536 values.

    Args:
        source: where the vectors come from.
        drawn: vectors that it was fitted to, and vectors to judge on.
        code: which.
    """
    train, judged = code.encode(drawn.train), code.encode(drawn.evaluation)
    distortion = _error(drawn.evaluation, code.decode(judged))
    return {
        "distortion": distortion,
        TRAINING.name: _error(drawn.train, code.decode(train)),
        "effective bits": metrics.effective_bits(source.eigenvalues, distortion),
        REAL_BITS.name: math.fsum(
            metrics.cross_entropy_bits(
                metrics.usage_counts(judged[:, s], code.sizes[s]), metrics.usage_counts(train[:, s], code.sizes[s])
            )
            for s in range(len(code.sizes))
        ),
        STORED.name: float(code.stored),
        **(_of_values(drawn.evaluation, code, judged, train) if math.prod(code.sizes) <= _FEW else {}),
    }


def _of_values(
    x: NDArray[np.float64], code: Code, judged: NDArray[np.int64], train: NDArray[np.int64]
) -> Mapping[str, float]:
    values = np.ascontiguousarray(code.values, np.float64)
    return {
        NEAREST.name: float(nearest(x, values).squared_distances.mean()),
        "perplexity": metrics.perplexity(_counts(judged, code.sizes)),
        DEAD.name: float(metrics.dead_codes(_counts(train, code.sizes))),
    }


def _counts(indices: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.int64]:
    joint = np.ravel_multi_index(tuple(indices.T), tuple(sizes))
    return np.bincount(joint, minlength=math.prod(sizes))


def _error(x: NDArray[np.float64], reconstruction: NDArray[np.float64]) -> float:
    return float(np.square(x - reconstruction).sum(axis=1).mean())
