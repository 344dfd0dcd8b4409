"""Quantization error of the right length in a direction of one's own: what NSVQ and DiVeQ have in common."""

from __future__ import annotations

import torch
from torch import Tensor

from zador.estimators.reflections import dot, unit

__all__ = ["gaussian", "substituted"]


def gaussian(noise: Tensor) -> Tensor:
    """Return numbers from N(0, 1) for uniform ones in [0, 1): Φ⁻¹, with an exact 0 moved to a quarter of a rounding."""
    numbers: Tensor = torch.special.ndtri(noise.clamp(min=torch.finfo(noise.dtype).eps / 4))
    return numbers


def substituted(x: Tensor, q: Tensor, direction: Tensor) -> Tensor:
    """Return y = x + ||q - x|| w, w the direction of `direction`, which is held constant.

    With u = (q - x) / ||q - x|| a gradient g at y is g - (wᵀ g) u at x and (wᵀ g) u at q; at q = x, where u has no value, g
    at x and 0 at q. Norms from 1e-30 to 1e30 neither underflow nor overflow in float32.

    Args:
        x: (..., d) what was quantized; one dtype for all, float32 or float64.
        q: (..., d) what it became, with its gradient if it has one.
        direction: (..., d), of any length; where it is 0, y is x.
    """
    if x.shape[-1] == 0:
        return x
    step = q - x
    u = unit(step.detach())[0]
    # The length of the step is its part along u, and this is how it changes with both ends.
    return x + dot(u, step) * unit(direction.detach())[0]
