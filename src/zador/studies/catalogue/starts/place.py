"""Where codebooks are learnt: a source seen through its leading principal axes, and the number of codewords."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from zador.codebooks import principal_axes
from zador.studies.catalogue.bounds import limit_arms

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from zador.studies.catalogue.sources import Source
    from zador.studies.design import Arm

__all__ = ["Place", "Vectors", "limits_of"]


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


def limits_of(place: Place, setting: str, *, floor: bool = True) -> tuple[Arm, ...]:
    """Return the limits of what a place keeps as arms, see `limit_arms`.

    Args:
        place: where.
        setting: as tables call the place.
        floor: whether the K-point floor is among them; where axes differ it takes some seconds.
    """
    return limit_arms(place.source, place.codebook_size, setting, encoder_dim=place.encoder_dim, kept=True, searched=floor)
