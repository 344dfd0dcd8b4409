"""Written-down gradients on both sides of an estimator: torch is asked for nothing but the estimator's own backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from zador.estimators import straight_through
from zador.models.linear.engine import Gradients
from zador.models.linear.manual import check_dtype
from zador.models.linear.nearest import cell_sums, chosen, nearest_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.estimators import Estimator
    from zador.models.linear.engine import Batch, Parameters
    from zador.models.linear.recipe import Loss

__all__ = ["Chained"]


@dataclass(frozen=True)
class Chained:
    """The function of `Autograd` by the chain rule, in a fraction of its time where batches are small.

    With ẑ = estimator(z, q) and its backward J, over a batch of B,

        g = 2 (W Wᵀ ẑ - z) / B,    ∂/∂W = (J g + 2β (z - q) / B - 2 ẑ / B)ᵀ X + 2 (Ẑᵀ Ẑ) W / B,
        ∂/∂e_k = 2α (n_k / B) (e_k - mean of its members).

    A graph is built for ẑ alone. Behind orthonormal rows g = 2 (q - z) / B where the value of ẑ is q: it lies along q - z.

    Attributes:
        estimator: (x, q) -> y, from `zador.estimators` or your own; shapes are (S, B, m), and rows must not know each other.
        dtype: `numpy.float32` or `numpy.float64`.

    Raises:
        UsageError: another dtype.
    """

    estimator: Estimator = straight_through
    dtype: type[np.floating[Any]] = np.float32
    batch_bytes: ClassVar[int] = 1 << 22

    def __post_init__(self) -> None:
        """Refuse a dtype in which nothing is computed."""
        check_dtype(self.dtype)

    def gradients(self, parameters: Parameters, batch: Batch, loss: Loss) -> Gradients:
        """Return the gradients and the loss of each member, see `Engine`."""
        encoder, codewords = parameters
        x, size, (alpha, beta) = batch.vectors, batch.vectors.shape[1], (loss.codebook_weight, loss.commitment)
        twice = self.dtype(2 / size)
        z = x @ encoder.transpose(0, 2, 1)
        indices = nearest_of_each(z, codewords)
        off = z - (q := chosen(codewords, indices))
        gram = encoder @ encoder.transpose(0, 2, 1)
        y, back = self._crossed(z, q, lambda y: twice * (y @ gram - z))
        second = y.transpose(0, 2, 1) @ y
        left = back + twice * (self.dtype(beta) * off - y)
        counts, sums = cell_sums(z, indices, codewords.shape[1])
        terms = _summed(second * gram) - 2 * _summed(z * y) + self.dtype(alpha + beta) * _summed(off * off)
        return Gradients(
            left.transpose(0, 2, 1) @ x + twice * (second @ encoder),
            (counts[:, :, None] * codewords - sums) * self.dtype(alpha * twice),
            counts,
            batch.energy + terms / size,
        )

    def _crossed(self, z: NDArray[Any], q: NDArray[Any], gradient: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return ẑ, and what the estimator sends back of `gradient(ẑ)`."""
        before = torch.from_numpy(z).requires_grad_()
        after = self.estimator(before, torch.from_numpy(q))
        y = after.detach().numpy()
        if not after.requires_grad:  # an estimator that lets nothing through
            return y, np.zeros_like(z)
        (back,) = torch.autograd.grad(after, before, torch.from_numpy(gradient(y)))
        return y, back.numpy()


def _summed(terms: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(terms.sum(axis=(1, 2)))
