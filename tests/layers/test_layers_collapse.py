"""The defaults do not collapse: a Gaussian far from the origin, a codebook that starts there, 150 batches."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import Ema, Gradient, fit_codebook

DIM, SIZE, BATCH, STEPS = 8, 256, 4096, 150


def gaussian(count: int, offset: float, seed: int) -> torch.Tensor:
    return torch.randn(count, DIM, generator=torch.Generator().manual_seed(seed)) + offset


@functools.cache
def kmeans() -> float:
    """Held-out distortion of converged k-means; the offset changes nothing about it."""
    codebook = fit_codebook(gaussian(100_000, 0.0, 10_001), SIZE, seed=0)
    return float(zador.nearest(gaussian(50_000, 0.0, 10_000), codebook.codewords).squared_distances.double().mean())


def trained(layer: torch.nn.Module, offset: float, optimiser: torch.optim.Optimizer | None) -> torch.nn.Module:
    for step in range(STEPS):
        out = layer(gaussian(BATCH, offset, step))
        if optimiser is not None:
            optimiser.zero_grad()
            out.loss.backward()
            optimiser.step()
    return layer.eval()


@pytest.mark.parametrize("offset", [0.0, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("start", ["default", "N(0, I)"])
@pytest.mark.parametrize("learner", [Ema, Gradient])
def test_every_codeword_is_used_and_the_distortion_is_that_of_kmeans(learner, start, offset):
    """Usage of at least 99 % on fresh vectors, and their distortion within 1 % of converged k-means."""
    own = {} if start == "default" else {"start": np.random.default_rng(0).standard_normal((SIZE, DIM)).astype(np.float32)}
    layer = zador.vq(DIM, SIZE, learner=learner(**own))
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.02) if learner is Gradient else None
    out = trained(layer, offset, optimiser)(gaussian(50_000, offset, 10_000))
    assert len(out.indices.unique()) >= 0.99 * SIZE
    assert out.info.usage.item() >= 0.99
    assert out.info.distortion.item() <= 1.01 * kmeans()


def test_without_revival_and_far_from_the_data_it_does_collapse():
    """The test can fail: the same codebook at N(0, I) with nobody to revive it uses a few codewords at offset 8."""
    start = np.random.default_rng(0).standard_normal((SIZE, DIM)).astype(np.float32)
    out = trained(zador.vq(DIM, SIZE, learner=Ema(start=start, revive=None)), 8.0, None)(gaussian(50_000, 8.0, 10_000))
    assert out.info.usage.item() < 0.1
    assert out.info.distortion.item() > 1.5 * kmeans()
