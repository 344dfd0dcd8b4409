"""By which power of the codebook's size does distortion fall, beside Zador's 2/d?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zador.codebooks import KMeansPlusPlus, Lloyd, keep_empty, relocate_empty
from zador.search import nearest
from zador.studies.design import Arm, Design, Metric
from zador.studies.rows import Outcome, Series
from zador.theory import gaussian, high_rate, kpoint
from zador.theory.scalar import lloyd_max

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MEASURES", "Curve", "Fitted", "Predicted", "distortion_law", "exponent", "split"]

METHOD = "Lloyd, by splitting"
"""The reference: what is measured."""

_SLOPE = "Least-squares slope of −log D over log K"
MEASURES = (
    Metric("exponent", "exponent", f"{_SLOPE}, over all sizes.", 4, lower_is_better=None),
    Metric("exponent, lower half", "lower half", f"{_SLOPE}, over the smaller half of the sizes.", 4, lower_is_better=None),
    Metric("exponent, upper half", "upper half", f"{_SLOPE}, over the larger half of the sizes.", 4, lower_is_better=None),
    Metric("share of 2/d", "exponent · d/2", "The exponent over all sizes as a share of Zador's.", 4, lower_is_better=None),
    Metric("gain 8 to 16", "8 → 16", "Share by which the error falls from 8 to 16 codewords.", 4, lower_is_better=None),
    Metric("gain 32 to 64", "32 → 64", "Share by which the error falls from 32 to 64 codewords.", 4, lower_is_better=None),
    Metric("distortion", "D at the largest K", "Mean of ‖x − q‖² on evaluation vectors, the largest codebook.", 5),
)

_EVALUATION, _LEAST = 100_000, 20_000
_TOLERANCE = 1e-4
_SHIFT = 0.1
"""How far apart the halves of a codeword start, in root mean squared errors of a coordinate."""

_SEEDS, _QUICK_SEEDS = 20, 5


@dataclass(frozen=True)
class Curve:
    """A Gaussian, and the sizes at which its distortion is wanted.

    Attributes:
        variances: of the coordinates that are quantized.
        sizes: K, from 8, each twice the one before.
        per_codeword: vectors to fit on for each codeword, and never fewer than 20,000.
        dropped: variance that never reaches the codebook, and belongs to the error.
    """

    variances: tuple[float, ...]
    sizes: tuple[int, ...]
    per_codeword: int
    dropped: float = 0.0

    def outcome(self, quantized: Sequence[float]) -> Outcome:
        """Return the metrics above of the distortions of the quantized coordinates at the sizes, and the curve."""
        distortions = np.asarray(quantized) + self.dropped
        at = dict(zip(self.sizes, distortions.tolist(), strict=True))
        half = len(self.sizes) // 2
        whole = exponent(self.sizes, distortions)
        return Outcome(
            {
                "exponent": whole,
                "exponent, lower half": exponent(self.sizes[: half + 1], distortions[: half + 1]),
                "exponent, upper half": exponent(self.sizes[-half - 1 :], distortions[-half - 1 :]),
                "share of 2/d": whole * len(self.variances) / 2.0,
                "gain 8 to 16": 1.0 - at[16] / at[8],
                "gain 32 to 64": 1.0 - at[64] / at[32],
                "distortion": at[self.sizes[-1]],
            },
            (Series("distortion", self.sizes, tuple(distortions.tolist())),),
        )

    def count(self, size: int) -> int:
        """Return how many vectors `size` codewords are fitted to."""
        return max(_LEAST, self.per_codeword * size)


_TESTBED = tuple(np.geomspace(4.0, 0.25, 6).tolist())


def _sizes(doublings: int) -> tuple[int, ...]:
    return tuple(8 * 2**k for k in range(doublings + 1))


CURVES = {
    "d = 1": Curve((1.0,), _sizes(4), 2048),
    "d = 2": Curve((1.0,) * 2, _sizes(5), 512),
    "d = 4": Curve((1.0,) * 4, _sizes(6), 256),
    "d = 8": Curve((1.0,) * 8, _sizes(6), 256),
    "testbed, four axes": Curve(_TESTBED[:4], _sizes(6), 256),
    "testbed, whole error": Curve(_TESTBED[:4], _sizes(6), 256, sum(_TESTBED[4:])),
}
_QUICK = {
    "d = 1": Curve((1.0,), _sizes(3), 64),
    "d = 4": Curve((1.0,) * 4, _sizes(3), 64),
    "testbed, four axes": Curve(_TESTBED[:4], _sizes(3), 64),
}


def distortion_law(*, quick: bool = False) -> Design:
    """Return the study: K from 8 on, Gaussians of 1, 2, 4 and 8 dimensions, and the testbed behind four axes."""
    count = _QUICK_SEEDS if quick else _SEEDS
    curves = _QUICK if quick else CURVES
    return Design(
        name="distortion-law",
        title="By which power of K does distortion fall?",
        question=(
            "Zador's asymptote says K^(−2/d), Shannon's D(R) of d equal variances the same at every rate. Real codebooks of "
            "moderate size are far from the asymptote: what exponent do they show, and does it approach 2/d from below? The "
            "exponent is fitted for every seed, so that it has an interval."
        ),
        factor="source",
        arms=tuple(arm for setting, curve in curves.items() for arm in _arms(curve, setting)),
        metrics=MEASURES,
        reference=METHOD,
        seeds=tuple(range(1, count + 1)),
        notes=(
            (
                "Lloyd's algorithm by splitting: from k-means++ at K = 8 until an update gains below 1e-4 of the error, "
                "then every codeword is split in two and it runs again. Each size is fitted to 256 vectors a codeword or "
                "more (2048 where d = 1, 512 where d = 2) and judged on 100,000 others. On the testbed k-means++ with 30 "
                "updates, protocol A's baseline, stands beside it."
            ),
            (
                "Sizes end at K = 128, 256, 512 for d = 1, 2 and above: where a cell has few vectors, what is fitted to the "
                "sample looks like a smaller exponent."
            ),
            "Zador's asymptote is a limit of large K, no bound; below its range it lies above what is measured.",
        ),
        short=quick,
    )


def _arms(curve: Curve, setting: str) -> Iterator[Arm]:
    predictions = {"Shannon D(R)": shannon, "Zador's asymptote": zador}
    testbed = len(set(curve.variances)) > 1
    if not testbed:
        predictions["K-point floor"] = floor
    if len(curve.variances) == 1:
        predictions["optimal (Lloyd–Max)"] = scalar
    for name, law in predictions.items():
        yield Arm(name, Predicted(curve, law), setting, limit=True)
    yield Arm(METHOD, Fitted(curve, split), setting)
    if testbed:
        yield Arm("k-means++, 30 updates", Fitted(curve, seeded), setting)


def exponent(sizes: Sequence[int], distortions: NDArray[np.float64]) -> float:
    """Return the least-squares slope of −log D over log K.

    >>> exponent((8, 16, 32), np.array([8.0, 4.0, 2.0]))
    1.0
    """
    x = np.log2(np.array(sizes, float))
    x -= x.mean()
    return round(float(-(x @ np.log2(distortions)) / (x @ x)), 12)


# (curve, vectors (N, d), generator) -> codewords at each size.
Fit = Callable[[Curve, NDArray[np.float64], np.random.Generator], list[NDArray[np.float64]]]


def split(curve: Curve, x: NDArray[np.float64], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return codebooks of Lloyd's algorithm, each begun with the one before, every codeword split [linde1980algorithm]."""
    learner = Lloyd(iterations=1000, tolerance=_TOLERANCE, empty=relocate_empty)
    result = learner.fit(x[: curve.count(curve.sizes[0])], KMeansPlusPlus()(x[:_LEAST], curve.sizes[0], rng))
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


# (variances, K) -> distortion.
Law = Callable[[tuple[float, ...], int], float]


def shannon(variances: tuple[float, ...], size: int) -> float:
    """Return D(log2 K)."""
    return gaussian.distortion_rate(variances, float(np.log2(size)))


def floor(variances: tuple[float, ...], size: int) -> float:
    """Return the floor under K codewords."""
    return kpoint.lower_bound(variances, size).distortion


def zador(variances: tuple[float, ...], size: int) -> float:
    """Return Zador's asymptote [zador1982asymptotic], valid or not."""
    return high_rate.estimate(variances, size).distortion


def scalar(variances: tuple[float, ...], size: int) -> float:
    """Return the error of the optimal quantizer of one coordinate."""
    return variances[0] * lloyd_max("gaussian", size).distortion


@dataclass(frozen=True)
class Predicted:
    """What theory says at each size, and the exponent of that.

    Attributes:
        curve: source and sizes.
        law: what theory.
    """

    curve: Curve
    law: Law

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the same, once for each seed."""
        return [self.curve.outcome([self.law(self.curve.variances, size) for size in self.curve.sizes])] * len(seeds)
