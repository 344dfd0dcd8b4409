"""Additive uniform noise in place of quantization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zador.errors import UsageError
from zador.estimators.estimator import NoisyEstimator, as_triple
from zador.estimators.reflections import unit

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AdditiveNoise", "as_width"]


@dataclass(frozen=True)
class AdditiveNoise(NoisyEstimator):
    """y = x + Δ (U - ½), U uniform: noise in place of the error of a grid of step Δ [agustsson2020universally].

    The backward is g -> g, and for a given width that is no estimate: it is the derivative of the loss that the noise
    smooths. Its bias is that y is not what the decoder will get; `dithered` quantizes so that it is.

    Attributes:
        width: Δ > 0, in the unit of x. None: √(12 / d) ||q - x|| for each vector, held constant, so that the mean squared
            error is that of its quantization.
        seed: of the noise, which a layer draws anew for every pass in training mode.

    Raises:
        UsageError: `width` is not positive and finite.

    Example:
        >>> import torch
        >>> from zador.noise import new_key, uniform
        >>> x = torch.zeros(1000, 2)
        >>> y = AdditiveNoise(width=0.5)(x, x, uniform(new_key(0), [1000, 2]))
        >>> y.min().item() >= -0.25, y.max().item() < 0.25
        (True, True)
    """

    width: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no width."""
        if self.width is not None:
            as_width(self.width)

    def __call__(self, x: Tensor, q: Tensor, noise: Tensor) -> Tensor:
        """Return y (..., d) in the dtype of q, which has no gradient.

        Args:
            x: (..., d) what was quantized, any floating dtype.
            q: (..., d) what it became: only its distance from x matters, and only without a width.
            noise: (..., d) uniform in [0, 1), from `zador.noise.uniform`.

        Raises:
            DataError: shapes that differ.
        """
        x_wide, q_wide, uniforms = as_triple(x, q, noise, "AdditiveNoise")
        return (x_wide + self._widths(x_wide.detach(), q_wide.detach()) * (uniforms - 0.5)).to(q.dtype)

    def _widths(self, x: Tensor, q: Tensor) -> Tensor | float:
        if self.width is not None or x.shape[-1] == 0:
            return self.width or 0.0
        _, scale, length = unit(q - x)
        return math.sqrt(12.0 / x.shape[-1]) * scale * length


def as_width(width: float) -> float:
    """Return `width` as a float.

    Raises:
        UsageError: it is not positive and finite.
    """
    if not (isinstance(width, int | float) and 0.0 < width < math.inf):
        raise UsageError(f"width: expected a positive, finite number in the unit of x, got {width!r}")
    return float(width)
