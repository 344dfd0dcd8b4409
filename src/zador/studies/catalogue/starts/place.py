"""Where codebooks are learnt: a source seen through its leading principal axes, and the number of codewords."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from zador import metrics
from zador.codebooks import principal_axes
from zador.studies.design import Arm
from zador.studies.rows import Outcome
from zador.theory.limits import Limits, limits

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Source

__all__ = ["Floor", "Place", "Shannon", "Vectors", "limits_of"]


class Vectors(NamedTuple):
    """What one seed gives; not to be written to.

    Attributes:
        train: x (N, D) to fit on.
        evaluation: (M, D) to judge on.
        encoder: W (m, D), the leading principal axes of the training vectors.
        codes: z = W x (N, m) of the training vectors.
    """

    train: NDArray[np.float64]
    evaluation: NDArray[np.float64]
    encoder: NDArray[np.float64]
    codes: NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """K codewords in the m leading principal directions of a source.

    Attributes:
        source: of the vectors.
        codebook_size: K.
        encoder_dim: m.
    """

    source: Source
    codebook_size: int
    encoder_dim: int

    @property
    def leading(self) -> NDArray[np.float64]:
        """(m,) variances that the axes keep, largest first."""
        return self.source.eigenvalues[: self.encoder_dim]

    def vectors(self, seed: int) -> Vectors:
        """Return what `seed` draws, seen through the axes of its training vectors."""
        return _vectors(cast("Hashable", self.source), self.encoder_dim, seed)


@lru_cache(maxsize=32)
def _vectors(source: Any, encoder_dim: int, seed: int) -> Vectors:
    (train,), (evaluation,) = source.stacked((seed,))
    encoder = np.ascontiguousarray(principal_axes(train).directions[:, :encoder_dim].T)
    codes = train @ encoder.T
    codes.flags.writeable = encoder.flags.writeable = False
    return Vectors(train, evaluation, encoder, codes)


@dataclass(frozen=True)
class _Limit:
    """What theory says of a place.

    Attributes:
        place: source and sizes.
    """

    place: Place

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def _outcomes(self, distortion: float, seeds: Sequence[int]) -> list[Outcome]:
        bits = metrics.effective_bits(self.place.leading, distortion)
        return [Outcome({"distortion": distortion, "effective bits": bits})] * len(seeds)

    def _ladder(self) -> Limits:
        return limits(self.place.leading, codebook_size=self.place.codebook_size)


@dataclass(frozen=True)
class Shannon(_Limit):
    """D(log2 K) of a Gaussian with the variances of the leading axes."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        return self._outcomes(self._ladder().distortion_rate, seeds)


@dataclass(frozen=True)
class Floor(_Limit):
    """`kpoint.lower_bound` of the leading axes: no table of K codewords in any m directions leaves less of a Gaussian."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        return self._outcomes(self._ladder().floor.distortion, seeds)


def limits_of(place: Place, setting: str, *, floor: bool = True) -> tuple[Arm, ...]:
    """Return the limits of a place as arms.

    Args:
        place: where the source is not Gaussian, D(R) of its covariance is called no limit, and there is no floor.
        setting: as tables call the place.
        floor: whether the K-point floor is among them; where axes differ it takes some seconds.
    """
    if not place.source.is_gaussian:
        return (Arm("Gaussian D(R), no limit", Shannon(place), setting, limit=True),)
    bounds = (Arm("Shannon D(R)", Shannon(place), setting, limit=True),)
    return (*bounds, Arm("K-point floor", Floor(place), setting, limit=True)) if floor else bounds
