"""Gradients on both sides of Voronoi boundaries: how far they jump, and whether they point where the loss falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from zador.noise import new_key, uniform
from zador.studies.atlas.scene import Scene
from zador.studies.atlas.truth import of_nearest
from zador.studies.rows import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from zador.studies.catalogue.planar.rules import Rule
    from zador.studies.catalogue.planar.scene import Plane, Start

__all__ = ["TrueGradient", "boundary_figures", "sent_back", "spacing", "true_gradient"]

_PLACES = 200
_DRAWS = 256
_OFF = 0.02
"""Distance from the boundary, in units of the codewords' spacing."""
_SIGMA = 0.25
"""Noise that makes the true gradient exist, in the same unit."""


class _Sides(NamedTuple):
    """Points (P, 2) on either side of boundaries, an equal distance away."""

    one: Tensor
    other: Tensor


def spacing(codewords: NDArray[np.float64]) -> float:
    """Return the median distance of a codeword (K, 2) to its nearest neighbour."""
    apart = np.linalg.norm(codewords[:, None] - codewords, axis=-1)
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1)))


def sent_back(start: Start, rule: Rule, points: Tensor, seed: int) -> Tensor:
    """Return (P, 2), the gradient of ||x - y||² that a rule sends to encodings z on average over its noise; x = W⁻¹ z.

    Args:
        start: encoder and codewords.
        rule: what y is.
        points: (P, 2) encodings z.
        seed: of its noise.
    """
    codewords = torch.from_numpy(start.codewords)
    needed = rule.noise(len(codewords))
    draws = _DRAWS if needed else 1
    z = points.repeat(draws, 1).requires_grad_()
    y = rule(z, codewords, uniform(new_key(seed, 3), [draws * len(points), needed]))
    (gradient,) = torch.autograd.grad(_loss(start, points)(y.view(draws, *points.shape).movedim(0, 1)).sum(), z)
    return gradient.view(draws, *points.shape).mean(0)


def true_gradient(start: Start, points: Tensor, seed: int) -> Tensor:
    """Return (P, 2), the gradient of the expected loss of z + noise at its nearest codeword; x = W⁻¹ z is held.

    Args:
        start: encoder and codewords.
        points: (P, 2) encodings z.
        seed: of the noise, whose standard deviation is a quarter of the codewords' spacing.
    """
    sigma = _SIGMA * spacing(start.codewords)
    scene = Scene.at(
        torch.from_numpy(start.codewords), points, _loss(start, points), sigma=sigma, draws=_DRAWS, seed=seed
    )  # fmt: skip
    return of_nearest(scene).mean(1)


def boundary_figures(start: Start, rule: Rule, seed: int) -> dict[str, float]:
    """Return roughness and boundary cosine of a rule at the start of training.

    Args:
        start: encoder, codewords, and the vectors whose encodings' nearest boundaries are looked at.
        rule: what y is.
        seed: of all noise.
    """
    sides = _sides(start)
    return _figures([sent_back(start, rule, points, seed) for points in sides], _truths(start, sides, seed))


@dataclass(frozen=True)
class TrueGradient:
    """The gradient that estimators stand for, as an arm: how far it jumps itself.

    Attributes:
        plane: where runs start.
    """

    plane: Plane

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed."""
        return [self._one(seed) for seed in seeds]

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of what the seed draws."""
        return self.plane.fingerprint(seed)

    def _one(self, seed: int) -> Outcome:
        start = self.plane.start(seed)
        truths = _truths(start, _sides(start), seed)
        return Outcome(_figures(truths, truths))


def _truths(start: Start, sides: _Sides, seed: int) -> list[Tensor]:
    return [true_gradient(start, points, seed) for points in sides]


def _figures(sent: Sequence[Tensor], truths: Sequence[Tensor]) -> dict[str, float]:
    one, other = sent
    jump = (one - other).square().sum(-1).mean()
    length = 0.5 * (one.square().sum(-1) + other.square().sum(-1)).mean()
    cosines = torch.nn.functional.cosine_similarity(torch.cat([*sent]), torch.cat([*truths]), dim=-1, eps=1e-30)
    return {"roughness": float(jump / length), "boundary cosine": float(cosines.mean())}


def _sides(start: Start) -> _Sides:
    """Return points beside the boundaries that encodings are nearest to.

    An encoding is moved at right angles to the boundary between its codeword and the one whose cell is nearest to it. Where
    the middle of the two sides lies in a third cell, there is no such boundary, and the encoding is passed over.
    """
    codewords = torch.from_numpy(start.codewords)
    z = torch.from_numpy(start.evaluation[:_PLACES] @ start.encoder.T)
    squares = torch.cdist(z, codewords).square()
    own = squares.argmin(1)
    across = codewords[None] - codewords[own][:, None]
    lengths = across.norm(dim=-1)
    away = (squares - squares.gather(1, own[:, None])) / (2.0 * lengths)
    nearest, other = away.where(lengths > 0, torch.inf).min(1)
    rows = torch.arange(len(z))
    normal = across[rows, other] / lengths[rows, other, None]
    middle, off = z + nearest[:, None] * normal, _OFF * spacing(start.codewords)
    sides = middle - off * normal, middle + off * normal
    fine = (torch.cdist(sides[0], codewords).argmin(1) == own) & (torch.cdist(sides[1], codewords).argmin(1) == other)
    return _Sides(sides[0][fine], sides[1][fine])


def _loss(start: Start, points: Tensor) -> Callable[[Tensor], Tensor]:
    """Return ||x - y||² for y (P, ..., 2), x = W⁻¹ z of each of the points."""
    x = points @ torch.from_numpy(np.linalg.inv(start.encoder)).T
    return lambda y: (y - x.view(len(x), *[1] * (y.ndim - 2), 2)).square().sum(-1)
