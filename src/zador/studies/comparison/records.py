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
        bits: the rate that was asked for, in bits per vector: log2 of the number of codewords, or, for an entropy-coded
            method, the entropy that it was fitted to spend.
        entropy_coded: whether `bits` is an entropy: without a coder such an arm spends `index_bits`.
        streams: S, how many indices stand for a vector: slices, stages, axes.
        alphabets: the sizes of the streams in words, e.g. "256" or "8 × 256".
        codebook_size: number of codewords of a single stream; None where there are several.
        distortion: mean squared error per vector, summed over coordinates.
        distortion_se: its standard error over the held-out vectors.
        excess_se: standard error of its difference to the best arm at the same rate, paired: both were judged on the same
            vectors, or over the same seeds, whose common difficulty cancels. 0 for the best arm itself.
        train_distortion: the same mean on the vectors that the codebook was fitted to.
        gaussian_bound: D(R) at `bits` of the Gaussian source with the data's covariance; an upper bound on the data's D(R).
        gap_db: 10 log10(distortion / gaussian_bound).
        effective_bits: the rate R(distortion) at which that Gaussian source would reach `distortion`.
        entropy_bits: sum over the streams of the entropy of their usage on held-out vectors, in bits per vector.
        perplexity: 2 ** (entropy_bits / S): indices of a stream that, evenly used, would have this entropy.
        dead: indices, of all streams, that no held-out vector chose.
        index_bits: `Σ log2 K_s`, bits per vector of indices of fixed length.
        cross_entropy_bits: bits per held-out vector of an ideal coder that knows the usage of the training vectors.
        real_bits: bits per vector of a token file of the held-out vectors, head and checksum included.
        real_gap_db: 10 log10(distortion / D(real_bits)), the distance to the bound at the rate of the file.
        recall: share of the nearest neighbours of held-out queries that a search among codes finds, by the number of
            answers; None where retrieval was not asked for.
        seconds: wall time of the fit.
        encode_seconds: wall time of encoding the held-out vectors.
        memory_mib: peak memory during the fit above what the process held before it, in MiB.
        excess_p: p-value of the difference to the best arm over the seeds, Holm-adjusted for the arms at this rate; None
            with one seed, where noise is that of the held-out vectors.
    """

    name: str
    bits: float
    entropy_coded: bool
    streams: int
    alphabets: str
    codebook_size: int | None
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
    index_bits: float
    cross_entropy_bits: float
    real_bits: float
    real_gap_db: float
    recall: dict[int, float] | None
    seconds: float
    encode_seconds: float
    memory_mib: float
    excess_p: float | None = None


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
    """What an arm makes of vectors, to look at: the best table of codewords at one rate, or, without a table, the best arm.

    Attributes:
        arm: name of the arm that it comes from.
        bits: its rate.
        codewords: (K, D), in codebook order; None where the codewords are too many to list.
        usage: (K,) how many held-out vectors chose each codeword; None without codewords.
        originals: (n, D) some held-out vectors.
        reconstructions: (n, D) what stands for them.
    """

    arm: str
    bits: float
    codewords: NDArray[np.float64] | None
    usage: NDArray[np.int64] | None
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
        seeds: how many each arm was fitted with, every one on a split of its own; numbers of arms are means over them.
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
    seeds: int = 1

    @property
    def coded(self) -> dict[str, bool]:
        """The name of every method, in table order, and whether it is entropy-coded."""
        return {arm.name: arm.entropy_coded for arm in self.arms}
