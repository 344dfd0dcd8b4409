"""What a codebook is measured by on vectors that it was not fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador import metrics
from zador.search import nearest
from zador.studies.design import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Source

__all__ = ["DEAD", "DISTORTION", "EFFECTIVE_BITS", "PERPLEXITY", "figures"]

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
