"""Vectors on a curved sheet: what a linear encoder cannot flatten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zador.studies.catalogue.sources.source import Drawn, DrawnSource

__all__ = ["Curved"]


@dataclass(frozen=True)
class Curved(DrawnSource):
    """x = V tanh(U t + b) + noise, t ~ N(0, I_r), in units in which the variances of a seed's vectors add up to D.

    U (H, r) ~ N(0, bend² / r), b ~ N(0, 1) and V (D, H) ~ N(0, 1) are drawn by the seed: an embedding of r hidden
    coordinates by a random network, more curved the larger `bend` is.

    Attributes:
        hidden_dim: r.
        dim: D.
        units: H.
        bend: standard deviation of what enters a tanh, without b.
        noise: standard deviation of Gaussian noise on every coordinate of x, before scaling, as a share of √H.
        train: N, vectors to fit on.
        evaluation: M, vectors to judge on.

    >>> Curved(train=50, evaluation=20).draw(1).train.shape
    (50, 16)
    """

    hidden_dim: int = 4
    dim: int = 16
    units: int = 32
    bend: float = 2.0
    noise: float = 0.1
    train: int = 8_000
    evaluation: int = 4_000

    def _drawn(self, seed: int) -> Drawn:
        rng = np.random.default_rng(seed)
        inner = rng.standard_normal((self.hidden_dim, self.units)) * (self.bend / self.hidden_dim**0.5)
        bias = rng.standard_normal(self.units)
        outer = rng.standard_normal((self.units, self.dim))
        count = self.train + self.evaluation
        vectors = np.tanh(rng.standard_normal((count, self.hidden_dim)) @ inner + bias) @ outer
        vectors += self.noise * self.units**0.5 * rng.standard_normal((count, self.dim))
        train, evaluation = vectors[: self.train], vectors[self.train :]
        mean, scale = train.mean(axis=0), np.sqrt(self.dim / train.var(axis=0).sum())
        return Drawn((train - mean) * scale, (evaluation - mean) * scale)
