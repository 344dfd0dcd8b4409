"""Automatic gradients: the same loss in torch, with any estimator between encoder and codebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zador.estimators import straight_through
from zador.models.linear.engine import Gradients
from zador.models.linear.manual import check_dtype
from zador.models.linear.nearest import nearest_of_each

if TYPE_CHECKING:
    from torch import Tensor

    from zador.estimators import Estimator
    from zador.models.linear.engine import Batch, Parameters
    from zador.models.linear.recipe import Loss

__all__ = ["Autograd"]


@dataclass(frozen=True)
class Autograd:
    """torch's derivative of the loss, ẑ = estimator(z, q).

    ‖x - Wᵀẑ‖² is written ‖x‖² - 2 (W x)ᵀ ẑ + ẑᵀ W Wᵀ ẑ, which is the same function of W and ẑ: X is read once forwards
    and once backwards.

    Attributes:
        estimator: (x, q) -> y, from `zador.estimators` or your own; shapes are (S, B, m).
        dtype: `numpy.float32` or `numpy.float64`.

    Raises:
        UsageError: another dtype.
    """

    estimator: Estimator = straight_through
    dtype: type[np.floating[Any]] = np.float32

    def __post_init__(self) -> None:
        """Refuse a dtype in which nothing is computed."""
        check_dtype(self.dtype)

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients and the loss of each member, see `Engine`."""
        encoder, codewords = (torch.from_numpy(array).requires_grad_() for array in parameters)
        x = torch.from_numpy(batch.vectors)
        z = torch.bmm(x, encoder.mT)
        indices = nearest_of_each(z.detach().numpy(), parameters.codewords)
        q = _chosen(codewords, indices)
        y = self.estimator(z, q.detach())
        decoded = torch.bmm(y, torch.bmm(encoder, encoder.mT))
        error, commitment = z.detach() - q, z - q.detach()
        terms = (decoded - 2 * z) * y + loss.codebook_weight * error * error + loss.commitment * commitment * commitment
        # One number a member: the sum over members gives each its own gradient.
        each = terms.sum((1, 2)) / x.shape[1]
        along_encoder, along_codewords = torch.autograd.grad(each.sum(), (encoder, codewords))
        counts = np.stack([np.bincount(row, minlength=codewords.shape[1]) for row in indices]).astype(self.dtype)
        return Gradients(along_encoder.numpy(), along_codewords.numpy(), counts, batch.energy + each.detach().numpy())


def _chosen(codewords: Tensor, indices: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
    """Return (S, B, m): the codeword of each index."""
    members, size, dim = codewords.shape
    rows = torch.from_numpy(indices + size * np.arange(members)[:, None])
    return codewords.reshape(members * size, dim).index_select(0, rows.reshape(-1)).view(*rows.shape, dim)
