"""A run in the plane: batches, plain gradient descent on encoder and codewords, and where both were on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from zador.studies.catalogue.planar.boundary import boundary_figures
from zador.studies.catalogue.planar.figures import outcome
from zador.studies.catalogue.planar.rules import Rule, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from zador.studies.catalogue.planar.scene import Plane
    from zador.studies.rows import Outcome

__all__ = ["Recipe", "Run", "Trace", "recorded"]

_WIDTH = 5
"""Seeds that are computed together, always so many: with other shapes a library may add up in another order."""
_POINTS = 25
_DIVERGED = 1000.0


@dataclass(frozen=True)
class Recipe:
    """How to train, the same for all arms of a setting.

    Attributes:
        steps: T.
        batch: B vectors, drawn with replacement.
        encoder_rate: of W.
        codebook_rate: of the codewords.
        commitment: β, of ||z - sg(q)||², where codewords have a loss of their own.
    """

    steps: int = 500
    batch: int = 128
    encoder_rate: float = 0.02
    codebook_rate: float = 0.5
    commitment: float = 0.25


class Trace(NamedTuple):
    """One run along its way.

    Attributes:
        steps: (T,) updates done.
        encoder: (T, 2, 2).
        codewords: (T, K, 2).
        encoder_path: length of the way of W over all updates, Frobenius norm.
        codebook_path: (K,) length of the way of each codeword over all updates.
        failure: what happened; empty if nothing did.
    """

    steps: tuple[int, ...]
    encoder: NDArray[np.float64]
    codewords: NDArray[np.float64]
    encoder_path: float
    codebook_path: NDArray[np.float64]
    failure: str


def recorded(steps: int, points: int = _POINTS) -> tuple[int, ...]:
    """Return at most `points` steps from 0 to `steps`, closer to each other at the start, where most happens.

    >>> recorded(100, 6)
    (0, 4, 16, 36, 64, 100)
    """
    return tuple(sorted({round(steps * (place / (points - 1)) ** 2) for place in range(points)}))


@dataclass(frozen=True)
class Run:
    """Encoder and codewords by gradient descent on ||x - y||², and on codebook loss and commitment where the rule asks.

    Attributes:
        plane: where it starts.
        rule: what y is.
        recipe: how it goes on.
    """

    plane: Plane
    rule: Rule
    recipe: Recipe

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return one outcome a seed."""
        starts = [self.plane.start(seed) for seed in seeds]
        found = []
        for seed, start, trace in zip(seeds, starts, self.traces(seeds), strict=True):
            here = boundary_figures(start, self.rule, seed)
            found.append(outcome(self.plane.source, start.evaluation, trace, here))
        return found

    def fingerprint(self, seed: int, /) -> str:
        """Return a hash of what the seed draws."""
        return self.plane.fingerprint(seed)

    def traces(self, seeds: Sequence[int], points: int = _POINTS) -> list[Trace]:
        """Return the way of each seed's run, at `points` steps; it is the same way at any number of points."""
        found: list[Trace] = []
        for first in range(0, len(seeds), _WIDTH):
            block = list(seeds[first : first + _WIDTH])
            padded = block + [block[0]] * (_WIDTH - len(block))
            found += _Stack(self, padded).walk(recorded(self.recipe.steps, points))[: len(block)]
        return found


class _Stack:
    """Five runs side by side; one that diverges stays where it was."""

    def __init__(self, run: Run, seeds: list[int]) -> None:
        self.rule, self.recipe = run.rule, run.recipe
        starts = [run.plane.start(seed) for seed in seeds]
        self.data = _stacked([start.train for start in starts])
        self.encoder = _stacked([start.encoder for start in starts])
        self.codewords = _stacked([start.codewords for start in starts])
        self.most = _DIVERGED * self.data.square().sum(-1).mean(1)
        shape = (run.recipe.steps, run.recipe.batch)
        rows = [np.random.default_rng([seed, 1]).integers(len(start.train), size=shape)
                for seed, start in zip(seeds, starts, strict=True)]  # fmt: skip
        self.rows = torch.from_numpy(np.stack(rows, axis=1))[..., None].expand(-1, -1, -1, 2)
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.noises = (run.recipe.batch, run.rule.noise(run.plane.codebook_size))
        self.failures = [""] * len(seeds)
        self.encoder_path = torch.zeros(len(seeds), dtype=torch.float64)
        self.codebook_path = torch.zeros(self.codewords.shape[:2], dtype=torch.float64)

    def walk(self, record: tuple[int, ...]) -> list[Trace]:
        """Return the trace of every run, with its places after so many steps."""
        places = []
        for step in range(self.recipe.steps + 1):
            if step in record:
                places.append((self.encoder.numpy().copy(), self.codewords.numpy().copy()))
            if step < self.recipe.steps:
                self._advance(step)
        encoders, codewords = (np.stack(part, axis=1) for part in zip(*places, strict=True))
        return [
            Trace(
                record, encoders[run], codewords[run], float(self.encoder_path[run]), self.codebook_path[run].numpy(), said
            )
            for run, said in enumerate(self.failures)
        ]

    def _advance(self, step: int) -> None:
        encoder, codewords = self.encoder.clone().requires_grad_(), self.codewords.clone().requires_grad_()
        losses = self._losses(self.data.gather(1, self.rows[step]), encoder, codewords)
        slopes = torch.autograd.grad(losses.sum(), (encoder, codewords))
        moves = -self.recipe.encoder_rate * slopes[0], -self.recipe.codebook_rate * slopes[1]
        reached = losses.detach()
        fine = reached <= self.most
        for move in moves:
            fine &= move.isfinite().flatten(1).all(1)
        for run in torch.nonzero(~fine).ravel().tolist():
            self.failures[run] = self.failures[run] or f"diverged at step {step}, loss {float(reached[run]):.0e}"
        going = torch.tensor([not said for said in self.failures])[:, None, None]
        by_encoder, by_codewords = (torch.where(going, move, 0.0) for move in moves)
        self.encoder, self.codewords = self.encoder + by_encoder, self.codewords + by_codewords
        self.encoder_path += by_encoder.flatten(1).norm(dim=1)
        self.codebook_path += by_codewords.norm(dim=-1)

    def _losses(self, x: Tensor, encoder: Tensor, codewords: Tensor) -> Tensor:
        """Return the loss of each run, (5,): means over the batch of errors summed over coordinates."""
        z = x @ encoder.mT
        noise = torch.stack([torch.rand(self.noises, generator=generator) for generator in self.generators])
        loss = (x - self.rule(z, codewords, noise)).square().sum(-1).mean(1)
        if self.rule.teaches:
            return loss
        q = chosen(z, codewords)
        own = (z.detach() - q).square().sum(-1).mean(1)
        return loss + own + self.recipe.commitment * (z - q.detach()).square().sum(-1).mean(1)


def _stacked(arrays: list[NDArray[np.float64]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
