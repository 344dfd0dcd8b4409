"""What runs in the plane are measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zador import metrics
from zador.search import nearest
from zador.studies.catalogue.judgement import DEAD, DISTORTION, EFFECTIVE_BITS
from zador.studies.design import Metric
from zador.studies.rows import Outcome, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zador.studies.catalogue.planar.training import Trace
    from zador.studies.catalogue.sources import Source

__all__ = ["MEASURES", "figures", "outcome", "tortuosity"]

MEASURES = (
    DISTORTION,
    EFFECTIVE_BITS,
    DEAD,
    Metric(
        "tortuosity",
        "tortuosity",
        "Length of the codewords' ways, Σ_k Σ_t ‖e_k(t+1) − e_k(t)‖ over every update, over their net displacement "
        "Σ_k ‖e_k(T) − e_k(0)‖: 1 where each goes straight to its end.",
        decimals=2,
    ),
    Metric(
        "codebook path",
        "way of a codeword",
        "Length of the way of a codeword over every update, mean over the codebook.",
        decimals=3,
        lower_is_better=None,
    ),
    Metric(
        "encoder path",
        "way of W",
        "Length of the way of the encoder over every update, Frobenius norm.",
        decimals=3,
        lower_is_better=None,
    ),
    Metric(
        "encoder error",
        "W − I",
        "Distance of the encoder from the identity at the end, Frobenius norm: with the identity q would be nearest to x.",
        decimals=3,
    ),
    Metric(
        "roughness",
        "roughness",
        "Mean squared jump of the mean gradient from one side of a Voronoi boundary to the other, over its mean squared "
        "length there; at the start of training, which all arms share. 0 where it is continuous, 4 where it turns around.",
        decimals=3,
    ),
    Metric(
        "boundary cosine",
        "cosine at boundaries",
        "Cosine of the mean gradient with that of the expected loss at the nearest codeword, at the same points.",
        decimals=3,
        lower_is_better=False,
    ),
    Metric("diverged", "diverged", "1 where the batch loss went above 1000 times the zero-rate loss.", decimals=2),
)
"""Most important first: verdicts between arms rest on the distortion."""


def figures(
    source: Source, evaluation: NDArray[np.float64], encoder: NDArray[np.float64], codewords: NDArray[np.float64]
) -> dict[str, float]:
    """Return distortion ‖x − q‖², effective bits and dead codes; q is the codeword nearest to W x.

    Args:
        source: of the vectors.
        evaluation: (M, 2).
        encoder: (2, 2), W.
        codewords: (K, 2).
    """
    indices = nearest(np.ascontiguousarray(evaluation @ encoder.T), np.ascontiguousarray(codewords)).indices
    distortion = float(np.square(evaluation - codewords[indices]).sum(axis=1).mean())
    return {
        "distortion": distortion,
        "effective bits": metrics.effective_bits(source.eigenvalues, distortion),
        "dead codes": float(metrics.dead_codes(metrics.usage_counts(indices, len(codewords)))),
    }


def outcome(source: Source, evaluation: NDArray[np.float64], trace: Trace, more: Mapping[str, float]) -> Outcome:
    """Return what came of a run.

    Args:
        source: of the vectors.
        evaluation: (M, 2).
        trace: the run.
        more: further metrics.
    """
    along = [figures(source, evaluation, *place) for place in zip(trace.encoder, trace.codewords, strict=True)]
    ways = {
        "tortuosity": tortuosity(trace),
        "codebook path": float(trace.codebook_path.mean()),
        "encoder path": trace.encoder_path,
        "encoder error": float(np.linalg.norm(trace.encoder[-1] - np.eye(2))),
        "diverged": float(bool(trace.failure)),
    }
    drawn = tuple(Series(name, trace.steps, tuple(at[name] for at in along)) for name in ("distortion", "dead codes"))
    return Outcome({**along[-1], **ways, **more}, drawn, trace.failure)


def tortuosity(trace: Trace) -> float:
    """Return the length of the codewords' ways over their net displacement."""
    net = np.linalg.norm(trace.codewords[-1] - trace.codewords[0], axis=1).sum()
    return float(trace.codebook_path.sum() / net)
