"""Manual gradients: the derivative of the loss written down, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.errors import UsageError
from zador.models.linear.engine import Gradients
from zador.models.linear.nearest import cell_sums, nearest_of_each

if TYPE_CHECKING:
    from zador.models.linear.engine import Batch, Parameters
    from zador.models.linear.recipe import Loss

__all__ = ["Manual", "check_dtype"]


@dataclass(frozen=True)
class Manual:
    """The straight-through gradients of protocol A, written down.

    With R = X - Q W,

        ∂/∂W = -2 QᵀR / B - 2 (W Rᵀ) X / B + 2β (Z - Q)ᵀ X / B,    ∂/∂e_k = 2α (n_k / B) (e_k - mean of its members).

    R is never formed: W Rᵀ = (Z - Q W Wᵀ)ᵀ and QᵀR = QᵀX - QᵀQ W, so X is read twice, once for Z and once for the
    gradient.

    Attributes:
        dtype: `numpy.float64` or `numpy.float32`.

    Raises:
        UsageError: another dtype.
    """

    dtype: type[np.floating[Any]] = np.float64

    def __post_init__(self) -> None:
        """Refuse a dtype in which nothing is computed."""
        check_dtype(self.dtype)

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients and the loss of each member, see `Engine`."""
        encoder, codewords = parameters
        x, size = batch.vectors, batch.vectors.shape[1]
        z = x @ encoder.transpose(0, 2, 1)
        indices = nearest_of_each(z, codewords)
        counts, sums = cell_sums(z, indices, codewords.shape[1])
        q = np.take_along_axis(codewords, indices[:, :, None], axis=1)
        gram = encoder @ encoder.transpose(0, 2, 1)
        error, decoded = z - q, q @ gram
        weights = (loss.commitment * error - (z - decoded) - q) * self.dtype(2 / size)
        second = q.transpose(0, 2, 1) @ q
        along_encoder = weights.transpose(0, 2, 1) @ x + (second * self.dtype(2 / size)) @ encoder
        along_codewords = (counts[:, :, None] * codewords - sums) * self.dtype(2 * loss.codebook_weight / size)
        terms = np.einsum("sbm,sbm->s", decoded - 2 * z, q) + (loss.codebook_weight + loss.commitment) * np.einsum(
            "sbm,sbm->s", error, error
        )
        return Gradients(along_encoder, along_codewords, counts, batch.energy + terms / size)


def check_dtype(dtype: Any) -> None:
    """Raise UsageError unless `dtype` is numpy.float32 or numpy.float64."""
    if dtype not in (np.float32, np.float64):
        raise UsageError(f"dtype: expected numpy.float32 or numpy.float64, got {dtype!r}")
