"""The codebook as parameters that an optimiser moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zador.codebooks.learn.learner import CodewordsState, Learning, as_statistics
from zador.errors import UsageError

if TYPE_CHECKING:
    from zador.codebooks.learn.cells import Cells, Seen

__all__ = ["Gradient", "codebook_loss"]


@dataclass(frozen=True)
class Gradient(Learning):
    """Codewords follow the gradient of `α Σ_n ||sg x_n - c_{i_n}||² / N`, by the optimiser of the model [oord2017neural].

    The step itself moves nothing: see `codebook_loss`. The weight β of the commitment loss, which moves the encoder, is
    another number, of the layer. After a revival the optimiser's averages of a codeword are those of its former place.

    Attributes:
        weight: α >= 0; 0 for codewords that learn from the loss of the model alone, through an estimator that reaches them.

    Raises:
        UsageError: a negative weight.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a weight that drives codewords away."""
        if not self.weight >= 0:
            raise UsageError(f"Gradient: expected weight >= 0, got {self.weight}")

    def init(self, codewords: Tensor) -> CodewordsState:
        """Return the state that starts from codewords (K, d)."""
        return CodewordsState(as_statistics(codewords))

    def step(self, state: CodewordsState, seen: Seen) -> CodewordsState:
        """Return the state as it is."""
        del seen
        return state


def codebook_loss(codewords: Tensor, cells: Cells, squared_sum: Tensor, count: Tensor | int) -> Tensor:
    """Return `Σ_n ||x_n - c_{i_n}||² / N`, 0-d, with the gradient `2 (n_k c_k - S_k) / N` to the codewords.

    The gradient is formed at once, from the statistics of the cells: neither vectors are kept for the backward pass, nor
    does it matter what happens to the codewords before it. The vectors get no gradient. 0, with gradient 0, if N is 0.

    Args:
        codewords: (K, d), a parameter or computed from one.
        cells: the statistics of the vectors that count.
        squared_sum: 0-d, the sum of their squared distances to these codewords.
        count: N, of the vectors that count.

    >>> from zador.codebooks.learn.cells import cell_sums
    >>> c = torch.tensor([[0.0], [5.0]], requires_grad=True)
    >>> loss = codebook_loss(c, cell_sums(torch.tensor([[1.0], [3.0]]), torch.tensor([0, 0]), 2), torch.tensor(10.0), 2)
    >>> loss.backward()
    >>> loss.item(), c.grad.tolist()
    (5.0, [[-4.0], [0.0]])
    """
    number = torch.as_tensor(count, device=squared_sum.device).clamp(min=1)
    loss: Tensor = _CodebookLoss.apply(codewords, *cells, squared_sum.detach(), number)[0]  # type: ignore[no-untyped-call]
    return loss


class _CodebookLoss(torch.autograd.Function):
    """Value from the search, gradient from the cells; differentiable once, linear in what comes from above."""

    @staticmethod
    def forward(
        codewords: Tensor, counts: Tensor, sums: Tensor, squared_sum: Tensor, number: Tensor
    ) -> tuple[Tensor, Tensor]:
        gradient = 2 * (counts[:, None] * codewords.to(sums.dtype) - sums) / number
        return squared_sum / number, gradient.to(codewords.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004 - torch's
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx: Any, from_above: Tensor, _of_gradient: Any) -> Any:
        (gradient,) = ctx.saved_tensors
        return from_above.to(gradient.dtype) * gradient, None, None, None, None
