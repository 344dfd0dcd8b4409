"""Codebooks at the sizes of a curve, judged on other vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zador.codebooks import KMeansPlusPlus, Lloyd, keep_empty, relocate_empty
from zador.search import nearest
from zador.studies.catalogue.growth.curve import LEAST, Curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.rows import Outcome

__all__ = ["Fit", "Fitted", "seeded", "split"]

_EVALUATION = 100_000
_TOLERANCE = 1e-4
_SHIFT = 0.1
"""How far apart the halves of a codeword start, in root mean squared errors of a coordinate."""

# (curve, vectors (N, d), generator) -> codewords at each size.
Fit = Callable[[Curve, NDArray[np.float64], np.random.Generator], list[NDArray[np.float64]]]


def split(curve: Curve, x: NDArray[np.float64], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return codebooks of Lloyd's algorithm, each begun with the one before, every codeword split [linde1980algorithm]."""
    learner = Lloyd(iterations=1000, tolerance=_TOLERANCE, empty=relocate_empty)
    result = learner.fit(x[: curve.count(curve.sizes[0])], KMeansPlusPlus()(x[:LEAST], curve.sizes[0], rng))
    found = [result.codewords]
    for size in curve.sizes[1:]:
        shift = _SHIFT * np.sqrt(result.distortion / x.shape[1]) * rng.standard_normal(found[-1].shape)
        result = learner.fit(x[: curve.count(size)], np.concatenate([found[-1] + shift, found[-1] - shift]))
        found.append(result.codewords)
    return found


def seeded(curve: Curve, x: NDArray[np.float64], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return codebooks of k-means++ and 30 updates of Lloyd's algorithm, each size from the beginning."""
    learner = Lloyd(iterations=30, tolerance=0, empty=keep_empty)
    begin = KMeansPlusPlus(candidates=1)
    parts = [(x[: curve.count(size)], size) for size in curve.sizes]
    return [learner.fit(part, begin(part, size, rng)).codewords for part, size in parts]


@dataclass(frozen=True)
class Fitted:
    """Codebooks at each size, and the law that their errors follow.

    Attributes:
        curve: source and sizes.
        fit: how codebooks are found.
    """

    curve: Curve
    fit: Fit

    def fingerprint(self, seed: int, /) -> str:
        """Return what is drawn: the curve says how many."""
        return f"standard normal draws of {len(self.curve.variances)} coordinates, seed {seed}"

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the exponents on evaluation vectors."""
        return [self._one(seed) for seed in seeds]

    def _one(self, seed: int) -> Outcome:
        return self.curve.outcome(_errors(replace(self.curve, dropped=0.0), self.fit, seed))


@lru_cache(maxsize=128)
def _errors(curve: Curve, fit: Fit, seed: int) -> tuple[float, ...]:
    """Return the distortions at the sizes; two settings that differ in what is dropped share them."""
    rng, deviations = np.random.default_rng(seed), np.sqrt(np.array(curve.variances))
    judged = rng.standard_normal((_EVALUATION, len(deviations))) * deviations
    x = rng.standard_normal((curve.count(curve.sizes[-1]), len(deviations))) * deviations
    return tuple(float(nearest(judged, book).squared_distances.mean()) for book in fit(curve, x, rng))
