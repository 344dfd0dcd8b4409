"""Noise substitution: in training the error of quantization is replaced by noise of its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.estimators.estimator import NoisyEstimator, as_triple
from zador.estimators.substitution import gaussian, substituted

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NSVQ"]


@dataclass(frozen=True)
class NSVQ(NoisyEstimator):
    """y = x + ||q - x|| v / ||v||, v ~ N(0, I): an error of the length it has, in any direction [vali2022nsvq].

    With w = v / ||v|| held constant and u = (q - x) / ||q - x||, a gradient g at y becomes

        g - (wᵀ g) u    at x,        (wᵀ g) u    at q,

    the derivative of y itself, so that it is unbiased for the loss of noisy values: what that says of the length of the
    error moves both ends. For a g that does not depend on the noise the means are g and 0. Codewords learn from it under
    `zador.codebooks.Gradient`.

    Attributes:
        seed: of the noise, which a layer draws anew for every pass in training mode.

    Example:
        >>> import torch
        >>> from zador.noise import new_key, uniform
        >>> x, q = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 3.0]])
        >>> y = NSVQ()(x, q, uniform(new_key(0), [1, 2]))
        >>> round((y - x).norm().item(), 4)
        3.0
    """

    def __call__(self, x: Tensor, q: Tensor, noise: Tensor) -> Tensor:
        """Return y (..., d) in the dtype of q; at q = x it is x.

        Args:
            x: (..., d) what was quantized, any floating dtype.
            q: (..., d) what it became; with a gradient, where its codewords have one.
            noise: (..., d) uniform in [0, 1), from `zador.noise.uniform`.

        Raises:
            DataError: shapes that differ.
        """
        x_wide, q_wide, uniforms = as_triple(x, q, noise, "NSVQ")
        return substituted(x_wide, q_wide, gaussian(uniforms)).to(q.dtype)
