"""The expectation of a loss over a drawn codeword: what every estimator of its gradient asks, and what it returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch.nn import functional

from zador.errors import DataError
from zador.estimators.reflections import working_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

__all__ = ["Problem", "Scored", "ScoredEstimator", "attached", "perturbed"]

_TABLE, _TABLES = 2, 3  # axes of codewords: of one table, of a table for each head
_LEAST = -1e4
"""Log-probability in nats from which on a category is as good as excluded: e^-10000 is 0 in any float type."""


class Scored(NamedTuple):
    """The loss at codewords that were drawn, and which these are.

    Attributes:
        loss: of the shape that the loss has, mean over the draws; its gradient is the estimator's.
        indices: (...) int64, or (M, ...) for M draws.
    """

    loss: Tensor
    indices: Tensor


@runtime_checkable
class ScoredEstimator(Protocol):
    """An estimator of ∂/∂logits E_{k ~ softmax(logits)} f(c_k) that needs the value of the loss f, not only its gradient."""

    def __call__(self, loss: Callable[[Tensor], Tensor], logits: Tensor, values: Tensor, noise: Tensor, /) -> Scored:
        """Return the loss where codewords were drawn, with the estimator's gradient at the logits.

        What f and the codewords are made of gets the ordinary gradient at the codewords drawn.

        Args:
            loss: f, from vectors (..., d) to a loss for each, (...), or for each sample: of a shape that (...) begins with.
            logits: (..., K) unnormalised log-probabilities in nats; -inf excludes a category.
            values: (K, d) the codewords; (H, K, d) for logits (..., H, K), a table for each head.
            noise: (..., K) uniform in [0, 1), from `zador.noise.uniform`; (M, ..., K) for M draws of each vector.
        """


def perturbed(logits: Tensor, noise: Tensor) -> Tensor:
    """Return z = log softmax(logits) - ln(-ln U), (..., K): its largest entry is at a draw k ~ softmax(logits).

    Args:
        logits: (..., K).
        noise: (..., K), or with further axes in front.
    """
    dtype = working_dtype(logits, noise)
    limits = torch.finfo(dtype)
    uniforms = noise.to(dtype).clamp(limits.tiny, 1.0 - limits.eps / 2)
    return torch.log_softmax(logits.to(dtype), -1).clamp(min=_LEAST) - torch.log(-torch.log(uniforms))


@dataclass(frozen=True)
class Problem:
    """One expectation of a loss, checked.

    Attributes:
        loss: f.
        values: the codewords.
        p: (..., K) softmax(logits), no gradient, float32 or better.
        z: (M, ..., K) perturbed log-probabilities of M draws, no gradient.
        indices: (M, ...) where they are largest.
        several: whether the caller spoke of M draws.
    """

    loss: Callable[[Tensor], Tensor]
    values: Tensor
    p: Tensor
    z: Tensor
    indices: Tensor
    several: bool

    @classmethod
    def of(cls, loss: Callable[[Tensor], Tensor], logits: Tensor, values: Tensor, noise: Tensor, *, name: str) -> Problem:
        """Return what is asked, with its draws.

        Args:
            loss: as `ScoredEstimator` has it.
            logits: as above.
            values: as above.
            noise: as above.
            name: the estimator, for messages.

        Raises:
            DataError: shapes that do not belong together.
        """
        several = noise.ndim == logits.ndim + 1
        heads = values.shape[:-2]
        if (
            values.ndim not in (_TABLE, _TABLES)
            or logits.ndim < 1 + len(heads)
            or logits.shape[logits.ndim - 1 - len(heads) :] != values.shape[:-1]
        ):
            raise DataError(
                f"{name}: expected logits (..., K) with codewords (K, d), or (..., H, K) with (H, K, d), got "
                f"{tuple(logits.shape)} and {tuple(values.shape)}"
            )
        if noise.shape[several:] != logits.shape or (several and not noise.shape[0]):
            raise DataError(
                f"{name}: expected noise of shape {tuple(logits.shape)}, or (M, ...) of that for M draws, got "
                f"{tuple(noise.shape)}; draw it with zador.noise.uniform(key, list(logits.shape))"
            )
        z = perturbed(logits.detach(), noise.detach() if several else noise.detach()[None])
        p = torch.softmax(logits.detach().to(z.dtype), -1)
        return cls(loss, values, p, z, z.argmax(-1), several)

    @property
    def score(self) -> Tensor:
        """(M, ..., K): ∇ log p(k) = e_k - p at the logits, of every draw."""
        return functional.one_hot(self.indices, self.p.shape[-1]).to(self.p.dtype) - self.p

    def drawn(self) -> Tensor:
        """Return the losses (M, ...) at the codewords drawn, with the gradient of what they are made of."""
        return torch.stack([self._asked(self._chosen(each)) for each in self.indices])

    def mixed(self, weights: Tensor) -> Tensor:
        """Return the losses (M, ...) at mixtures of the codewords, with a gradient to the weights (M, ..., K)."""
        values = self.values.detach()
        equation = "...k,kd->...d" if values.ndim < _TABLES else "...hk,hkd->...hd"
        return torch.stack([self._asked(torch.einsum(equation, each.to(values.dtype), values)) for each in weights])

    def spread(self, losses: Tensor) -> Tensor:
        """Return losses (M, ...) with axes of length 1 for what they were summed over, and for the K categories."""
        return losses.to(self.p.dtype).view(*losses.shape, *[1] * (self.z.ndim - losses.ndim))

    def gathered(self, terms: Tensor, like: Tensor) -> Tensor:
        """Return terms (M, ...) of the vectors, summed to the shape of the losses `like`."""
        return terms.sum(dim=tuple(range(like.ndim, terms.ndim))) if terms.ndim > like.ndim else terms

    def result(self, loss: Tensor) -> Scored:
        """Return the record, in the caller's shapes."""
        return Scored(loss, self.indices if self.several else self.indices[0])

    def _chosen(self, indices: Tensor) -> Tensor:
        """Return the codewords (..., d) of indices (...)."""
        if self.values.ndim < _TABLES:
            return functional.embedding(indices, self.values)
        heads, size, dim = self.values.shape
        first = torch.arange(heads, device=indices.device) * size
        return functional.embedding(indices + first, self.values.reshape(heads * size, dim))

    def _asked(self, vectors: Tensor) -> Tensor:
        losses = self.loss(vectors)
        if not isinstance(losses, torch.Tensor) or losses.shape != vectors.shape[:-1][: losses.ndim]:
            got = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
            raise DataError(
                f"loss: expected a tensor of shape {tuple(vectors.shape[:-1])} for vectors {tuple(vectors.shape)}, or of a "
                f"shape that this begins with, got {got}; do not take the mean over the batch, but over all else"
            )
        return losses


