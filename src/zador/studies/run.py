"""One method at one rate on one split: fit, meter, judge on held-out vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador import metrics
from zador.codebooks import LloydResult
from zador.search import nearest_of_clean
from zador.studies.meter import Meter
from zador.studies.records import Arm
from zador.theory import gaussian
from zador.units import decibels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.studies.design import Method

__all__ = ["Outcome", "paired", "run"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """An arm's numbers, and the codebook behind them.

    Attributes:
        arm: what the table shows.
        codewords: (K, d).
        indices: (H,) codewords of the held-out vectors.
        squared: (H,) their squared errors.
    """

    arm: Arm
    codewords: NDArray[Any]
    indices: NDArray[np.int64]
    squared: NDArray[np.float64]


def run(
    method: Method, bits: int, train: NDArray[Any], held_out: NDArray[Any], eigenvalues: NDArray[np.float64], *, seed: int
) -> Outcome:
    """Return what `method` reaches with `2 ** bits` codewords.

    Args:
        method: initialiser and learner.
        bits: rate of an index of fixed length, bits per vector.
        train: (N, d) vectors to fit on, finite, float32 or float64.
        held_out: (H, d) vectors to judge on.
        eigenvalues: (d,) of the covariance, for the Gaussian bound.
        seed: of the initialiser.
    """
    size = 2**bits
    with Meter() as meter:
        fitted = _fit(method, size, train, seed)
    found = nearest_of_clean(held_out, fitted.codewords)
    squared = found.squared_distances.astype(np.float64)
    mean = float(squared.mean())
    counts = metrics.usage_counts(found.indices, size)
    entropy = metrics.entropy_bits(counts)
    bound = float(gaussian.distortion_rate(eigenvalues, bits))
    arm = Arm(
        name=method.name,
        bits=float(bits),
        codebook_size=size,
        distortion=mean,
        distortion_se=_standard_error(squared),
        excess_se=0.0,
        train_distortion=fitted.distortion,
        gaussian_bound=bound,
        gap_db=decibels(mean / bound) if bound > 0 else float("inf"),
        effective_bits=metrics.effective_bits(eigenvalues, mean),
        entropy_bits=entropy,
        perplexity=2.0**entropy,
        dead=int((counts == 0).sum()),
        real_bits=None,
        seconds=meter.seconds,
        memory_mib=meter.memory_mib,
    )
    return Outcome(arm, fitted.codewords, found.indices, squared)


def paired(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes at one rate, judged on the same vectors, with the noise of their distance to the best one."""
    best = min(outcomes, key=lambda outcome: outcome.arm.distortion)
    return [
        replace(o, arm=replace(o.arm, excess_se=0.0 if o is best else _standard_error(o.squared - best.squared)))
        for o in outcomes
    ]


def _standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean; NaN for a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _fit(method: Method, size: int, train: NDArray[Any], seed: int) -> LloydResult:
    start = np.asarray(method.start(train, size, np.random.default_rng(seed)), train.dtype)
    if method.learner is not None:
        return method.learner.fit(train, start)
    found = nearest_of_clean(train, start)
    usage = np.bincount(found.indices, minlength=size).astype(np.float64)
    return LloydResult(start, usage, (float(found.squared_distances.mean(dtype=np.float64)),), converged=True)
