"""The work of an arm: a start, and a learner that goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zador import metrics
from zador.codebooks import PredictingInitialiser
from zador.models.linear.nearest import nearest_of_each
from zador.studies.catalogue.starts.initialisers import started
from zador.studies.catalogue.starts.journal import Journal
from zador.studies.design import Metric
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.codebooks import Initialiser
    from zador.studies.catalogue.starts.place import Place, Vectors

__all__ = ["EXPECTATIONS", "Expectation", "LearnsFrom", "Run"]

EXPECTATIONS = (
    Metric("start", "measured", "Mean squared error of the first codewords on the training vectors."),
    Metric("predicted", "predicted", "What it is expected to be before any codeword is drawn; empty where no law is known."),
    Metric(
        "off",
        "measured / predicted − 1",
        "By how much one draw misses what all draws give on average.",
        lower_is_better=None,
    ),
    Metric("perplexity", "perplexity", "2^H of how often training vectors choose each codeword.", 1, lower_is_better=None),
    Metric("dead at start", "dead", "Codewords that no training vector is nearest to.", decimals=1),
)
"""What is measured of a start by itself."""


class LearnsFrom(Protocol):
    """A frozen dataclass that learns from a start."""

    @property
    def marks(self) -> tuple[int, ...]:
        """Steps of the curve."""

    @property
    def midway(self) -> int:
        """The step that counts as midway."""

    def __call__(self, vectors: Vectors, codewords: NDArray[np.float64], seed: int, journal: Journal, /) -> str:
        """Learn from codewords (K, m), note it in the journal, and return what went wrong, if anything did."""


@dataclass(frozen=True)
class _AtPlace:
    """Work on what a place draws.

    Attributes:
        place: source and sizes.
        initialiser: how the codebook starts.
    """

    place: Place
    initialiser: Initialiser

    def fingerprint(self, seed: int, /) -> str:
        """Return the hash of what `seed` draws."""
        return self.place.source.fingerprint(seed)


@dataclass(frozen=True)
class Run(_AtPlace):
    """A codebook from its start to the end of its learning.

    Attributes:
        learner: how it learns.
    """

    learner: LearnsFrom

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return what became of each seed."""
        return [self._outcome(seed) for seed in seeds]

    def _outcome(self, seed: int) -> Outcome:
        vectors = self.place.vectors(seed)
        journal = Journal(self.place, vectors, self.learner.marks, self.learner.midway)
        failure = self.learner(vectors, started(self.place, self.initialiser, seed), seed, journal)
        return journal.outcome(failure)


@dataclass(frozen=True)
class Expectation(_AtPlace):
    """A start, and what it was expected to be."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return predicted and measured error of each seed."""
        return [self._outcome(seed) for seed in seeds]

    def _outcome(self, seed: int) -> Outcome:
        codes, size = self.place.vectors(seed).codes, self.place.codebook_size
        codewords = started(self.place, self.initialiser, seed)
        indices = nearest_of_each(codes[None], codewords[None])[0]
        counts = metrics.usage_counts(indices, size)
        start = float(np.square(codes - codewords[indices]).sum(axis=1).mean())
        measured = {
            "start": start,
            "perplexity": 2.0 ** metrics.entropy_bits(counts),
            "dead at start": float(metrics.dead_codes(counts)),
        }
        if isinstance(self.initialiser, PredictingInitialiser):
            predicted = self.initialiser.predicted_distortion(codes, size, seed=seed).distortion
            measured |= {"predicted": predicted, "off": start / predicted - 1.0}
        return Outcome(measured)
