"""Differential entropy from samples, by the distances to nearest neighbours (Kozachenko and Leonenko).

    h = ψ(n) - ψ(k) + ln V_d + (d/n) Σ ln r_{k,i}      nats;  V_d = π^(d/2) / Γ(d/2 + 1)

r_{k,i} is the distance of x_i to its k-th nearest other sample. The bias is a few hundredths of a nat up to d = 8 and then
grows upwards fast: +0.7 nats at d = 16, n = 1000; +10 at d = 64; +34 for data near a 6-dimensional subspace of 64. An
entropy that is too high makes Shannon's lower bound no bound at all, so more than 10 dimensions, and data on a subspace, are
refused. Source: kozachenko1987sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma

from zador.errors import DataError
from zador.theory.spectrum import numerical_zero
from zador.units import NATS_PER_BIT
from zador.validation import as_count, as_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_DIMENSIONS", "EntropyEstimate", "kozachenko_leonenko"]

MOST_DIMENSIONS = 10


@dataclass(frozen=True)
class EntropyEstimate:
    """A differential entropy from samples.

    Attributes:
        bits: the estimate, in bits.
        standard_error_bits: its sampling error, as if the n logarithms were independent; bias is not in it.
        count: number n of samples.
        dim: their dimension d.
        neighbours: which neighbour's distance was taken.
    """

    bits: float
    standard_error_bits: float
    count: int
    dim: int
    neighbours: int

    def __str__(self) -> str:
        """Return the estimate in words."""
        return f"{self.bits:.4g} ± {self.standard_error_bits:.2g} bits ({self.count} samples in {self.dim} dimensions)"


def kozachenko_leonenko(x: Any, *, neighbours: int = 3) -> EntropyEstimate:
    """Return `ψ(n) - ψ(k) + ln V_d + (d/n) Σ ln r_k`, in bits.

    Args:
        x: (n, d) independent samples of a density, d <= 10; columns of comparable scale give the least bias.
        neighbours: k; more lower the variance and raise the bias.

    Raises:
        DataError: d exceeds 10; n <= k; the samples lie on a subspace (or a column is constant); or more than k of them are
            equal, which samples of a density never are.
        NonFiniteError: `x` holds NaN or infinity.
        UsageError: `neighbours` is not a whole number of at least 1.

    >>> x = np.random.default_rng(0).standard_normal((4000, 2))
    >>> estimate = kozachenko_leonenko(x)
    >>> bool(abs(estimate.bits - np.log2(2 * np.pi * np.e)) < 4 * estimate.standard_error_bits)
    True
    """
    k = as_count(neighbours, "neighbours")
    samples = as_vectors(x, "x")
    precision = float(np.finfo(samples.dtype).eps)
    samples = samples.astype(np.float64)
    count, dim = samples.shape
    if dim > MOST_DIMENSIONS:
        raise DataError(
            f"kozachenko_leonenko: {dim} dimensions, at most {MOST_DIMENSIONS} are estimated without a bias that would make "
            "Shannon's lower bound too high; project to fewer coordinates, or use zador.theory.gaussian for an upper bound"
        )
    if count <= max(k, dim):
        raise DataError(f"kozachenko_leonenko: expected more than {max(k, dim)} samples, got {count}")
    _check_rank(samples, precision)
    distances = np.asarray(cKDTree(samples).query(samples, k=[k + 1])[0]).ravel()
    equal = int((distances == 0).sum())
    if equal:
        raise DataError(
            f"kozachenko_leonenko: {equal} of {count} samples have {k} or more equal to them, so they come from no density; "
            "remove duplicates, or add noise of the resolution of the data if it was rounded"
        )
    logs = dim * np.log(distances)
    volume = 0.5 * dim * math.log(math.pi) - math.lgamma(0.5 * dim + 1)
    nats = float(digamma(count) - digamma(k)) + volume + float(logs.mean())
    error = float(logs.std(ddof=1)) / math.sqrt(count)
    return EntropyEstimate(nats / NATS_PER_BIT, error / NATS_PER_BIT, count, dim, k)


def _check_rank(samples: NDArray[np.float64], precision: float) -> None:
    """Refuse samples whose correlation matrix is singular up to the rounding of their own numbers."""
    centred = samples - samples.mean(axis=0)
    spreads = centred.std(axis=0)
    rounding = 4 * precision * np.abs(samples).max(axis=0)
    flat = int((spreads <= rounding).sum())
    if flat:
        raise DataError(f"kozachenko_leonenko: {flat} of {samples.shape[1]} columns are constant; leave them out")
    scaled = centred / spreads
    eigenvalues = np.linalg.svd(scaled, compute_uv=False) ** 2 / len(scaled)
    least = max(numerical_zero(eigenvalues), float(((rounding / spreads) ** 2).max()))
    rank = int((eigenvalues > least).sum())
    if rank < samples.shape[1]:
        raise DataError(
            f"kozachenko_leonenko: the samples lie on a subspace of {rank} of {samples.shape[1]} dimensions, where they "
            f"have no density; project them to {rank} coordinates first"
        )
