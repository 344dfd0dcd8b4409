"""What a codebook is measured by on vectors that it was not fitted to, and the limits beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zador import metrics
from zador.search import nearest
from zador.studies.design import Arm, Metric
from zador.studies.rows import Outcome
from zador.theory.limits import limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Source

__all__ = ["DEAD", "DISTORTION", "EFFECTIVE_BITS", "PERPLEXITY", "KPointFloor", "Shannon", "figures", "limit_arms"]

DISTORTION = Metric("distortion", "distortion", "Mean of ‖x − q‖² on evaluation vectors, summed over coordinates.")
EFFECTIVE_BITS = Metric(
    "effective bits",
    "eff. bits",
    "Rate at which Shannon's D(R) of a Gaussian with this covariance would reach this distortion.",
    decimals=3,
    lower_is_better=False,
)
PERPLEXITY = Metric(
    "perplexity", "perplexity", "2^H of how often each codeword is used on evaluation vectors.", 1, lower_is_better=None
)
DEAD = Metric("dead codes", "dead", "Codewords that no evaluation vector uses.", decimals=1)


def figures(source: Source, evaluation: NDArray[np.float64], codewords: NDArray[np.float64]) -> Mapping[str, float]:
    """Return the four metrics above of a table of codewords.

    Args:
        source: where the vectors come from.
        evaluation: (M, D) vectors to judge on.
        codewords: (K, D).
    """
    found = nearest(evaluation, np.ascontiguousarray(codewords, evaluation.dtype))
    counts = metrics.usage_counts(found.indices, len(codewords))
    distortion = float(found.squared_distances.mean())
    return {
        "distortion": distortion,
        "effective bits": metrics.effective_bits(source.eigenvalues, distortion),
        "perplexity": 2.0 ** metrics.entropy_bits(counts),
        "dead codes": float(metrics.dead_codes(counts)),
    }


def limit_arms(source: Source, codebook_size: int, setting: str = "") -> tuple[Arm, ...]:
    """Return what every table carries: Shannon's D(R), and for a Gaussian source the floor under K codewords.

    Beside a source that is not Gaussian D(R) of its covariance is an upper bound on its own D(R): it is called so.
    """
    if not source.is_gaussian:
        return (Arm("Gaussian D(R), no limit", Shannon(source, codebook_size), setting, limit=True),)
    return (
        Arm("Shannon D(R)", Shannon(source, codebook_size), setting, limit=True),
        Arm("K-point floor", KPointFloor(source, codebook_size), setting, limit=True),
    )


@dataclass(frozen=True)
class Shannon:
    """D(log2 K) of a Gaussian with the source's covariance.

    Attributes:
        source: of the vectors.
        codebook_size: K.
    """

    source: Source
    codebook_size: int

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        ladder = limits(self.source.eigenvalues, codebook_size=self.codebook_size)
        found = {"distortion": ladder.distortion_rate, "effective bits": math.log2(self.codebook_size)}
        return [Outcome(found)] * len(seeds)


@dataclass(frozen=True)
class KPointFloor:
    """`kpoint.lower_bound`: no table of K codewords goes below it.

    Attributes:
        source: of the vectors; Gaussian.
        codebook_size: K.
    """

    source: Source
    codebook_size: int

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        eigenvalues = self.source.eigenvalues
        floor = limits(eigenvalues, codebook_size=self.codebook_size).floor.distortion
        return [Outcome({"distortion": floor, "effective bits": metrics.effective_bits(eigenvalues, floor)})] * len(seeds)
