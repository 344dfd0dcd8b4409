"""The ladder: what stands between a codebook's measured error and zero, rung by rung."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zador.errors import UsageError
from zador.theory import gaussian, high_rate, kpoint, random_codebook
from zador.theory.cautions import measured_warnings
from zador.theory.spectrum import spectrum_of
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Limits", "Rung", "limits"]


class Rung(NamedTuple):
    """One line of the ladder.

    Attributes:
        label: a few words, for a table.
        distortion: squared error summed over coordinates.
        meaning: one sentence: what can and what cannot reach it.
        standard_error: of `distortion`, where it is a mean over samples; 0 where it is not.
    """

    label: str
    distortion: float
    meaning: str
    standard_error: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What K codewords can do for a Gaussian with a given covariance; distortions are summed over coordinates.

    `floor`, `best_known` and `random_codebook` are computed when they are first asked for; where axes differ the first two
    take some seconds, more for thousands of codewords.

    Attributes:
        codebook_size: number K of codewords.
        rate_bits: log2 K, in bits per vector.
        dim: ambient dimension D.
        encoder_dim: dimension m that the encoder keeps; D when there is no encoder.
        zero_rate_distortion: trace of the covariance, the error of always answering with the mean.
        distortion_rate: D(R) of all D axes: no quantizer at `rate_bits` does better, however long its blocks.
        dropped_energy: variance outside the m leading axes, the error of the best linear encoder without any quantizer.
        encoder_distortion_rate: `dropped_energy` + D(R) of the m leading axes: the same bound behind that encoder.
        subspace_loss: `encoder_distortion_rate` - `distortion_rate`, what the encoder costs at this rate; exactly 0 while
            the water level is above the largest dropped variance.
        high_rate_distortion: `dropped_energy` + Zador's asymptote of the m leading axes: an estimate, not a bound.
        high_rate_valid: whether K is large enough for that estimate to mean anything (`high_rate.is_valid`).
        eigenvalues: (D,) variances of the principal axes, descending.
    """

    codebook_size: int
    rate_bits: float
    dim: int
    encoder_dim: int
    zero_rate_distortion: float
    distortion_rate: float
    dropped_energy: float
    encoder_distortion_rate: float
    subspace_loss: float
    high_rate_distortion: float
    high_rate_valid: bool
    eigenvalues: tuple[float, ...] = field(repr=False)

    @property
    def leading(self) -> NDArray[np.float64]:
        """(m,) variances that the encoder keeps, descending."""
        return np.array(self.eigenvalues[: self.encoder_dim])

    @cached_property
    def floor(self) -> kpoint.KPointBound:
        """The K-point floor behind the encoder: `dropped_energy` + `kpoint.lower_bound` of the leading axes."""
        bound = kpoint.lower_bound(self.leading, self.codebook_size)
        return kpoint.KPointBound(self.dropped_energy + bound.distortion, bound.certified, bound.how, bound.standard_error)

    @cached_property
    def best_known(self) -> kpoint.BestKnown | None:
        """What the best known codebook reaches behind the encoder; None where K is too large to search."""
        if self.codebook_size > kpoint.LARGEST_SEARCHED:
            return None
        found = kpoint.best_known(self.leading, self.codebook_size)
        return kpoint.BestKnown(self.dropped_energy + found.distortion, found.how, found.standard_error)

    @cached_property
    def random_codebook(self) -> random_codebook.Expected:
        """What K draws from the law that achieves R(D) are expected to reach behind the encoder."""
        law = gaussian.reproduction_variances(self.leading, self.rate_bits)
        found = random_codebook.expected_distortion(self.leading, law, self.codebook_size)
        return random_codebook.Expected(self.dropped_energy + found.distortion, found.standard_error)

    def rungs(self, *, searched: bool = True) -> tuple[Rung, ...]:
        """Return the rungs that apply, for a table: no encoder, no encoder's rungs; no valid estimate, no estimate.

        Args:
            searched: also those that take seconds: floor, best known and random codebook.

        >>> [rung.label for rung in limits([4.0, 2.0, 1.0, 0.25], codebook_size=8).rungs(searched=False)]
        ['zero rate', 'Shannon bound']
        """
        rungs = [
            Rung("zero rate", self.zero_rate_distortion, "Always answering with the mean; a codebook above it is broken."),
            Rung("Shannon bound", self.distortion_rate, "No quantizer of this Gaussian at this rate goes below it."),
        ]
        if self.encoder_dim < self.dim:
            kept = f"{self.encoder_dim} of {self.dim} axes"
            rungs += [
                Rung("dropped energy", self.dropped_energy, f"No linear encoder to {kept} goes below it at any rate."),
                Rung(
                    "Shannon bound behind the encoder",
                    self.encoder_distortion_rate,
                    f"No quantizer behind a linear encoder to {kept} goes below it at this rate.",
                ),
            ]
        rungs += self._searched() if searched else []
        if self.high_rate_valid:
            rungs.append(
                Rung(
                    "high-rate estimate",
                    self.high_rate_distortion,
                    "About what the best codebook of this size reaches: an asymptote, usually too high, not a bound.",
                )
            )
        return tuple(rungs)

    def _searched(self) -> list[Rung]:
        floor, best, drawn = self.floor, self.best_known, self.random_codebook
        trust = "" if floor.certified else " An estimate: its supremum is searched for, not enclosed."
        reached = [] if best is None else [Rung("best known codebook", best.distortion, f"{best.how}.", best.standard_error)]
        return [
            Rung(
                "K-point floor",
                floor.distortion,
                f"No codebook of this size goes below it on this Gaussian ({floor.how}).{trust}",
                floor.standard_error,
            ),
            *reached,
            Rung(
                "random R(D) codebook",
                drawn.distortion,
                "What codewords drawn from the law that achieves R(D) are expected to reach.",
                drawn.standard_error,
            ),
        ]

    def warnings_for(self, measured: float) -> tuple[str, ...]:
        """Return what is wrong with a measured distortion, judged by the floor: units, leakage, means taken for sums.

        Args:
            measured: mean squared error summed over coordinates, behind this encoder.

        >>> ladder = limits([1.0, 1.0], codebook_size=2)
        >>> ladder.warnings_for(1.5)
        ()
        >>> for line in ladder.warnings_for(0.75):
        ...     print(line)
        below the K-point floor (0.75 < 1.36338): units or leakage?
        a mean over coordinates? summed over 2 of them it would be 1.5, above the floor
        """
        return measured_warnings(measured, floor=self.floor.distortion, dim=self.dim)


