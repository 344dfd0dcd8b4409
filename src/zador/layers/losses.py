"""The commitment loss: what draws the encoder to the codewords; and what further losses are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from zador.codebooks import Peers
    from zador.quantizers.codes import Code, Quantized

__all__ = ["Batch", "Regulariser", "Weight", "committed", "mean_over"]


class Batch(NamedTuple):
    """What a loss is told of the pass.

    Attributes:
        valid: (N,) booleans, which vectors of this process count; None for all.
        number: what sums over the vectors of this process are divided by, so that the mean over processes is the mean over
            all vectors: how many there are, if there is one process.
        step: 0-d int64, batches that the layer has learnt from.
        peers: the processes that train together, for losses that depend on the vectors of all of them.
    """

    valid: Tensor | None
    number: Tensor | int
    step: Tensor
    peers: Peers


@runtime_checkable
class Weight(Protocol):
    """A weight that changes as training goes on, in place of a number."""

    def __call__(self, step: Tensor, usage: Tensor, /) -> Tensor:
        """Return the weight, at least 0, 0-d.

        Args:
            step: 0-d int64, batches that the layer has learnt from.
            usage: 0-d, the share of the codewords that one of the last training vectors chose; mean over the tables.
        """


class Regulariser(Protocol):
    """A further loss of a layer; any object like this will do.

    Attributes:
        name: under which `info` lists the loss.
    """

    @property
    def name(self) -> str:
        """See the class."""

    def __call__(self, z: Tensor, code: Code, batch: Batch) -> Tensor:
        """Return the loss, weighted, 0-d, of vectors z (N, d) that have entered `code`; only `batch.valid` ones count."""


def mean_over(total: Tensor, count: Tensor | int) -> Tensor:
    """Return `total / count`, and 0 when there is nothing to take the mean of."""
    return total / (torch.where(count > 0, count, 1) if isinstance(count, Tensor) else max(count, 1))


def committed(z: Tensor, quantized: Quantized, count: Tensor | int, weight: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return z, which from here on carries the gradient of the commitment loss, and that loss [oord2017neural].

    `β Σ_s ||r_s - sg q_s||² / n`, whose gradient is `(2β / n) Σ_s (r_s - q_s)`: each stage draws its own input, and since a
    stage subtracts hard values every one of them reaches z. The gradient is added to the one that comes back through the
    estimator, in one pass and one array; the loss itself is known from the search.

    Args:
        z: (N, d) the vectors that were quantized.
        quantized: what became of them.
        count: n, see `Batch`.
        weight: β.
    """
    value = mean_over(quantized.squared.sum(), count) * weight
    scale = mean_over(torch.ones_like(value) * (2.0 * weight), count)
    if not (z.requires_grad and torch.is_grad_enabled()) or (not isinstance(weight, Tensor) and weight == 0.0):
        return z, value
    kept, loss = _Committed.apply(z, quantized.values, quantized.left_over, value, scale)  # type: ignore[no-untyped-call]
    return kept, loss


class _Committed(torch.autograd.Function):
    @staticmethod
    def forward(z: Tensor, values: Tensor, left_over: Tensor | None, value: Tensor, scale: Tensor) -> Any:  # noqa: ARG004
        return z.view_as(z), value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        z, values, left_over, _, scale = inputs
        ctx.whole = left_over is not None
        ctx.save_for_backward(*((left_over, scale) if ctx.whole else (z, values, scale)))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        through, of_loss = gradients
        if ctx.whole:
            left_over, scale = ctx.saved_tensors
            pull = left_over * (scale * of_loss)
        else:
            z, values, scale = ctx.saved_tensors
            pull = (z - values).mul_(scale * of_loss)
        return pull.add_(through), None, None, None, None
