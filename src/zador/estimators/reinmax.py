"""ReinMax: the draw of a category with a gradient of second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from zador.errors import DataError, UsageError
from zador.estimators.gumbel_softmax import gumbel
from zador.estimators.reflections import dot, working_dtype
from zador.estimators.relaxation import Relaxation, Relaxed, needed, tempered

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ReinMax", "reinmax"]


def reinmax(logits: Tensor, noise: Tensor, temperature: float | Tensor = 1.0) -> Relaxed:
    """Return a draw D ~ π₀ = softmax(logits), one-hot, with the backward of ReinMax [liu2023bridging].

    With π₁ = (D + softmax(logits / τ)) / 2 and ∇(π, g) = π ⊙ (g - πᵀg), the derivative of a softmax at π,

        ∂/∂logits = 2 ∇(π₁, g) - ½ ∇(π₀, g).

    Heun's method where straight-through is Euler's: for a loss that is a quadratic function of the weights the mean over the
    draws, at τ = 1, is the gradient of the expected loss; straight-through has that for linear ones only.

    Args:
        logits: (..., K) unnormalised log-probabilities in nats, any floating dtype; -inf excludes a category.
        noise: (..., K) uniform in [0, 1), from `zador.noise.uniform`.
        temperature: τ > 0, of π₁ alone; above 1 it trades bias for variance. It gets no gradient.

    Returns:
        `Relaxed(weights, indices)`. Everything between is float32 or better.

    Raises:
        DataError: `logits` and `noise` differ in shape.
        UsageError: `temperature` is a number and not positive and finite.

    Example:
        >>> from zador.noise import new_key, uniform
        >>> logits = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True)
        >>> drawn = reinmax(logits, uniform(new_key(0), [1, 3]))
        >>> drawn.weights.sum().item(), drawn.weights.argmax(-1).equal(drawn.indices)
        (1.0, True)
    """
    if logits.shape != noise.shape or logits.ndim == 0:
        raise DataError(
            f"reinmax: expected logits and noise of one shape (..., K), got {tuple(logits.shape)} and {tuple(noise.shape)}; "
            "draw the noise with zador.noise.uniform(key, list(logits.shape))"
        )
    dtype = working_dtype(logits, noise)
    scores = logits.detach().to(dtype)
    warm = temperature.detach() if isinstance(temperature, torch.Tensor) else temperature
    indices = (scores + gumbel(noise.to(dtype))).argmax(-1, keepdim=True)
    first = torch.softmax(scores, -1)
    drawn = torch.zeros_like(first).scatter(-1, indices, 1.0)
    middle = (drawn + tempered(scores, warm)[0]) / 2
    weights: Tensor = _Heun.apply(logits, drawn.to(logits.dtype), first, middle)  # type: ignore[no-untyped-call]
    return Relaxed(weights, indices.squeeze(-1))


class _Heun(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, drawn: Tensor, first: Tensor, middle: Tensor) -> Tensor:  # noqa: ARG004 - for the backward
        return drawn.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        logits, _, first, middle = inputs
        ctx.dtype = logits.dtype
        ctx.save_for_backward(first, middle)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None]:
        first, middle = ctx.saved_tensors
        wide = g.to(first.dtype)
        at_logits = 2 * _softmax_backward(middle, wide) - 0.5 * _softmax_backward(first, wide)
        return at_logits.to(ctx.dtype), None, None, None


def _softmax_backward(weights: Tensor, g: Tensor) -> Tensor:
    return weights * (g - dot(weights, g))


@dataclass(frozen=True)
class ReinMax(Relaxation):
    """How a layer draws its codewords, hard, with the gradient of `reinmax`: second order, at the price of straight-through.

    Attributes:
        temperature: τ of π₁, a number or a schedule; 1 to 1.5 in the paper.

    Raises:
        UsageError: no temperature, or one that is to learn: it gets no gradient.

    Example:
        >>> ReinMax(1.1).temperature_at(torch.tensor(7)).item() > 1
        True
    """

    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a temperature that is none, and one that is to learn."""
        super().__post_init__()
        if self.learnable:
            raise UsageError("learnable: the temperature of ReinMax gets no gradient; pass a schedule, or use GumbelSoftmax")

    def __call__(
        self,
        logits: Tensor,
        noise: Tensor | None,
        step: Tensor,
        log_scale: Tensor | None = None,
        *,
        nearest: Tensor | None = None,  # noqa: ARG002 - it draws
    ) -> Relaxed:
        """Return `reinmax` of (..., K) `logits` at the temperature of `step`; see `Relaxation`."""
        return reinmax(logits, needed(noise), self.temperature_at(step, log_scale))
