"""The model, and what it is judged by: encoder, codebook and decoder of S seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zador import metrics
from zador.models.linear.nearest import nearest_of_each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["LinearPair", "Shape"]


@dataclass(frozen=True)
class Shape:
    """Sizes of the model.

    Attributes:
        codebook_size: K.
        encoder_dim: m.
    """

    codebook_size: int = 32
    encoder_dim: int = 4


class LinearPair(NamedTuple):
    """z = W x, code k = argmin_k ‖z − e_k‖², x̂ = Aᵀ e_k; S members (seeds) stacked along the first axis.

    Attributes:
        encoder: W (S, m, D).
        decoder: A (S, m, D); W itself where the decoder is the encoder's transpose.
        codewords: E (S, K, m).
    """

    encoder: NDArray[np.float64]
    decoder: NDArray[np.float64]
    codewords: NDArray[np.float64]

    def judged(self, x: NDArray[np.float64]) -> list[Mapping[str, float]]:
        """Return the figures of every member on its vectors x (S, M, D).

        `distortion` is the mean of ‖x − x̂‖², `mismatch` the mean of ‖z − e_k‖² as a share of the variance of z, `gain` the
        root of the mean of ‖z‖², and `dead codes` and `perplexity` are those of the codes.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return [self._judged(member, vectors) for member, vectors in enumerate(x)]

    def _judged(self, member: int, x: NDArray[np.float64]) -> Mapping[str, float]:
        encoder, decoder, codewords = (part[member] for part in self)
        z = x @ encoder.T
        indices = nearest_of_each(z[None], codewords[None])[0]
        left, missed = x - codewords[indices] @ decoder, z - codewords[indices]
        energy = float(np.square(z).sum()) / len(x)
        counts = metrics.usage_counts(indices, len(codewords))
        return {
            "distortion": float(np.square(left).sum()) / len(x),
            "mismatch": float(np.square(missed).sum()) / len(x) / max(energy, np.finfo(np.float64).tiny),
            "gain": energy**0.5,
            "dead codes": float(metrics.dead_codes(counts)),
            "perplexity": 2.0 ** metrics.entropy_bits(counts),
        }
