"""What theory says of a source: rungs of its ladder as work, so that tables carry them beside what is tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador import metrics
from zador.studies.design import Arm
from zador.studies.rows import Outcome
from zador.theory.limits import Limits, limits

if TYPE_CHECKING:
    from zador.studies.catalogue.sources import Source

__all__ = ["FLOOR", "SHANNON", "Bound", "Limit", "floor", "limit_arms", "shannon", "shannon_of_all_axes"]

SHANNON, FLOOR = "Shannon D(R)", "K-point floor"
_NO_LIMIT = "Gaussian D(R), no limit"

Bound = Callable[[Limits], float]
"""From a ladder to the squared error of one of its rungs, summed over coordinates."""


def shannon(ladder: Limits) -> float:
    """Return the dropped energy + D(log2 K) of the kept axes: no quantizer behind a linear encoder goes below it."""
    return ladder.encoder_distortion_rate


def shannon_of_all_axes(ladder: Limits) -> float:
    """Return D(log2 K) of all axes: no quantizer of this rate goes below it, whatever its encoder."""
    return ladder.distortion_rate


def floor(ladder: Limits) -> float:
    """Return the dropped energy + `kpoint.lower_bound` of the kept axes: no table of K codewords goes below it."""
    return ladder.floor.distortion


@dataclass(frozen=True)
class Limit:
    """A bound for K codewords behind an orthonormal encoder to m dimensions.

    It holds for every such encoder, learned or not: one that keeps other directions than the leading ones drops at least
    as much more as it leaves less to quantize. It is a bound for Gaussian sources; see `limit_arms` for others.

    Attributes:
        source: of the vectors.
        codebook_size: K.
        bound: which: `shannon`, `shannon_of_all_axes`, `floor`.
        encoder_dim: m; None for all axes.
        kept: whether only the axes that are kept count, and nothing of what is dropped.
    """

    source: Source
    codebook_size: int
    bound: Bound
    encoder_dim: int | None = None
    kept: bool = False

    def fingerprint(self, _seed: int, /) -> str:
        """Return nothing: no data are looked at."""
        return ""

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the bound, once for each seed, under the names that studies have for such errors."""
        eigenvalues, dim = self.source.eigenvalues, self.encoder_dim
        if self.kept:
            eigenvalues, dim = eigenvalues[: self.encoder_dim], None
        ladder = limits(eigenvalues, codebook_size=self.codebook_size, encoder_dim=dim)
        value, dropped = self.bound(ladder), ladder.dropped_energy
        found = {
            "distortion": value,
            "reconstruction": value,
            "in-subspace": value - dropped,
            "projection loss": dropped,
            "effective bits": metrics.effective_bits(eigenvalues, value),
        }
        if value > dropped:
            found["overhead"] = value / (value - dropped)
        return [Outcome(found)] * len(seeds)


def limit_arms(
    source: Source,
    codebook_size: int,
    setting: str = "",
    *,
    encoder_dim: int | None = None,
    kept: bool = False,
    searched: bool = True,
) -> tuple[Arm, ...]:
    """Return what every table carries: Shannon's D(R), and the floor under K codewords.

    Beside a source that is not Gaussian D(R) of its covariance is an upper bound on its own D(R): it is called so, and there
    is no floor.

    Args:
        source: of the vectors.
        codebook_size: K.
        setting: level of the study's factor.
        encoder_dim: m, of an orthonormal encoder; None for all axes.
        kept: see `Limit`.
        searched: also the floor, which takes a quarter of a minute where axes differ.
    """
    behind = Limit(source, codebook_size, shannon, encoder_dim, kept)
    if not source.is_gaussian:
        return (Arm(_NO_LIMIT, behind, setting, limit=True),)
    arms = (Arm(SHANNON, behind, setting, limit=True),)
    if not searched:
        return arms
    return (*arms, Arm(FLOOR, Limit(source, codebook_size, floor, encoder_dim, kept), setting, limit=True))
