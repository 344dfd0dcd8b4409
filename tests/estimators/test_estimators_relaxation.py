"""Relaxations without a draw: softmax weights, the one-hot vector that borrows their gradient, weights with a marginal."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from references.estimators import softmax, softmax_jacobian
from zador.errors import UsageError
from zador.estimators import (
    BlahutArimoto,
    Exponential,
    GumbelSoftmax,
    IndexBackpropagation,
    ReinMax,
    Relaxation,
    SoftAssignment,
)
from zador.noise import new_key, uniform

STEP = torch.tensor(0)
SILENT = [IndexBackpropagation, SoftAssignment, BlahutArimoto]
silent = pytest.mark.parametrize("kind", SILENT)


def draw(*shape, dtype=torch.float64, seed=0):
    """Return logits that ask for a gradient, and g."""
    generator = torch.Generator().manual_seed(seed)
    logits, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return logits.to(dtype).requires_grad_(), g.to(dtype)


@silent
def test_weights_and_gradient_follow_the_closed_form(kind):
    """Weights p = softmax(logits / τ), one-hot for index backpropagation, and p ⊙ (g - pᵀg) / τ, row by row in float64."""
    logits, g = draw(12, 5)
    out = kind(0.4)(logits, None, STEP)
    (at,) = torch.autograd.grad(out.weights, logits, g)
    assert out.indices.equal(logits.argmax(-1))
    for n in range(12):
        weights = softmax(logits[n].detach().numpy() / np.float32(0.4))
        hard = np.eye(5)[out.indices[n]]
        expected = hard if kind is IndexBackpropagation else weights
        np.testing.assert_allclose(out.weights[n].detach().numpy(), expected, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(at[n].numpy(), softmax_jacobian(weights).T @ g[n].numpy() / 0.4, rtol=1e-6, atol=1e-9)


def test_a_marginal_weighs_every_codeword():
    """r_k exp(logit_k / τ), normalised; a share of 0 is a weight of 0, whatever the logit, and no gradient there."""
    logits, g = draw(12, 5)
    shares = torch.tensor([0.5, 0.0, 0.1, 0.15, 0.25], dtype=torch.float64)
    out = BlahutArimoto(0.5)(logits, None, STEP, marginal=shares)
    expected = shares * (logits.detach() / 0.5).exp()
    torch.testing.assert_close(out.weights.detach(), expected / expected.sum(1, keepdim=True), rtol=1e-12, atol=1e-14)
    (at,) = torch.autograd.grad(out.weights, logits, g)
    assert at.isfinite().all()
    assert not at[:, 1].any()
    assert out.indices.equal(logits.argmax(-1))


@silent
def test_it_takes_the_nearest_that_a_search_has_found(kind):
    """Given indices are the choice, even where rounding has put another logit first."""
    logits, _ = draw(6, 4)
    nearest = torch.tensor([0, 1, 2, 3, 0, 1])
    out = kind()(logits, None, STEP, nearest=nearest)
    assert out.indices.equal(nearest)
    if kind is IndexBackpropagation:
        assert out.weights.argmax(-1).equal(nearest)


@silent
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_types_are_kept_and_excluded_categories_stay_out(kind, dtype):
    """Weights and gradients have the type of the logits; -inf has weight 0 and gradient 0 at any temperature."""
    for temperature in (1e-18, 0.3, 1e18):
        logits, g = draw(50, 5, dtype=dtype)
        barred = logits.detach().index_fill(-1, torch.tensor([2]), -float("inf")).requires_grad_()
        out = kind(temperature)(barred, None, STEP)
        (at,) = torch.autograd.grad(out.weights, barred, g)
        assert (out.weights.dtype, at.dtype) == (dtype, dtype)
        assert not out.weights[:, 2].any()
        assert not at.isnan().any()
        assert not at[:, 2].any()


@silent
@pytest.mark.parametrize("shape", [(4,), (0, 4), (2, 3, 4), (2, 0, 3, 4)], ids=str)
def test_leading_axes_are_vectors_one_by_one(kind, shape):
    """Any leading shape, the empty one too, gives what its rows give alone."""
    logits, _ = draw(*shape)
    out = kind(0.5)(logits, None, STEP)
    assert (out.weights.shape, out.indices.shape) == (shape, shape[:-1])
    rows = kind(0.5)(logits.reshape(-1, 4), None, STEP)
    assert out.weights.reshape(-1, 4).equal(rows.weights)


@pytest.mark.parametrize("kind", [IndexBackpropagation, SoftAssignment, BlahutArimoto, GumbelSoftmax])
def test_the_temperature_follows_its_schedule_and_learns(kind):
    """Weights depend on the step through the schedule; a learned factor gets the derivative, by differences."""
    logits, g = draw(8, 5)
    noise = uniform(new_key(0), [8, 5]).double()
    relaxation = kind(Exponential(1.0, 0.25, 10), learnable=True)
    soft = kind(Exponential(1.0, 0.25, 10), learnable=True, **({"hard": False} if kind is GumbelSoftmax else {}))
    soft = SoftAssignment(Exponential(1.0, 0.25, 10), learnable=True) if kind is IndexBackpropagation else soft
    log_scale = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    (at,) = torch.autograd.grad((relaxation(logits, noise, torch.tensor(5), log_scale).weights * g).sum(), log_scale)
    above, below = (
        (soft(logits, noise, torch.tensor(5), log_scale.detach() + change).weights * g).sum().item()
        for change in (1e-5, -1e-5)
    )
    assert at.item() == pytest.approx((above - below) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("kind", [*SILENT, ReinMax, GumbelSoftmax])
def test_it_is_a_relaxation_that_says_whether_it_draws(kind):
    """Layers ask its type, and whether to draw noise for it; the first argument is the temperature."""
    assert isinstance(kind(0.7), Relaxation)
    assert kind(0.7).draws == (kind not in SILENT)
    assert kind(0.7).temperature_at(torch.tensor(99)).item() == pytest.approx(0.7)
    with pytest.raises(UsageError, match="temperature"):
        kind(-1.0)


def test_a_decay_out_of_range_is_refused():
    """1 would never learn, and negative ones are no average."""
    for bad in (1.0, -0.1, float("nan"), "slow"):
        with pytest.raises(UsageError, match="decay"):
            BlahutArimoto(decay=bad)
