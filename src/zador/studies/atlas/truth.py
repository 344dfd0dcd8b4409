"""The gradient of an expected loss, ∇ E f(y(x + ε)), ε ~ N(0, σ² I): three ways, one for each kind of y.

All rest on E f(y(x + ε)) ε / σ² = ∇F(x), which asks nothing of y: a step function has a smooth expectation. Each returns one
estimate for every block of the scene's noise, the same noise that estimators see, so that differences are of equal draws.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from zador.studies.atlas.scene import Scene

__all__ = ["of_draws", "of_nearest", "of_values"]

_FAR = 9.0
"""Noise beyond so many σ along a line has a chance of 1e-18."""


def of_nearest(scene: Scene, losses: Tensor | None = None) -> Tensor:
    """Return ∇F, (P, B, d), for y = the nearest codeword.

    Along the line through the nearest boundary, at right angles to it, the noise is integrated exactly: F is there a sum of
    steps f_right - f_left at the cells' borders s, with derivative Σ (f_right - f_left) φ(s / σ) / σ. Across it the scene's
    noise is used. With d = 1 nothing is random; and a boundary 4 σ away costs no precision.

    Args:
        scene: where.
        losses: of the scene, to save asking for them.
    """
    del losses
    normal = _normals(scene)
    along = (scene.noise * normal[:, None, None]).sum(-1, keepdim=True) * normal[:, None, None]
    aside = scene.noise - along
    steps, mean = _along_lines(scene, scene.points[:, None, None] + aside, normal)
    # By pairs ±ε the mean of what is aside is 0: a constant of f has no part in its product with it.
    across = ((mean - mean.mean(dim=(1, 2), keepdim=True))[..., None] * aside).mean(2) / scene.sigma**2
    return steps.mean(2)[..., None] * normal[:, None] + across


def of_draws(scene: Scene, losses: Tensor | None = None) -> Tensor:
    """Return ∇F, (P, B, d), for y drawn from p = softmax(-||z - c||²): E_ε Σ_k p_k (f_k - pᵀf) 2 c_k, exact in k."""
    del losses
    p = torch.softmax(scene.logits(scene.z), -1)
    f = scene.losses[:, None, None]
    weighed = p * (f - (p * f).sum(-1, keepdim=True))
    return 2.0 * weighed.mean(2) @ scene.codewords


def of_values(scene: Scene, losses: Tensor | None) -> Tensor:
    """Return ∇F, (P, B, d), from the losses (P, B, n) that an estimator's own forward gives.

    E f ε / σ² with a control variate that is linear in ε, whose part is known: what is left is the curvature of f(y(·)) at
    the scale of the noise.

    Args:
        scene: where.
        losses: f(y(x + ε)), in the order of the scene's noise.
    """
    if losses is None:
        raise TypeError("of_values: the losses are what it is made from")
    noise = scene.noise.flatten(1, 2)
    values = losses.flatten(1, 2) - losses.mean(dim=(1, 2))[:, None]
    slope = torch.linalg.lstsq(noise, values[..., None]).solution[..., 0]  # (P, d)
    rest = losses - losses.mean(dim=(1, 2), keepdim=True) - (scene.noise * slope[:, None, None]).sum(-1)
    found: Tensor = slope[:, None] + (rest[..., None] * scene.noise).mean(2) / scene.sigma**2
    return found


def _normals(scene: Scene) -> Tensor:
    """Return the unit vectors (P, d) at right angles to the boundary that each point is nearest to."""
    owner = scene.logits(scene.points).argmax(-1)
    own = scene.codewords[owner]
    apart = scene.codewords[None] - own[:, None]
    length = apart.norm(dim=-1)
    inside = (scene.points[:, None] - scene.codewords).square().sum(-1) - (scene.points - own).square().sum(-1, keepdim=True)
    other = (inside / (2.0 * length.clamp(min=1e-300))).where(length > 0, torch.inf).argmin(1)
    rows = torch.arange(len(owner))
    normals: Tensor = apart[rows, other] / length[rows, other, None]
    return normals


def _along_lines(scene: Scene, start: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Return, for lines `start` + s `normal` with s ~ N(0, σ²), d/ds of E f and E f itself, each (P, B, n).

    From s = -∞ on one walks to the border that comes next: codewords take over in the order of their slopes.
    """
    slope = normal @ scene.codewords.T  # (P, K)
    height = scene.codewords.square().sum(1) - 2.0 * start @ scene.codewords.T  # (P, B, n, K)
    slopes = slope[:, None, None].expand(height.shape)
    losses = scene.losses[:, None, None].expand(height.shape)
    reach = _FAR * scene.sigma
    here = (height + 2.0 * reach * slopes).argmin(-1, keepdim=True)
    value = losses.gather(-1, here)
    derivative, mean = torch.zeros_like(value), value.clone()
    while True:
        ahead = slopes - slopes.gather(-1, here)
        border = (height - height.gather(-1, here)) / (2.0 * ahead)
        border = border.where(ahead > 0, torch.inf)
        at, there = border.min(-1, keepdim=True)
        going = at < reach
        if not going.any():
            break
        after = losses.gather(-1, there)
        step = (after - value).where(going, 0.0)
        scaled = (at / scene.sigma).clamp(-_FAR, _FAR)
        derivative += step * torch.exp(-0.5 * scaled**2) / (math.sqrt(2.0 * math.pi) * scene.sigma)
        mean += step * torch.special.ndtr(-scaled)
        here, value = there.where(going, here), after.where(going, value)
    return derivative[..., 0], mean[..., 0]
