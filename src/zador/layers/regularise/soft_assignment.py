"""How vectors would share themselves out to codewords if they chose softly: sums over all of them, never N × K numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["SoftAssignment", "soft_assignment"]

# Probabilities that are held at a time.
_CHUNK_ELEMENTS = 1 << 22


class SoftAssignment(NamedTuple):
    """Sums over vectors, of `p(k | z) ∝ exp(-||z - c_k||² / τ)`.

    Attributes:
        masses: (K,) `Σ_n w_n p(k | z_n)`.
        entropy_nats: 0-d, `Σ_n w_n H(p(· | z_n))`.
    """

    masses: Tensor
    entropy_nats: Tensor


def soft_assignment(z: Tensor, codewords: Tensor, weights: Tensor, temperature: float) -> SoftAssignment:
    """Return the sums, differentiable once in z and codewords.

    Probabilities are formed some rows at a time, and again in the backward pass; in an exported graph all at once, from
    standard operators.

    Args:
        z: (N, d) vectors, finite.
        codewords: (K, d).
        weights: (N,) w >= 0.
        temperature: τ > 0, in units of squared distance.

    >>> shares = soft_assignment(torch.zeros(4, 1), torch.tensor([[-1.0], [1.0]]), torch.ones(4), 1.0)
    >>> shares.masses.tolist(), round(shares.entropy_nats.item(), 4)
    ([2.0, 2.0], 2.7726)
    """
    wide = torch.promote_types(z.dtype, codewords.dtype)
    arguments = (z.to(wide), codewords.to(wide), weights.to(wide))
    if torch.compiler.is_exporting():
        return SoftAssignment(*_sums(_log_probabilities(*arguments[:2], temperature), arguments[2]))
    return SoftAssignment(*_operator(*arguments, temperature))


@torch.library.custom_op("zador::soft_assignment", mutates_args=())
def _operator(z: Tensor, codewords: Tensor, weights: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    masses, entropy = z.new_zeros(len(codewords)), z.new_zeros(())
    for part in _parts(z, codewords):
        some = _sums(_log_probabilities(z[part], codewords, temperature), weights[part])
        masses += some[0]
        entropy += some[1]
    return masses, entropy


@_operator.register_fake
def _(z: Tensor, codewords: Tensor, weights: Tensor, temperature: float) -> tuple[Tensor, Tensor]:  # noqa: ARG001
    return z.new_empty(codewords.shape[0]), z.new_empty(())


@torch.library.custom_op("zador::soft_assignment_backward", mutates_args=())
def _backward_operator(
    vectors: list[Tensor], temperature: float, of_masses: Tensor, of_entropy: Tensor
) -> tuple[Tensor, Tensor]:
    z, codewords, weights = vectors
    to_z, to_codewords = torch.zeros_like(z), torch.zeros_like(codewords)
    for part in _parts(z, codewords):
        log_p = _log_probabilities(z[part], codewords, temperature)
        p = log_p.exp()
        entropies = -(p * log_p).sum(dim=1, keepdim=True)
        pull = of_masses - (p @ of_masses)[:, None] - of_entropy * (log_p + entropies)
        # The gradient of the logits -||z - c||² / τ; those of a vector add up to 0.
        logits = p * pull * (weights[part, None] * (2.0 / temperature))
        to_z[part] = logits @ codewords
        to_codewords += logits.T @ z[part] - logits.sum(dim=0)[:, None] * codewords
    return to_z, to_codewords


@_backward_operator.register_fake
def _(
    vectors: list[Tensor],
    temperature: float,  # noqa: ARG001
    of_masses: Tensor,  # noqa: ARG001
    of_entropy: Tensor,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(vectors[0]), torch.empty_like(vectors[1])


def _setup(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG001 - torch's
    *vectors, ctx.temperature = inputs
    ctx.save_for_backward(*vectors)


def _backward(ctx: Any, of_masses: Tensor | None, of_entropy: Tensor | None) -> Any:
    z, codewords, weights = ctx.saved_tensors
    masses = z.new_zeros(codewords.shape[0]) if of_masses is None else of_masses
    entropy = z.new_zeros(()) if of_entropy is None else of_entropy
    to_z, to_codewords = _backward_operator([z, codewords, weights], ctx.temperature, masses, entropy)
    return to_z, to_codewords, None, None


_operator.register_autograd(_backward, setup_context=_setup)


def _log_probabilities(z: Tensor, codewords: Tensor, temperature: float) -> Tensor:
    # Far from the origin |c|² would drown the differences between codewords.
    centre = codewords.detach().mean(dim=0)
    z, codewords = z - centre, codewords - centre
    return torch.log_softmax((2.0 * z @ codewords.T - (codewords**2).sum(dim=1)) / temperature, dim=1)


def _sums(log_p: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    p = log_p.exp() * weights[:, None]
    return p.sum(dim=0), -(p * log_p).sum()


def _parts(z: Tensor, codewords: Tensor) -> list[slice]:
    rows = max(1, _CHUNK_ELEMENTS // len(codewords))
    return [slice(start, start + rows) for start in range(0, len(z), rows)]
