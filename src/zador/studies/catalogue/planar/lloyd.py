"""The reference in the plane: Lloyd's algorithm on the vectors themselves, where the encoder is the identity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zador.codebooks import Lloyd, fit_codebook
from zador.studies.catalogue.planar.figures import figures, outcome
from zador.studies.catalogue.planar.training import Trace
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.catalogue.planar.scene import Plane

__all__ = ["FromStart", "Restarted"]

_MOST = 200


@dataclass(frozen=True)
class FromStart:
    """Lloyd's algorithm to convergence, from the vectors whose encodings the other arms start from.

    Attributes:
        plane: whose vectors.
    """

    plane: Plane

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed; without curves, as its steps are passes over all vectors."""
        traces = self.traces(seeds)
        evaluations = [self.plane.start(seed).evaluation for seed in seeds]
        pairs = zip(evaluations, traces, strict=True)
        return [replace(outcome(self.plane.source, judged, trace, {}), series=()) for judged, trace in pairs]

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of what the seed draws."""
        return self.plane.fingerprint(seed)

    def traces(self, seeds: Sequence[int]) -> list[Trace]:
        """Return the way of each seed's codewords, one place a pass."""
        return [self._trace(seed) for seed in seeds]

    def _trace(self, seed: int) -> Trace:
        start = self.plane.start(seed)
        learner = Lloyd()
        state = learner.init(start.codewords @ np.linalg.inv(start.encoder).T)
        places = [state.codewords]
        for _ in range(_MOST):
            state, _ = learner.step(state, start.train)
            places.append(state.codewords)
            if np.array_equal(places[-1], places[-2]):
                break
        codewords = np.stack(places)
        way = np.linalg.norm(np.diff(codewords, axis=0), axis=-1).sum(axis=0)
        steps = tuple(range(len(places)))
        return Trace(steps, np.broadcast_to(np.eye(2), (len(places), 2, 2)), codewords, 0.0, way, "")


@dataclass(frozen=True)
class Restarted:
    """The best of several runs from k-means++ starts.

    Attributes:
        plane: whose vectors.
        restarts: runs.
    """

    plane: Plane
    restarts: int = 10

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed."""
        return [self._one(seed) for seed in seeds]

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of what the seed draws."""
        return self.plane.fingerprint(seed)

    def _one(self, seed: int) -> Outcome:
        start, size = self.plane.start(seed), self.plane.codebook_size
        book = fit_codebook(start.train, size, restarts=self.restarts, seed=seed)
        return Outcome(figures(self.plane.source, start.evaluation, np.eye(2), book.codewords) | {"diverged": 0.0})
