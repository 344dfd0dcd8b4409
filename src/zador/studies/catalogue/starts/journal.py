"""What is noted while a codebook learns, and the outcome that is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador import metrics
from zador.models.linear.nearest import nearest_of_each
from zador.studies.catalogue.judgement import EFFECTIVE_BITS, PERPLEXITY
from zador.studies.design import Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.studies.catalogue.starts.place import Place, Vectors

__all__ = ["MEASURES", "Journal", "steps_to_end"]

_NEAR = 0.01

DISTORTION = Metric(
    "distortion",
    "distortion",
    "Mean of ‖x − x̂‖² on evaluation vectors, less what the m leading principal axes drop of them.",
)
DEAD = Metric("dead codes", "dead, end", "Codewords that no training vector is nearest to, at the end.", decimals=1)
DEAD_START = Metric("dead at start", "dead, start", "The same before anything is learnt.", decimals=1)
DEAD_MIDWAY = Metric(
    "dead midway", "dead, midway", "The same after a tenth of the steps; of Lloyd, after three updates.", decimals=1
)
START = Metric("start distortion", "start", "Distortion on evaluation vectors before anything is learnt.")
MIDWAY = Metric("midway distortion", "midway", "Distortion after a tenth of the steps; of Lloyd, after three updates.")
STEPS = Metric(
    "steps", "steps to 1 %", "Steps after which the distortion stays within 1 % of where the same run ends.", decimals=1
)
DIVERGED = Metric("diverged", "diverged", "1 where learning diverged.", 2)

MEASURES = (DISTORTION, EFFECTIVE_BITS, PERPLEXITY, START, MIDWAY, STEPS, DEAD_START, DEAD_MIDWAY, DEAD, DIVERGED)
"""Most important first: verdicts between starts rest on the distortion at the end."""


class Journal:
    """Distortions and dead codewords of one run, at some steps.

    Args:
        place: source and sizes.
        vectors: what the run learns from and is judged on.
        marks: steps of the curve, ascending from 0.
        midway: the step that counts as midway.
    """

    def __init__(self, place: Place, vectors: Vectors, marks: Sequence[int], midway: int) -> None:
        self._place, self._vectors, self._marks, self._midway = place, vectors, tuple(marks), midway
        self._kept = float(np.square(vectors.evaluation @ vectors.encoder.T).sum(axis=1).mean())
        self._points: dict[int, float] = {}
        self._dead: dict[int, float] = {}
        self._perplexity = np.nan

    def wants(self, step: int) -> bool:
        """Return whether anything is noted after so many steps."""
        return step in self._marks or step == self._midway

    def note(self, step: int, codewords: NDArray[np.float64], encoder: NDArray[np.float64] | None = None) -> None:
        """Note how good codewords (K, m) are after `step` steps; behind the principal axes, or another encoder (m, D)."""
        turned = self._vectors.encoder if encoder is None else encoder
        z = self._vectors.evaluation @ turned.T
        indices = nearest_of_each(z[None], codewords[None])[0]
        error = float(np.square(z - codewords[indices]).sum(axis=1).mean())
        # With orthonormal rows ‖x - Wᵀq‖² = ‖x‖² - ‖z‖² + ‖z - q‖²: what a turned encoder drops more is counted.
        dropped = 0.0 if encoder is None else self._kept - float(np.square(z).sum(axis=1).mean())
        self._points[step] = error + dropped
        self._perplexity = 2.0 ** metrics.entropy_bits(metrics.usage_counts(indices, len(codewords)))
        if step in (0, self._midway) or step >= self._marks[-1]:
            self._count_dead(step, codewords, turned)

    def finish(self, step: int, codewords: NDArray[np.float64]) -> None:
        """Note the end of a run that stops after `step` steps of its own accord; it stays where it is from there on."""
        self.note(step, codewords)
        self._count_dead(step, codewords, self._vectors.encoder)

    def outcome(self, failure: str = "") -> Outcome:
        """Return what was noted; of a run that failed, how it started and nothing else."""
        steps = sorted(self._points)
        values = [self._points[step] for step in steps]
        start = {"start distortion": values[0], "dead at start": self._dead[0], "diverged": float(bool(failure))}
        series = self._series(steps, values)
        if failure:
            return Outcome(start, series, failure)
        last = steps[-1]
        return Outcome(
            {
                "distortion": values[-1],
                "effective bits": metrics.effective_bits(self._place.leading, values[-1]),
                "perplexity": self._perplexity,
                "midway distortion": self._points.get(self._midway, values[-1]),
                "steps": steps_to_end(steps, values),
                "dead midway": self._dead.get(self._midway, self._dead[last]),
                "dead codes": self._dead[last],
            }
            | start,
            series,
        )

    def _count_dead(self, step: int, codewords: NDArray[np.float64], encoder: NDArray[np.float64]) -> None:
        codes = self._vectors.codes if encoder is self._vectors.encoder else self._vectors.train @ encoder.T
        counts = metrics.usage_counts(nearest_of_each(codes[None], codewords[None])[0], len(codewords))
        self._dead[step] = float(metrics.dead_codes(counts))

    def _series(self, steps: Sequence[int], values: Sequence[float]) -> tuple[Series, ...]:
        """Return the curve at the marks; a run that has ended stays at its last value."""
        reached = [mark for mark in self._marks if mark <= steps[-1]]
        after = [mark for mark in self._marks if mark > steps[-1]]
        drawn = [self._points[mark] for mark in reached] + [values[-1]] * len(after)
        return (Series("distortion", (*reached, *after), tuple(drawn)),)


def steps_to_end(steps: Sequence[int], values: Sequence[float]) -> float:
    """Return where a curve comes within 1 % of its last value for good, on straight lines between its points.

    Args:
        steps: ascending.
        values: there.

    >>> steps_to_end([0, 10, 20, 30], [3.01, 2.01, 1.01, 1.0]), steps_to_end([0, 10], [1.0, 1.0])
    (20.0, 0.0)
    """
    limit = (1.0 + _NEAR) * values[-1]
    above = [place for place, value in enumerate(values) if value > limit]
    if not above:
        return float(steps[0])
    left = above[-1]
    share = (values[left] - limit) / (values[left] - values[left + 1])
    return float(steps[left] + share * (steps[left + 1] - steps[left]))
