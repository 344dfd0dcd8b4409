"""What theory says about a scene: the same for every seed, as the spectrum is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.studies.catalogue.testbed.measures import limit
from zador.theory.limits import Limits, limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.catalogue.testbed.scene import Scene
    from zador.studies.rows import Outcome

__all__ = ["KPointFloor", "Shannon"]


@dataclass(frozen=True)
class _Limit:
    """A limit of K codewords behind an orthonormal encoder to m dimensions.

    It holds for every such encoder, learned or not: one that keeps other directions than the leading ones drops at least
    as much more as it leaves less to quantize.

    Attributes:
        scene: source and sizes.
    """

    scene: Scene

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def _ladder(self) -> Limits:
        scene = self.scene
        return limits(scene.source.eigenvalues, codebook_size=scene.codebook_size, encoder_dim=scene.encoder_dim)


@dataclass(frozen=True)
class Shannon(_Limit):
    """Dropped energy + D(log2 K) of the kept axes: no quantizer behind a linear encoder goes below it."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        ladder = self._ladder()
        return [limit(self.scene, ladder.encoder_distortion_rate, ladder.dropped_energy)] * len(seeds)


@dataclass(frozen=True)
class KPointFloor(_Limit):
    """Dropped energy + `kpoint.lower_bound` of the kept axes: no table of K codewords goes below it."""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed."""
        ladder = self._ladder()
        return [limit(self.scene, ladder.floor.distortion, ladder.dropped_energy)] * len(seeds)