def limits(covariance_or_eigenvalues: Any, *, codebook_size: int, encoder_dim: int | None = None) -> Limits:
    """Return the ladder of K codewords behind an m-dimensional linear encoder: dropped energy + D_m(log2 K), and the rest.

    The bounds hold for a Gaussian with this covariance. For any other source with it, zero rate and dropped energy hold as
    they are, and a codebook may go below the two Shannon rungs. For a Gaussian the leading principal axes are the best
    encoder at every K. Sources: berger1971rate, zador1982asymptotic.

    Args:
        covariance_or_eigenvalues: (D, D) covariance, or its (D,) eigenvalues in any order; squared units of the data.
        codebook_size: number K of codewords; the rate is log2 K bits per vector.
        encoder_dim: dimension m <= D of the linear encoder before the quantizer; None for no encoder.

    Raises:
        DataError: not a covariance or spectrum: wrong shape, not symmetric, or a negative variance.
        NonFiniteError: it holds NaN or infinity.
        UsageError: K or m is not a whole number of at least 1, or m exceeds D.

    >>> ladder = limits([4.0, 2.0, 1.0, 0.25], codebook_size=8, encoder_dim=2)
    >>> ladder.distortion_rate, ladder.dropped_energy, ladder.subspace_loss > 0
    (1.75, 1.25, True)
    """
    spectrum = spectrum_of(covariance_or_eigenvalues)
    size = as_count(codebook_size, "codebook_size")
    kept = len(spectrum) if encoder_dim is None else as_count(encoder_dim, "encoder_dim")
    if kept > len(spectrum):
        raise UsageError(f"encoder_dim: expected at most the {len(spectrum)} dimensions of the source, got {kept}")
    leading, bits = spectrum[:kept], math.log2(size)
    dropped = float(spectrum[kept:].sum())
    full = gaussian.distortion_rate(spectrum, bits)
    behind = dropped + gaussian.distortion_rate(leading, bits)
    asymptote = high_rate.estimate(leading, size)
    return Limits(
        codebook_size=size,
        rate_bits=bits,
        dim=len(spectrum),
        encoder_dim=kept,
        zero_rate_distortion=float(spectrum.sum()),
        distortion_rate=full,
        dropped_energy=dropped,
        encoder_distortion_rate=behind,
        subspace_loss=_subspace_loss(behind, full, gaussian.water_level(spectrum, bits), spectrum[kept:]),
        high_rate_distortion=dropped + asymptote.distortion,
        high_rate_valid=asymptote.valid,
        eigenvalues=tuple(spectrum.tolist()),
    )


def _subspace_loss(behind: float, full: float, level: float, dropped: Any) -> float:
    # While no dropped axis would be given any rate, the two bounds are one; their difference would be rounding.
    return max(0.0, behind - full) if len(dropped) and level < dropped[0] else 0.0
