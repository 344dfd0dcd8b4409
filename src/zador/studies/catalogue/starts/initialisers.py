"""The starts that are compared, by the names that tables and claims use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from zador.codebooks import (
    BestGaussian,
    FromData,
    GaussianCodewords,
    IsotropicRateDistortion,
    KMeansPlusPlus,
    Lloyd,
    LloydMaxGrid,
    RateDistortion,
    ReproductionLaw,
    Uniform,
    ZadorDensity,
    keep_empty,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from zador.codebooks import Initialiser
    from zador.studies.catalogue.starts.place import Place

__all__ = ["REFERENCE", "BestGaussianOf", "KMeans", "WideUniform", "initialisers", "started"]

_KEPT_STARTS = 4096
"""Starts that a process keeps: learners with and without revival share them. The largest takes 64 kB."""


REFERENCE = "k-means++"
"""What every layer of the library starts with unless told otherwise."""


@dataclass(frozen=True)
class WideUniform:
    """Draw every coordinate from `U(-a, a)`, a = √(3 tr Σ / d): the variance of the data, and nothing else of theirs."""

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - an initialiser's
    ) -> NDArray[np.float64]:
        """Return (K, d) codewords."""
        half = float(np.sqrt(3.0 * x.var(axis=0).mean()))
        return rng.uniform(-half, half, (codebook_size, x.shape[1]))


@dataclass(frozen=True)
class KMeans:
    """k-means++, then some updates of Lloyd's algorithm on the first vectors: “k-means initialisation” of many layers.

    Attributes:
        sample: vectors that it sees.
        iterations: updates.
    """

    sample: int = 8_000
    iterations: int = 20

    def __call__(
        self,
        x: NDArray[Any],
        codebook_size: int,
        rng: np.random.Generator,
        weights: NDArray[np.float64] | None = None,  # noqa: ARG002 - an initialiser's
    ) -> NDArray[Any]:
        """Return (K, d) codewords."""
        some = np.ascontiguousarray(x[: self.sample])
        learner = Lloyd(iterations=self.iterations, tolerance=0.0, empty=keep_empty)
        return learner.fit(some, KMeansPlusPlus()(some, codebook_size, rng)).codewords


@dataclass(frozen=True)
class BestGaussianOf(GaussianCodewords):
    """`BestGaussian` with its law found once: for a spectrum that is known, along the axes that the vectors show.

    The search takes seconds, and would differ from seed to seed by no more than sample spectra do.

    Attributes:
        spectrum: (d,) variances that the law is best for, largest first.
    """

    spectrum: tuple[float, ...]

    def variances(self, eigenvalues: NDArray[np.float64], codebook_size: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Return those of `BestGaussian` for the known spectrum."""
        return BestGaussian().variances(np.array(self.spectrum), codebook_size)


def initialisers(place: Place) -> dict[str, Initialiser]:
    """Return the starts that are compared at a place, by the names that tables and claims use, in table order.

    Each looks at the same vectors, and draws from the same seed.
    """
    return {
        "uniform ±1/K": Uniform(),
        "uniform, as wide as the data": WideUniform(),
        "from data": FromData(),
        REFERENCE: KMeansPlusPlus(),
        "k-means": KMeans(),
        "R(D), water-filled": RateDistortion(),
        "R(D), isotropic": IsotropicRateDistortion(),
        "Zador density": ZadorDensity(),
        "best Gaussian": BestGaussianOf(tuple(place.leading.tolist())),
        "Lloyd–Max grid": LloydMaxGrid(),
        "reproduction law": ReproductionLaw(),
    }


def started(place: Place, initialiser: Initialiser, seed: int) -> NDArray[np.float64]:
    """Return the first codewords (K, m) for a seed; not to be written to.

    Args:
        place: source and sizes.
        initialiser: how to start, a frozen dataclass.
        seed: of the vectors and of the draw.
    """
    return _started(place, cast("Hashable", initialiser), seed)


@lru_cache(maxsize=_KEPT_STARTS)
def _started(place: Place, initialiser: Any, seed: int) -> NDArray[np.float64]:
    drawn = initialiser(place.vectors(seed).codes, place.codebook_size, np.random.default_rng(seed))
    codewords = np.array(drawn, np.float64, order="C")
    codewords.flags.writeable = False
    return codewords
