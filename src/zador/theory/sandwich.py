"""The rate–distortion function of the source behind a sample, between a training optimum and a held-out value.

For a slope s, L(ν) = -E ln ∫ exp(-s |X - y|²) ν(dy), and L_n the same for n vectors,

    E min_ν L_n(ν)   <=   min_ν L(ν) = min_D R(D) + s D   <=   E L_test(ν̂)        ν̂ fitted to other vectors

so that a training optimum is too low and a held-out value too high, on average, at any n (mak1999monte); over batches each
gets a t-interval. Every slope bounds the whole curve from below by the line L_lower(s) - s D; every fitted law achieves a
point, and chords between such points bound it from above, because R(D) is convex.

Proven: both inequalities, for independent vectors. Statistical: t-intervals, which take batch means for Gaussian. Estimated:
the training optimum itself in more than 3 dimensions, where ln sup_y c(y) is searched for and not bounded (`certified`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from zador.errors import DataError, UsageError
from zador.theory.free_support import PROVABLE_DIM, fit_law
from zador.theory.gaussian import rate_distortion, water_level
from zador.theory.rate_band import RateBand
from zador.units import to_bits, to_nats
from zador.validation import as_count, as_vectors, generator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zador.theory.free_support import Law

    Floats = NDArray[np.float64]

__all__ = ["Sandwich", "sandwich"]

_TOLERANCE = 0.01  # nats of ln sup c at which a fit stops; what is left is subtracted
_STARTS = 600
_BUDGET = 2e8
_ROUNDS = 6
_LEAST_BATCH = 20
_RATES = (0.5, 1.0, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class Sandwich:
    """Bounds on min R(D) + slope D of the source of a sample, and a point its curve passes under; bits.

    Attributes:
        slope: s = -dR/dD in bits per unit of squared error, summed over coordinates.
        lower: lower confidence limit of the expected training optimum; L_lower above.
        upper: upper confidence limit of the held-out value.
        train: mean over batches of the training optimum.
        held_out: mean of the held-out value.
        distortion: held-out squared error of the fitted law's channel.
        rate: held-out rate of that channel.
        distortion_limit: upper confidence limit of `distortion`.
        rate_limit: upper confidence limit of `rate`.
        confidence: of all statements of this slope together.
        certified: whether the training optima are proven (up to 3 dimensions), or their supremum was only searched for.
        atoms: how many atoms the fitted law has.
    """

    slope: float
    lower: float
    upper: float
    train: float
    held_out: float
    distortion: float
    rate: float
    distortion_limit: float
    rate_limit: float
    confidence: float
    certified: bool
    atoms: int


def sandwich(
    x: Any,
    *,
    slopes: Iterable[float] | None = None,
    distortions: Iterable[float] | None = None,
    rates: Iterable[float] | None = None,
    batches: int = 5,
    confidence: float = 0.99,
    seed: int | np.random.Generator = 0,
) -> RateBand:
    """Return a band that holds R(D) of the source of independent vectors, for squared error summed over coordinates.

    Half of the vectors train the law that the other half tests; all of them, in `batches` parts, give training optima.

    Args:
        x: (n, d) independent vectors.
        slopes: values of s in bits per unit of squared error, above 0.
        distortions: instead, squared errors; s is that of a Gaussian source with the same covariance at each of them.
        rates: instead, bits per vector of that Gaussian source; 0.5, 1, 2, 3 and 4 by default. The source itself is usually
            at lower rate there.
        batches: parts for the t-interval of the training optimum, at least 2. More make the interval more trustworthy and
            the optimum, on fewer vectors each, lower.
        confidence: of the statements at each slope; the band as a whole holds with at least 1 - slopes (1 - confidence).
        seed: how the vectors are shuffled, and from which the search for modes starts.

    Returns:
        The band, with the sandwich of each slope.

    Raises:
        UsageError: more than one of slopes, distortions and rates, or one that is not a positive number; confidence outside
            (0, 1).
        DataError: fewer than 20 vectors a batch, or all vectors equal.
        NonFiniteError: NaN or infinity.

    >>> x = np.random.default_rng(0).normal(size=(600, 1))
    >>> band = sandwich(x, distortions=[0.25], seed=0)
    >>> band.lower(0.25) <= 1.0 <= band.upper(0.25)
    True
    """
    points, rng = as_vectors(x, "x").astype(np.float64), generator(seed)
    parts = as_count(batches, "batches", least=2)
    if len(points) < parts * _LEAST_BATCH:
        raise DataError(f"x: {parts} batches need at least {parts * _LEAST_BATCH} vectors, got {len(points)}")
    if not 0 < confidence < 1:
        raise UsageError(f"confidence: expected a number between 0 and 1, got {confidence!r}")
    points = rng.permutation(points - points.mean(axis=0))
    spread = (points**2).sum(axis=1)
    if not spread.mean() > 0:
        raise DataError("x: all vectors are equal; their rate is 0 at any distortion")
    chosen = _slopes(points, slopes, distortions, rates)
    found = tuple(_at_slope(points, slope, parts, confidence, rng) for slope in chosen)
    return RateBand(found, _limit(spread, 1 - (1 - confidence) / 4, upper=True), confidence)


def _slopes(
    points: Floats,
    slopes: Iterable[float] | None,
    distortions: Iterable[float] | None,
    rates: Iterable[float] | None,
) -> list[float]:
    if sum(each is not None for each in (slopes, distortions, rates)) > 1:
        raise UsageError("pass slopes, distortions or rates, not more than one of them")
    asked = next((each for each in (slopes, distortions, rates) if each is not None), _RATES)
    given = [float(value) for value in asked]
    if not given or not all(0 < value < math.inf for value in given):
        raise UsageError(f"slopes, distortions, rates: expected positive numbers, got {given!r}")
    if slopes is not None:
        return sorted(given)
    spectrum = np.maximum(np.linalg.eigvalsh(points.T @ points / len(points)), 0.0)
    bits = given if distortions is None else [rate_distortion(spectrum, value) for value in given]
    return sorted({to_bits(0.5 / water_level(spectrum, value)) for value in bits})


def _at_slope(points: Floats, slope: float, batches: int, confidence: float, rng: np.random.Generator) -> Sandwich:
    nats, miss = to_nats(slope), (1 - confidence) / 2
    certified = points.shape[1] <= PROVABLE_DIM
    optima = []
    for batch in np.array_split(points, batches):
        law = _fitted(batch, nats, rng, _BUDGET if certified else 0.0)
        optima.append(law.lower)
    half = len(points) // 2
    law = _fitted(points[:half], nats, rng, 0.0)
    value, error = law.evaluate(points[half:])
    rate = value - nats * error
    return Sandwich(
        slope,
        lower=to_bits(_limit(np.array(optima), 1 - miss, upper=False)),
        upper=to_bits(_limit(value, 1 - miss, upper=True)),
        train=to_bits(float(np.mean(optima))),
        held_out=to_bits(float(value.mean())),
        distortion=float(error.mean()),
        rate=to_bits(max(float(rate.mean()), 0.0)),
        distortion_limit=_limit(error, 1 - miss / 2, upper=True),
        rate_limit=to_bits(max(_limit(rate, 1 - miss / 2, upper=True), 0.0)),
        confidence=confidence,
        certified=certified,
        atoms=len(law.atoms),
    )


def _fitted(points: Floats, slope: float, rng: np.random.Generator, budget: float) -> Law:
    start = points[rng.permutation(len(points))[:_STARTS]]
    p = np.full(len(points), 1.0 / len(points))
    return fit_law(points, p, slope, tolerance=_TOLERANCE, start=start, rounds=_ROUNDS, budget=budget)


def _limit(values: Floats, level: float, *, upper: bool) -> float:
    """Return the one-sided t confidence limit of the mean of independent values."""
    reach = float(stdtrit(len(values) - 1, level)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) + (reach if upper else -reach)
