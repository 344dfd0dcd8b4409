"""One method at one rate on one split: fit, meter, judge on held-out vectors."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador import metrics
from zador.coding import coded_bits
from zador.studies.comparison.records import Arm
from zador.studies.meter import Meter
from zador.theory import gaussian
from zador.units import decibels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.quantizers import Quantizer
    from zador.studies.comparison.method import Method

__all__ = ["Outcome", "paired", "run"]

_BLOCK_ROWS = 1 << 14
_NAMED_ALPHABETS = 3


@dataclass(frozen=True, eq=False)
class Outcome:
    """An arm's numbers, and the quantizer behind them.

    Attributes:
        arm: what the table shows.
        quantizer: as it was fitted.
        indices: (H, S) of the held-out vectors.
        squared: (H,) their squared errors.
    """

    arm: Arm
    quantizer: Quantizer
    indices: NDArray[np.int64]
    squared: NDArray[np.float64]


def run(
    method: Method, bits: int, train: NDArray[Any], held_out: NDArray[Any], eigenvalues: NDArray[np.float64], *, seed: int
) -> Outcome:
    """Return what `method` reaches at `bits` per vector.

    Args:
        method: how to get a quantizer.
        bits: rate, bits per vector.
        train: (N, d) vectors to fit on, finite, float32 or float64.
        held_out: (H, d) vectors to judge on.
        eigenvalues: (d,) of the covariance, for the Gaussian bound.
        seed: of the fit.
    """
    with Meter() as meter:
        quantizer = method.fit(train, bits, seed)
    start = time.perf_counter()
    indices = quantizer.encode(held_out)
    encode_seconds = time.perf_counter() - start
    squared = _squared_errors(quantizer, indices, held_out)
    mean = float(squared.mean())
    real_bits = coded_bits(indices, quantizer) / len(held_out)
    bound = float(gaussian.distortion_rate(eigenvalues, bits))
    counts = [metrics.usage_counts(indices[:, s], size) for s, size in enumerate(quantizer.sizes)]
    entropy = sum(metrics.entropy_bits(usage) for usage in counts)
    arm = Arm(
        name=method.name,
        bits=float(bits),
        entropy_coded=method.entropy_coded,
        streams=len(quantizer.sizes),
        alphabets=alphabets(quantizer.sizes),
        codebook_size=quantizer.sizes[0] if len(quantizer.sizes) == 1 else None,
        distortion=mean,
        distortion_se=_standard_error(squared),
        excess_se=0.0,
        train_distortion=float(_squared_errors(quantizer, quantizer.encode(train), train).mean()),
        gaussian_bound=bound,
        gap_db=_gap_db(mean, bound),
        effective_bits=metrics.effective_bits(eigenvalues, mean),
        entropy_bits=entropy,
        perplexity=2.0 ** (entropy / len(counts)),
        dead=sum(metrics.dead_codes(usage) for usage in counts),
        index_bits=quantizer.bits,
        cross_entropy_bits=sum(
            metrics.cross_entropy_bits(judged, trained) for judged, trained in zip(counts, quantizer.usage, strict=True)
        ),
        real_bits=real_bits,
        real_gap_db=_gap_db(mean, float(gaussian.distortion_rate(eigenvalues, real_bits))),
        recall=None,
        seconds=meter.seconds,
        encode_seconds=encode_seconds,
        memory_mib=meter.memory_mib,
    )
    return Outcome(arm, quantizer, indices, squared)


def paired(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes at one rate, judged on the same vectors, with the noise of their distance to the best one."""
    best = min(outcomes, key=lambda outcome: outcome.arm.distortion)
    return [
        replace(o, arm=replace(o.arm, excess_se=0.0 if o is best else _standard_error(o.squared - best.squared)))
        for o in outcomes
    ]


def alphabets(sizes: Sequence[int]) -> str:
    """Return the sizes of streams in few words, the most frequent first.

    >>> alphabets([256] * 8), alphabets([16, 8]), alphabets([512])
    ('8 × 256', '16, 8', '512')
    """
    groups = sorted(Counter(sizes).items(), key=lambda group: (-group[1], -group[0]))
    if len(groups) > _NAMED_ALPHABETS:
        return f"{len(sizes)} streams of {min(sizes)} to {max(sizes)}"
    return ", ".join(f"{count} × {size}" if count > 1 else str(size) for size, count in groups)


def _gap_db(distortion: float, bound: float) -> float:
    return decibels(distortion / bound) if bound > 0 else float("inf")


def _squared_errors(quantizer: Quantizer, indices: NDArray[np.int64], x: NDArray[Any]) -> NDArray[np.float64]:
    squared = np.empty(len(x))
    for start in range(0, len(x), _BLOCK_ROWS):
        here = slice(start, start + _BLOCK_ROWS)
        squared[here] = ((x[here] - quantizer.decode(indices[here]).astype(np.float64)) ** 2).sum(axis=1)
    return squared


def _standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean; NaN for a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
