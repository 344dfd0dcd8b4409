"""DiVeQ: next to the codeword, with a derivative at both ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from references.estimators import substituted_backward
from zador.estimators import NSVQ, DiVeQ
from zador.noise import new_key, uniform


def draw(*shape, seed=0):
    """Return x and q that ask for a gradient, noise, and g, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    x, q, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(3))
    return x.requires_grad_(), q.requires_grad_(), uniform(new_key(seed), list(shape)).double(), g


@pytest.mark.parametrize("variance", [1e-3, 0.4])
def test_value_and_gradients_follow_the_closed_form(variance):
    """Row by row the reference's matrices, for the direction q - x + v."""
    x, q, noise, g = draw(20, 5)
    y = DiVeQ(variance=variance)(x, q, noise)
    at = torch.autograd.grad(y, [x, q], g)
    for n in range(20):
        towards = (q[n] - x[n]).detach().numpy() + variance**0.5 * ndtri(noise[n].numpy())
        expected = substituted_backward(x[n].detach(), q[n].detach(), towards, g[n])
        for ours, theirs in zip((y[n].detach(), at[0][n], at[1][n]), expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-9, atol=1e-12)


def test_without_noise_the_gradient_is_shared_out():
    """At σ = 0 y is q to rounding; g along the error goes to q, the rest to x, and nothing is lost."""
    x, q, noise, g = draw(20, 5)
    y = DiVeQ(variance=0.0)(x, q, noise)
    at_x, at_q = torch.autograd.grad(y, [x, q], g)
    torch.testing.assert_close(y, q, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(at_x + at_q, g, rtol=1e-13, atol=1e-13)
    error = (q - x).detach()
    assert (at_x * error).sum(1).abs().max() < 1e-13 * error.norm(dim=1).max() * g.norm(dim=1).max()


def test_with_much_noise_it_is_noise_substitution():
    """At σ -> infinity the error is no part of the direction any more."""
    x, q, noise, g = draw(20, 5)
    wide, other = DiVeQ(variance=1e24)(x, q, noise), NSVQ()(x, q, noise)
    torch.testing.assert_close(wide, other, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(torch.autograd.grad(wide, x, g), torch.autograd.grad(other, x, g), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variance", [0.0, 5e-3, 0.3])
def test_it_is_what_its_author_wrote_elsewhere(variance, monkeypatch):
    """`directional_reparam` of vector-quantize-pytorch, given the same normal numbers: the same value and gradients."""
    theirs = pytest.importorskip("vector_quantize_pytorch.vector_quantize_pytorch").directional_reparam
    x, q, noise, g = draw(20, 5, seed=3)
    monkeypatch.setattr(torch, "randn_like", lambda _: torch.special.ndtri(noise))
    y, other = DiVeQ(variance=variance)(x, q, noise), theirs(x, q, variance)
    torch.testing.assert_close(y, other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(y, [x, q], g), torch.autograd.grad(other, [x, q], g), rtol=1e-12, atol=1e-12
    )
