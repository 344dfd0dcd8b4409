"""What `gap.decompose` returns: the five terms of a measured error, and how they print."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["GapDecomposition", "Term"]

_DIGITS = 6
_LEAST = -4


class Term(NamedTuple):
    """One of the five parts of a measured error.

    Attributes:
        label: a few words, for a table.
        value: squared error summed over coordinates.
        share: `value` over the measured error; NaN where nothing was measured but 0.
        meaning: one sentence: what would remove it.
    """

    label: str
    value: float
    share: float
    meaning: str


@dataclass(frozen=True)
class GapDecomposition:
    """A measured mean squared error and the five terms that add up to it; all summed over coordinates.

    `math.fsum` of the terms *is* `measured`, to the last bit; beside a floor so high that `suboptimality` is below
    -`measured`, to half a unit in the last place of the largest term. What rounding leaves over is in `suboptimality`.

    Attributes:
        measured: mean over vectors of |x - x̂|², to one unit in the last place.
        standard_error: of `measured`, for independent vectors; NaN for a single one.
        dropped: Σ_{i>m} λ_i, lost by every linear encoder to m dimensions.
        misalignment: what this encoder loses beyond that; 0 for the leading principal axes of the sample.
        floor: the K-point floor of a Gaussian with `spectrum`.
        suboptimality: what the partition into cells loses beyond the floor. May be negative: see `zador.theory.gap`.
        mismatch: Σ p_k |m_k - x̂_k|², what the decoder loses by not answering with the means of these cells.
        mismatch_noise: what `mismatch` would be on average if the decoder answered with the exact means of the source:
            Σ_k (variance within cell k) / N, over cells with at least two vectors.
        certified: whether the floor is proven; None if it was given as a number.
        how: where the floor comes from.
        count: number N of vectors.
        dim: ambient dimension D.
        encoder_dim: dimension m behind the encoder; D without one.
        codebook_size: number K of codewords.
        used: how many of them occur.
        spectrum: (m,) eigenvalues of Cov(y), largest first: what the quantizer had to code.
        warnings: what the numbers should make one suspicious of, one line each.
    """

    measured: float
    standard_error: float
    dropped: float
    misalignment: float
    floor: float
    suboptimality: float
    mismatch: float
    mismatch_noise: float
    certified: bool | None
    how: str
    count: int
    dim: int
    encoder_dim: int
    codebook_size: int
    used: int
    spectrum: tuple[float, ...] = field(repr=False)
    warnings: tuple[str, ...]

    @property
    def bound(self) -> float:
        """`dropped + misalignment + floor`: what no codebook of this size goes below behind this encoder."""
        return math.fsum((self.dropped, self.misalignment, self.floor))

    def terms(self) -> tuple[Term, ...]:
        """Return the five terms, for a table, from what nobody can help to what is easiest to mend.

        >>> from zador.theory.gap import decompose
        >>> result = decompose([[0.0], [2.0], [9.0]], [0, 0, 1], [[1.0], [8.0]], floor=0.5)
        >>> [(term.label, round(term.value, 4)) for term in result.terms()[2:]]
        [('K-point floor', 0.5), ('codebook sub-optimality', 0.1667), ('decoder mismatch', 0.3333)]
        """
        kept = f"{self.encoder_dim} of {self.dim} dimensions"
        parts = (
            ("dropped", self.dropped, f"Lost by every linear encoder to {kept}; keep more of them."),
            ("misalignment", self.misalignment, "Lost by this encoder beyond that; use the leading principal axes."),
            ("K-point floor", self.floor, f"No {self.codebook_size} codewords do better on a Gaussian; use more of them."),
            ("codebook sub-optimality", self.suboptimality, "Lost by the choice of cells; train the codebook better."),
            ("decoder mismatch", self.mismatch, "Lost by the decoder; let it answer with the means of the cells."),
        )
        return tuple(
            Term(label, value, value / self.measured if self.measured else math.nan, meaning)
            for label, value, meaning in parts
        )

    def __str__(self) -> str:
        """Return a table whose printed digits add up, too; the rounding of six digits is in the sub-optimality."""
        scale, decimals = _scale(self.measured)
        shown = {term.label: round(term.value / scale, decimals) for term in self.terms()}
        total = round(self.measured / scale, decimals)
        shown["codebook sub-optimality"] += total - math.fsum(shown.values())
        numbers = {label: f"{value:z.{decimals}f}" for label, value in {**shown, "measured": total}.items()}
        width = max(map(len, numbers.values()))
        heading = (
            f"{self.count} vectors, {self.encoder_dim} of {self.dim} dimensions kept, {self.codebook_size} codewords "
            f"({self.used} used); squared error summed over coordinates{'' if scale == 1 else f', in {scale:g}'}"
        )
        body = [f"  {term.label:<24} {numbers[term.label]:>{width}}  {100 * term.share:>z6.2f} %" for term in self.terms()]
        last = f"  {'measured':<24} {numbers['measured']:>{width}}  ± {self.standard_error / scale:.2g}"
        return "\n".join([heading, *body, last, f"floor: {self.how}", *(f"warning: {line}" for line in self.warnings)])


def _scale(measured: float) -> tuple[float, int]:
    """Return a power of ten to print in, 1 for everyday numbers, and the decimals that give six digits of `measured`."""
    exponent = math.floor(math.log10(measured)) if measured else 0
    if _LEAST <= exponent < _DIGITS:
        return 1.0, _DIGITS - 1 - exponent
    return 10.0**exponent, _DIGITS - 1
