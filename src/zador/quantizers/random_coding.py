"""Shannon's random codebook: what the proof of the rate-distortion theorem draws, as a reference to compare with."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks import principal_axes
from zador.errors import UsageError
from zador.quantizers.base import count_usage
from zador.quantizers.frame import Frame
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.request import as_bits, varied_vectors
from zador.quantizers.vector import VectorQuantizer
from zador.theory import gaussian
from zador.validation import as_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_random"]

_ROUNDING = 1e-9


def fit_random(x: Any, *, bits: float, slice_bits: int = 12, seed: int = 0) -> VectorQuantizer | ProductQuantizer:
    """Return codewords drawn from `N(μ, U diag((λ - θ)₊) Uᵀ)`, which achieves the R(D) of a Gaussian.

    Nothing but mean and covariance of x is used: this is what random coding [cover2006elements, ch. 10] makes of a rate, to
    hold fitted codebooks against. Only very long blocks bring it to D(R). Up to `slice_bits` it is one codebook of
    `⌊2^bits⌋` codewords. Beyond, the axes above the water level θ are dealt out to slices of about the same rate, and each
    gets a random codebook with whole bits, one bit after the other where it lowers the sum of the slices' D(R) most;
    fractions of a bit stay unspent. The codewords are kept, not the seed: generators change.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        bits: bits per vector.
        slice_bits: most bits of one codebook, whose search takes 2^bits distances a vector.
        seed: of the codewords.

    Raises:
        UsageError: `bits` is not positive and finite, `slice_bits` no whole number of at least 1, or fewer axes than slices.
        DataError: all vectors are alike.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 6))
        >>> fit_random(x, bits=5), fit_random(x, bits=14.5, slice_bits=5).sizes
        (VectorQuantizer(dim=6, streams=1, bits=5, target_bits=5.0, seed=0), (16, 32, 32))
    """
    rate, most = as_bits(bits), as_count(slice_bits, "slice_bits")
    vectors, rng = varied_vectors(x), np.random.default_rng(as_count(seed, "seed", least=0))
    axes = principal_axes(vectors)
    quantizer: VectorQuantizer | ProductQuantizer
    if rate <= most:
        drawn = axes.place(_codebook(axes.eigenvalues, rate, rng)).astype(vectors.dtype)
        quantizer = VectorQuantizer(codewords=drawn, usage=(np.zeros(len(drawn)),))
    else:
        columns, shares = _slices(axes.eigenvalues, math.floor(rate + _ROUNDING), most)
        active = np.sort(np.concatenate(columns))
        codebooks = tuple(
            _codebook(axes.eigenvalues[part], share, rng).astype(vectors.dtype)
            for part, share in zip(columns, shares, strict=True)
        )
        quantizer = ProductQuantizer(
            frame=Frame(
                axes.mean.astype(vectors.dtype), np.ascontiguousarray(axes.directions[:, active].astype(vectors.dtype))
            ),
            columns=tuple(np.searchsorted(active, part) for part in columns),
            codebooks=codebooks,
            usage=tuple(np.zeros(len(codebook)) for codebook in codebooks),
        )
    usage = count_usage(quantizer.encode(vectors), quantizer.sizes)
    return replace(quantizer, usage=usage, origin={"target_bits": rate, "seed": int(seed)})


def _codebook(eigenvalues: NDArray[np.float64], bits: float, rng: np.random.Generator) -> NDArray[np.float64]:
    deviations = np.sqrt(gaussian.reproduction_variances(eigenvalues, bits))
    size = math.floor(2**bits * (1 + _ROUNDING))
    return np.asarray(rng.standard_normal((size, len(deviations))) * deviations)


def _slices(eigenvalues: NDArray[np.float64], bits: int, most: int) -> tuple[tuple[NDArray[np.int64], ...], list[int]]:
    """Return the axes of each slice, ascending, and its whole bits."""
    level = gaussian.water_level(eigenvalues, float(bits))
    active = np.flatnonzero(eigenvalues > level)
    count = -(-bits // most)
    if len(active) < count:
        raise UsageError(
            f"bits={bits} in slices of slice_bits={most} takes {count} axes worth a bit, x has {len(active)}; "
            f"raise slice_bits to {-(-bits // len(active))} or ask for fewer bits"
        )
    members: list[list[int]] = [[] for _ in range(count)]
    rates = np.zeros(count)
    for axis in active:  # from the strongest on, each to the slice with the least so far
        chosen = int(np.argmin(rates))
        members[chosen].append(int(axis))
        rates[chosen] += math.log2(eigenvalues[axis] / level) / 2
    shares = [0] * count
    for _ in range(bits):
        gains = [
            gaussian.distortion_rate(eigenvalues[part], float(share))
            - gaussian.distortion_rate(eigenvalues[part], share + 1.0)
            if share < most
            else -1.0
            for part, share in zip(members, shares, strict=True)
        ]
        shares[int(np.argmax(gains))] += 1
    return tuple(np.array(part, np.int64) for part in members), shares
