"""Automatic gradients: the same loss in torch, with any estimator between encoder and codebook."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch.nn.functional import mse_loss

from zador.estimators import straight_through
from zador.models.linear.engine import Gradients
from zador.models.linear.manual import check_dtype
from zador.models.linear.nearest import nearest_of_each

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    # A graph costs more to build than a batch that has left the cache.
    batch_bytes: ClassVar[int] = 1 << 24

    def __post_init__(self) -> None:
        """Refuse a dtype in which nothing is computed."""
        check_dtype(self.dtype)

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients and the loss of each member, see `Engine`; computed on one thread."""
        with _one_thread():
            return self._gradients(parameters, batch, loss)

    def _gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        encoder, codewords = (torch.from_numpy(array).requires_grad_() for array in parameters)
        x = torch.from_numpy(batch.vectors)
        # In this order of the factors the derivative reads X along its rows.
        z = torch.bmm(encoder, x.mT).mT.contiguous()
        indices = nearest_of_each(z.detach().numpy(), parameters.codewords)
        rows = indices + codewords.shape[1] * np.arange(len(indices))[:, None]
        q = _chosen(codewords, torch.from_numpy(rows))
        y = self.estimator(z, q.detach())
        # Σ ẑᵀ W Wᵀ ẑ is the inner product of two m×m matrices.
        terms = _summed(torch.bmm(y.mT, y) * torch.bmm(encoder, encoder.mT)) - 2 * _summed(z * y)
        terms = terms + loss.codebook_weight * _summed(mse_loss(q, z.detach(), reduction="none"))
        each = (terms + loss.commitment * _summed(mse_loss(z, q.detach(), reduction="none"))) / x.shape[1]
        # One number a member: the derivative of their sum is each one's own.
        along_encoder, along_codewords = torch.autograd.grad(each.sum(), (encoder, codewords))
        counts = np.bincount(rows.ravel(), minlength=codewords.shape[0] * codewords.shape[1]).astype(self.dtype)
        return Gradients(
            along_encoder.numpy(),
            along_codewords.numpy(),
            counts.reshape(codewords.shape[:2]),
            batch.energy + each.detach().numpy(),
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """With more, torch cuts the product of a lone member in another way than that of a stack, and its last bits with it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _summed(terms: Tensor) -> Tensor:
    return terms.sum((1, 2))


def _chosen(codewords: Tensor, rows: Tensor) -> Tensor:
    """Return (S, B, m): the codewords (S, K, m) in the rows (S, B) of all of them."""
    return codewords.reshape(-1, codewords.shape[2]).index_select(0, rows.reshape(-1)).view(*rows.shape, -1)