def attached(
    loss: Tensor, logits: Tensor, gradient: Tensor, parameters: Sequence[Tensor] = (), slopes: Sequence[Tensor] = ()
) -> Tensor:
    """Return `loss`, whose gradient goes on as before, and is `gradient` at the logits and `slopes` at the parameters.

    Args:
        loss: the value, of a shape that (...) begins with.
        logits: (..., K).
        gradient: (..., K); the part of each loss is multiplied with what comes back to that loss.
        parameters: of the estimator itself.
        slopes: of their shapes; multiplied with the mean of what comes back, over all losses.
    """
    found: Tensor = _Attached.apply(loss, logits, gradient, *parameters, *slopes)  # type: ignore[no-untyped-call]
    return found


class _Attached(torch.autograd.Function):
    @staticmethod
    def forward(loss: Tensor, logits: Tensor, gradient: Tensor, *rest: Tensor) -> Tensor:  # noqa: ARG004 - for the backward
        return loss.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG004 - torch's signature
        _, logits, gradient, *rest = inputs
        ctx.dtype, ctx.count = logits.dtype, len(rest) // 2
        ctx.save_for_backward(gradient, *rest[ctx.count :])

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        gradient, *slopes = ctx.saved_tensors
        at_logits = gradient * g.view(*g.shape, *[1] * (gradient.ndim - g.ndim)).to(gradient.dtype)
        weight = g.sum() / max(1, math.prod(g.shape))
        return g, at_logits.to(ctx.dtype), None, *(slope * weight.to(slope.dtype) for slope in slopes), *[None] * ctx.count
