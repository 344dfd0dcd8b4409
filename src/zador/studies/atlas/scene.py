"""Where gradients are judged: codewords, a loss, points at one distance from a Voronoi boundary, and their noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import torch

from zador.noise import new_key, uniform
from zador.studies.atlas.losses import Decoded, LossFamily

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["SPACING", "Place", "Scene"]

SPACING = 2.0
"""Median distance of a codeword to its nearest neighbour: exp(-||z - c||²) at a codeword is e⁴ times the neighbour's."""

_BLOCKS = 16
"""Groups of draws whose means tell the standard error."""
_KEPT = 8
"""Scenes that a process keeps: a block has five seeds, and arms of a setting follow each other."""


@dataclass(frozen=True)
class Place:
    """A kind of scene; a seed draws one.

    Attributes:
        dim: d.
        codebook_size: K >= 2.
        distance: of the points to the nearest Voronoi boundary, in units of σ.
        loss: which family of losses.
        noise: σ of the Gaussian noise on the points, in units of `SPACING`: 4 σ are half of it.
        points: P.
        draws: N of noise for each point, in antithetic pairs; a multiple of 32.
    """

    dim: int = 2
    codebook_size: int = 16
    distance: float = 1.0
    loss: LossFamily = Decoded()  # noqa: RUF009 - frozen
    noise: float = 0.125
    points: int = 8
    draws: int = 2048

    def scene(self, seed: int) -> Scene:
        """Return what `seed` draws; kept for the next arm that asks."""
        return _scene(self, seed)

    def fingerprint(self, seed: int) -> str:
        """Return a hash of the codewords and points that `seed` draws: they decide all others."""
        scene = _scene(replace(self, draws=2 * _BLOCKS), seed)
        numbers = hashlib.sha256(scene.codewords.numpy().tobytes() + scene.points.numpy().tobytes())
        return f"{self.points} points, {self.draws} draws, {numbers.hexdigest()[:16]}"


@dataclass(frozen=True)
class Scene:
    """Codewords, points, a loss, and the noise that every estimator is shown.

    Attributes:
        codewords: (K, d) float64.
        points: (P, d).
        loss: f, from (P, ..., d) to (P, ...).
        sigma: σ.
        noise: (P, B, n, d) Gaussian, standard deviation σ; the second half of the n of a block is the first, negated.
        seed: of the random numbers of estimators.
    """

    codewords: Tensor
    points: Tensor
    loss: Callable[[Tensor], Tensor]
    sigma: float
    noise: Tensor
    seed: int

    @classmethod
    def at(
        cls, codewords: Tensor, points: Tensor, loss: Callable[[Tensor], Tensor], *, sigma: float, draws: int, seed: int
    ) -> Scene:
        """Return the scene of these points, with `draws` of noise for each."""
        count, dim = points.shape
        half = _gaussian(seed, (count, _BLOCKS, draws // (2 * _BLOCKS), dim))
        return cls(codewords, points, loss, sigma, sigma * torch.cat([half, -half], dim=2), seed)

    @cached_property
    def z(self) -> Tensor:
        """(P, B, n, d): the noisy points that an estimator sees."""
        return self.points[:, None, None] + self.noise

    @cached_property
    def nearest(self) -> Tensor:
        """(P, B, n) int64: the codeword nearest to each."""
        return self.logits(self.z).argmax(-1)

    @cached_property
    def losses(self) -> Tensor:
        """(P, K): f at every codeword."""
        return self.loss(self.codewords.expand(len(self.points), *self.codewords.shape))

    def logits(self, z: Tensor) -> Tensor:
        """Return `-||z - c_k||²` up to a constant of z, (..., K): the logits of `zador.gumbel_vq`, in nats."""
        return 2.0 * z @ self.codewords.T - self.codewords.square().sum(1)

    def uniforms(self, dim: int, stream: int, *, draws: int = 0) -> Tensor:
        """Return uniform noise for the draws of an estimator, (P, B, n, dim); both of a pair see the same.

        Args:
            dim: numbers for each vector.
            stream: tells apart what must not be alike.
            draws: M of each vector, as a first axis; 0 for no such axis.
        """
        points, blocks, count, _ = self.noise.shape
        half = uniform(new_key(self.seed, 100 + stream), [*([draws] if draws else []), points, blocks, count // 2, dim])
        return torch.cat([half, half], dim=-2)


@lru_cache(maxsize=_KEPT)
def _scene(place: Place, seed: int) -> Scene:
    generator = torch.Generator().manual_seed(int(new_key(seed)[0]))
    codewords = torch.randn(place.codebook_size, place.dim, generator=generator, dtype=torch.float64)
    apart = _apart(codewords)
    codewords = codewords * (SPACING / apart.amin(1).median())
    sigma = place.noise * SPACING
    points = _points(codewords, place.points, place.distance * sigma, generator)
    loss = place.loss(codewords, points, generator)
    return Scene.at(codewords, points, loss, sigma=sigma, draws=place.draws, seed=seed)


def _points(codewords: Tensor, count: int, distance: float, generator: torch.Generator) -> Tensor:
    """Return points whose nearest boundary is `distance` away: that between a codeword and its nearest neighbour.

    From the middle between the two, which no third codeword is nearer to, towards the first; then aside along the boundary,
    half as far as long as another boundary would come nearer.
    """
    apart, neighbour = _apart(codewords).min(1)
    roomy = torch.nonzero(apart >= 2.0 * distance * 1.01).ravel()
    roomy = roomy if len(roomy) else apart.argmax().view(1)
    chosen = roomy[torch.randint(len(roomy), (count,), generator=generator)]
    first, second = codewords[chosen], codewords[neighbour[chosen]]
    normal = (second - first) / apart[chosen, None]
    start = 0.5 * (first + second) - distance * normal
    aside = torch.randn(start.shape, generator=generator, dtype=torch.float64) * apart[chosen, None] / 8.0
    aside = aside - (aside * normal).sum(1, keepdim=True) * normal
    for _ in range(20):
        near = boundary_distance(codewords, start + aside, chosen)
        aside = torch.where(near[:, None] < distance * (1 - 1e-9), 0.5 * aside, aside)
    fine = boundary_distance(codewords, start + aside, chosen) >= distance * (1 - 1e-9)
    return start + torch.where(fine[:, None], aside, 0.0)


def boundary_distance(codewords: Tensor, points: Tensor, owner: Tensor) -> Tensor:
    """Return how far points (P, d) are inside the cells of the codewords `owner` (P,); negative outside."""
    own = codewords[owner]
    apart = (codewords[None] - own[:, None]).norm(dim=-1)
    farther = (points[:, None] - codewords).square().sum(-1) - (points - own).square().sum(-1, keepdim=True)
    inside: Tensor = farther / (2.0 * apart.clamp(min=1e-300))
    return inside.where(apart > 0, torch.inf).amin(1)


def _apart(codewords: Tensor) -> Tensor:
    apart: Tensor = (codewords[:, None] - codewords[None]).norm(dim=-1)
    return apart.fill_diagonal_(torch.inf)


def _gaussian(seed: int, size: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(int(new_key(seed, 1)[0]))
    return torch.randn(size, generator=generator, dtype=torch.float64)
