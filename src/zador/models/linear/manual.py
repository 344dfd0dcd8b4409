"""Manual gradients: the derivative of the loss written down, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from zador.errors import UsageError
from zador.models.linear.engine import Gradients
from zador.models.linear.nearest import cell_sums, chosen, nearest_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.models.linear.engine import Batch, Parameters
    from zador.models.linear.recipe import Loss

__all__ = ["Manual", "check_dtype"]


@dataclass(frozen=True)
class Manual:
    """The straight-through gradients of protocol A, written down.

    With R = X - Q W,

        ∂/∂W = -2 QᵀR / B - 2 (W Rᵀ) X / B + 2β (Z - Q)ᵀ X / B,    ∂/∂e_k = 2α (n_k / B) (e_k - mean of its members).

    R is never formed: W Rᵀ = (Z - Q W Wᵀ)ᵀ and QᵀR = QᵀX - QᵀQ W, so X is read twice, once for Z and once for the
    gradient, and QᵀQ = Σ_k n_k e_k e_kᵀ.

    Attributes:
        dtype: `numpy.float64` or `numpy.float32`.

    Raises:
        UsageError: another dtype.
    """

    dtype: type[np.floating[Any]] = np.float64
    # Of so much, a good part is still in a cache when it is used for the second time.
    batch_bytes: ClassVar[int] = 1 << 22

    def __post_init__(self) -> None:
        """Refuse a dtype in which nothing is computed."""
        check_dtype(self.dtype)

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients and the loss of each member, see `Engine`."""
        encoder, codewords = parameters
        x, size, (alpha, beta) = batch.vectors, batch.vectors.shape[1], (loss.codebook_weight, loss.commitment)
        z = x @ encoder.transpose(0, 2, 1)
        indices = nearest_of_each(z, codewords)
        counts, sums = cell_sums(z, indices, codewords.shape[1])
        gram = encoder @ encoder.transpose(0, 2, 1)
        # What stands left of X: -Q - (Z - Q W Wᵀ) + β (Z - Q); what hangs on Q alone is worked out once a codeword.
        turned = codewords @ ((1 + beta) * np.eye(gram.shape[1], dtype=self.dtype) - gram)
        weights = (beta - 1) * z - chosen(turned, indices)
        second = (counts[:, :, None] * codewords).transpose(0, 2, 1) @ codewords
        along_encoder = (weights.transpose(0, 2, 1) @ x + second @ encoder) * self.dtype(2 / size)
        along_codewords = (counts[:, :, None] * codewords - sums) * self.dtype(2 * alpha / size)
        # Sums over the batch of zᵀq, qᵀq, ẑᵀ W Wᵀ ẑ and zᵀz.
        crossed, squared = (sums * codewords).sum((1, 2)), np.trace(second, axis1=1, axis2=2)
        decoded, energy = (second * gram).sum((1, 2)), _squares(z)
        terms = decoded - 2 * crossed + (alpha + beta) * (energy - 2 * crossed + squared)
        return Gradients(along_encoder, along_codewords, counts, batch.energy + terms / size)


def _squares(z: NDArray[Any]) -> NDArray[Any]:
    flat = z.reshape(len(z), 1, -1)
    return np.asarray((flat @ flat.transpose(0, 2, 1))[:, 0, 0])


def check_dtype(dtype: Any) -> None:
    """Raise UsageError unless `dtype` is numpy.float32 or numpy.float64."""
    if dtype not in (np.float32, np.float64):
        raise UsageError(f"dtype: expected numpy.float32 or numpy.float64, got {dtype!r}")
