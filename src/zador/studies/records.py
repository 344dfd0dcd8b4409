"""What a comparison of codebooks hands to tables, plots and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Arm", "Comparison", "DataCard", "Exhibit"]


@dataclass(frozen=True)
class Arm:
    """One method at one rate, measured on held-out vectors.

    Attributes:
        name: the method, e.g. "k-means++ + Lloyd".
        bits: log2 of the number of codewords, the rate that was asked for, in bits per vector.
        distortion: mean squared error per vector, summed over coordinates.
        distortion_se: its standard error over the held-out vectors.
        excess_se: standard error of its difference to the best arm at the same rate, paired: both were judged on the same
            vectors, whose common difficulty cancels. 0 for the best arm itself.
        train_distortion: the same mean on the vectors that the codebook was fitted to.
        gaussian_bound: D(R) at `bits` of the Gaussian source with the data's covariance; an upper bound on the data's D(R).
        gap_db: 10 log10(distortion / gaussian_bound).
        effective_bits: the rate R(distortion) at which that Gaussian source would reach `distortion`.
        entropy_bits: entropy of the usage of the codewords on held-out vectors, in bits per vector.
        perplexity: 2 ** entropy_bits.
        dead: codewords that no held-out vector chose.
        real_bits: bits per vector of a token file; None until token files exist.
        seconds: wall time of the fit.
        memory_mib: peak memory during the fit above what the process held before it, in MiB.
    """

    name: str
    bits: float
    codebook_size: int
    distortion: float
    distortion_se: float
    excess_se: float
    train_distortion: float
    gaussian_bound: float
    gap_db: float
    effective_bits: float
    entropy_bits: float
    perplexity: float
    dead: int
    real_bits: float | None
    seconds: float
    memory_mib: float


@dataclass(frozen=True)
class DataCard:
    """Which vectors were compared on.

    Attributes:
        name: as the user asked for it, e.g. "digits".
        train: number of vectors that codebooks were fitted to.
        held_out: number of vectors that they were judged on.
        dim: coordinates of a vector.
        variance: trace of the covariance of all vectors: the distortion at zero rate.
        fingerprint: hash of the vectors, so that two reports can be told to speak of the same data.
        picture_shape: (height, width) or (height, width, channels) when a vector is a picture, else None.
        value_range: the values shown as black and white when a vector is a picture.
    """

    name: str
    train: int
    held_out: int
    dim: int
    variance: float
    fingerprint: str
    picture_shape: tuple[int, ...] | None
    value_range: tuple[float, float]


@dataclass(frozen=True)
class Exhibit:
    """A codebook to look at: the best arm at one rate.

    Attributes:
        arm: name of the arm that it comes from.
        bits: its rate.
        codewords: (K, D), in codebook order.
        usage: (K,) how many held-out vectors chose each codeword.
        originals: (n, D) some held-out vectors.
        reconstructions: (n, D) their codewords.
    """

    arm: str
    bits: float
    codewords: NDArray[np.float64]
    usage: NDArray[np.int64]
    originals: NDArray[np.float64]
    reconstructions: NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Everything that `zador compare` measured.

    Attributes:
        data: the vectors.
        arms: every method at every rate, in table order.
        curve_bits: rates of the drawn Gaussian D(R) curve, in bits per vector.
        curve_distortion: D(R) there, summed over coordinates.
        exhibits: the best codebook at each rate.
        provenance: seed, versions, command, date: label to text, in the order to print.
        notes: sentences that the reader needs to read the numbers rightly.
    """

    data: DataCard
    arms: tuple[Arm, ...]
    curve_bits: NDArray[np.float64]
    curve_distortion: NDArray[np.float64]
    exhibits: tuple[Exhibit, ...]
    provenance: dict[str, str]
    notes: tuple[str, ...] = field(default=())
