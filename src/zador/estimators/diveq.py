"""DiVeQ: the error of quantization as its length times a direction that is held constant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.errors import UsageError
from zador.estimators.estimator import NoisyEstimator, as_triple
from zador.estimators.substitution import gaussian, substituted

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DiVeQ"]


@dataclass(frozen=True)
class DiVeQ(NoisyEstimator):
    """y = x + ||q - x|| w, w = (q - x + v) / ||q - x + v||, v ~ N(0, σ² I): next to q, and differentiable [vali2025diveq].

    With w held constant and u = (q - x) / ||q - x||, a gradient g at y becomes

        g - (wᵀ g) u    at x,        (wᵀ g) u    at q.

    At σ = 0, w = u and y = q: what g has along the error goes to the codeword, what is orthogonal to it to x, and together
    they are g. Larger σ lets y stray from q, at most by 2 ||q - x||; as σ grows it becomes `NSVQ`. Codewords learn from it
    under `zador.codebooks.Gradient`, beside their own loss; the paper does without that and without commitment.

    Attributes:
        variance: σ², of every coordinate of v, in the unit of x squared: small against ||q - x||² / d. The paper's 1e-3 is
            for latent vectors of its own size. (`diveq` 0.1.3 on PyPI takes what it calls variance for σ.)
        seed: of the noise, which a layer draws anew for every pass in training mode.

    Raises:
        UsageError: `variance` is negative or not finite.

    Example:
        >>> import torch
        >>> from zador.noise import new_key, uniform
        >>> x, q = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 3.0]])
        >>> DiVeQ(variance=0.0)(x, q, uniform(new_key(0), [1, 2])).tolist()
        [[1.0, 3.0]]
    """

    variance: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse what is no variance."""
        if not (isinstance(self.variance, int | float) and 0.0 <= self.variance < math.inf):
            raise UsageError(f"variance: expected a number of at least 0, in the unit of x squared, got {self.variance!r}")

    def __call__(self, x: Tensor, q: Tensor, noise: Tensor) -> Tensor:
        """Return y (..., d) in the dtype of q; at q = x it is x.

        Args:
            x: (..., d) what was quantized, any floating dtype.
            q: (..., d) what it became; with a gradient, where its codewords have one.
            noise: (..., d) uniform in [0, 1), from `zador.noise.uniform`.

        Raises:
            DataError: shapes that differ.
        """
        x_wide, q_wide, uniforms = as_triple(x, q, noise, "DiVeQ")
        around = q_wide - x_wide + math.sqrt(self.variance) * gaussian(uniforms)
        return substituted(x_wide, q_wide, around).to(q.dtype)
