"""The marginal of the Blahut–Arimoto assignment: at rest it is the theory's, and it is what the layer says of itself."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import Frozen
from zador.estimators import BlahutArimoto, SoftAssignment
from zador.layers.categorical import Weighing
from zador.theory.blahut_arimoto import SquaredError, solve

STEP = torch.tensor(0)
GENERATOR = np.random.default_rng(0)
POINTS = GENERATOR.standard_normal((40, 2))
CODEWORDS = 1.3 * GENERATOR.standard_normal((6, 2))


def layer_of(temperature, decay=0.0, **options):
    """Return a layer in double precision whose codewords rest."""
    relaxation = BlahutArimoto(temperature, decay=decay)
    return zador.categorical_vq(2, 6, estimator=relaxation, learner=Frozen(start=CODEWORDS), **options).double()


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_passes_over_one_batch_converge_to_the_rate_distortion_curve(slope):
    """Rate, distortion and marginal after many passes are those of `zador.theory.blahut_arimoto` at the same slope.

    The theory's bracket is 1e-9 bits wide. The layer's steps empty what has no share in the optimum by a constant factor a
    pass: after 400 of them 2e-7 is left of it at most, and the objective, which is flat there, agrees to the bracket.
    """
    temperature = 1 / (slope * math.log(2))
    layer, x = layer_of(temperature), torch.from_numpy(POINTS)
    for _ in range(400):
        out = layer(x)
    found = solve(np.full(40, 1 / 40), SquaredError(POINTS, CODEWORDS), slope=slope, tolerance=1e-9)
    rate, distortion = (out.info.other[name].item() for name in ("rate", "soft_distortion"))
    assert rate + slope * distortion == pytest.approx(found.rate_upper + slope * found.distortion, abs=1e-8)
    assert rate == pytest.approx(found.rate_upper, abs=1e-6)
    assert distortion == pytest.approx(found.distortion, abs=1e-6)
    np.testing.assert_allclose(layer.marginals[0].shares.numpy(), found.weights, atol=1e-6)


def test_the_first_pass_is_soft_assignment():
    """Uniform shares change nothing; the second pass has others."""
    x = torch.from_numpy(POINTS)
    soft = zador.categorical_vq(2, 6, estimator=SoftAssignment(0.5), learner=Frozen(start=CODEWORDS)).double()
    layer = layer_of(0.5)
    # Shares start as float32 numbers, and 1 / 6 is none.
    torch.testing.assert_close(layer(x).quantized, soft(x).quantized, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(layer(x).quantized, soft(x).quantized)


def test_rate_distortion_and_shares_are_what_they_say():
    """One pass written out: KL(p ‖ r) in bits, Σ p ||z - c||², and r ← γ r + (1 - γ) mean p, over what is not masked."""
    layer, x = layer_of(0.75, decay=0.75, prior=0.1), torch.from_numpy(POINTS)
    mask = torch.arange(40) < 25
    layer(x, mask)
    shares = layer.marginals[0].shares.clone()
    out = layer(x, mask)
    squared = torch.cdist(x, torch.from_numpy(CODEWORDS))[:25] ** 2
    weights = shares * torch.exp(-squared / 0.75)
    weights = weights / weights.sum(1, keepdim=True)
    rate = (weights * (weights / shares).log2()).sum(1).mean()
    # Shares are those of float32 at first: they sum to 1 to 1e-7.
    close = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(out.info.other["rate"], rate, **close)
    torch.testing.assert_close(out.info.other["prior"], 0.1 * rate, **close)
    torch.testing.assert_close(out.info.other["soft_distortion"], (weights * squared).sum(1).mean(), **close)
    torch.testing.assert_close(layer.marginals[0].shares, 0.75 * shares + 0.25 * weights.mean(0), **close)
    assert out.loss == out.info.other["prior"]


def test_the_gradient_is_that_of_the_lagrangian():
    """Squared error plus rate: finite differences of out.loss and of the value, at shares that rest."""
    layer = layer_of(0.75, prior=0.3)
    x = torch.from_numpy(POINTS[:5].copy()).requires_grad_()
    layer(x)
    layer.frozen = True

    def lagrangian(x):
        out = layer(x)
        return ((out.quantized - x) ** 2).sum() + out.loss

    assert torch.autograd.gradcheck(lagrangian, (x,))


def test_only_passes_that_teach_change_the_shares():
    """Evaluation, frozen layers and `update=False` leave them; evaluation takes the nearest, whatever they are."""
    layer, x = layer_of(0.5), torch.from_numpy(POINTS)
    layer(x)
    before = layer.marginals[0].shares.clone()
    layer(x, update=False)
    out = layer.eval()(x)
    assert sorted(out.info.other) == []
    assert out.indices.equal(torch.cdist(x, torch.from_numpy(CODEWORDS)).argmin(1))
    layer.train().frozen = True
    layer(x)
    assert layer.marginals[0].shares.equal(before)


def test_shares_stay_wide_when_the_model_is_narrow():
    """A model in half precision keeps float32 shares, which sum to 1."""
    layer = zador.categorical_vq(2, 6, estimator=BlahutArimoto(0.5), learner=Frozen(start=CODEWORDS)).half()
    layer(torch.from_numpy(POINTS).half())
    assert layer.marginals[0].shares.dtype == torch.float32
    assert layer.marginals[0].shares.sum().item() == pytest.approx(1.0, abs=1e-6)


def test_shares_are_those_of_all_processes():
    """Two processes with a half of the batch each: sums are added up and divided by the number of vectors of both."""
    x, told = torch.from_numpy(POINTS), {}

    class Pair:
        size, rank = 2, 0

        def sum(self, part):
            """Return this half plus what the other one said."""
            return part + told["other"]

    whole, half = layer_of(0.5), layer_of(0.5)
    whole(x)
    codewords = torch.from_numpy(CODEWORDS)
    logits = [2 * z @ codewords.T - (codewords**2).sum(1) for z in x.split(20)]
    asked = [Weighing(0, z, each, None, None, STEP) for z, each in zip(x.split(20), logits, strict=True)]
    weights = [torch.softmax(each.logits / 0.5, 1) for each in asked]
    rate = [(p * (6 * p).log2()).sum(1) for p in weights]
    squared = [(torch.cdist(each.z, codewords) ** 2 * p).sum(1) for each, p in zip(asked, weights, strict=True)]
    told["other"] = torch.cat([weights[1].sum(0), rate[1].sum().view(1), squared[1].sum().view(1)])
    half.marginals[0].learn(asked[0], weights[0], rate[0], 0.0, SimpleNamespace(vectors=40, peers=Pair()))
    for one, other in zip(half.marginals[0].buffers(), whole.marginals[0].buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
