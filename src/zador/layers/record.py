"""What a layer returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Info", "LayerOutput"]


class Info(NamedTuple):
    """What a pass through a layer cost, and how its tables are used; numbers to log, without gradient.

    Losses are as they enter `loss`, weights included. Usage is that of a window of training vectors, not of a batch: see
    `Tally`. T is the number of tables.

    Attributes:
        commitment: `β Σ_s ||r_s - sg q_s||²`, mean over the vectors, summed over coordinates and stages.
        codebook: `α Σ_s ||sg r_s - q_s||²`, the loss of codebooks that learn by gradient; 0 for others.
        entropy: of layers that have an entropy loss, weighted; 0 for others.
        other: further losses by name.
        distortion: `||z - q||²`, mean over the vectors, summed over coordinates, in the space of the codebook.
        usage: (T,) share of the codewords that one of the last vectors chose.
        perplexity: (T,) `2^H` of the usage.
        rate: (T,) bits that an index costs: log2 K, or the mean length of those chosen where indices differ in length.
        revived: (T,) codewords that were given a new place in this pass.
        skipped: vectors left out because they were not finite (`on_nonfinite="skip"`).
    """

    commitment: Tensor
    codebook: Tensor
    entropy: Tensor
    other: dict[str, Tensor]
    distortion: Tensor
    usage: Tensor
    perplexity: Tensor
    rate: Tensor
    revived: Tensor
    skipped: Tensor


class LayerOutput(NamedTuple):
    """What a layer made of a tensor x of shape (…, D), or with the D coordinates on another `axis`.

    Attributes:
        quantized: of the shape and float type of x; zeros where x is masked. Its gradient is the estimator's.
        indices: (…) int64, or (…, S) with S > 1 streams; -1 where x is masked.
        loss: what to add to the loss of the model: commitment, codebook and all others.
        info: the parts of the loss, and usage.
    """

    quantized: Tensor
    indices: Tensor
    loss: Tensor
    info: Info
