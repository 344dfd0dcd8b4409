"""NSVQ: an error of the right length in a random direction, and its derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import ndtri

from references.estimators import substituted_backward
from zador.estimators import NSVQ
from zador.noise import new_key, uniform


def draw(*shape, dtype=torch.float64, seed=0):
    """Return x and q that ask for a gradient, noise, and g."""
    generator = torch.Generator().manual_seed(seed)
    x, q, g = (torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype) for _ in range(3))
    return x.requires_grad_(), q.requires_grad_(), uniform(new_key(seed), list(shape)), g


def test_value_and_gradients_follow_the_closed_form():
    """Row by row the reference's matrices, in float64."""
    x, q, noise, g = draw(20, 5)
    y = NSVQ()(x, q, noise)
    at = torch.autograd.grad(y, [x, q], g)
    for n in range(20):
        expected = substituted_backward(x[n].detach(), q[n].detach(), ndtri(noise[n].double().numpy()), g[n])
        for ours, theirs in zip((y[n].detach(), at[0][n], at[1][n]), expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-9, atol=1e-12)


def test_gradients_are_derivatives():
    """`gradcheck`, the direction held fixed by the noise: finite differences in x and in q."""
    x, q, noise, _ = draw(4, 3)
    assert torch.autograd.gradcheck(lambda x, q: NSVQ()(x, q, noise), (x, q))


def test_directions_are_uniform_on_the_sphere():
    """20,000 directions in the plane: their angles against the uniform law, Kolmogorov–Smirnov at 1e-4."""
    x, q = torch.zeros(20_000, 2), torch.tensor([[3.0, 4.0]]).expand(20_000, 2)
    y = NSVQ()(x, q, uniform(new_key(1), [20_000, 2]))
    torch.testing.assert_close(y.norm(dim=1), torch.full((20_000,), 5.0))
    angles = torch.atan2(y[:, 1], y[:, 0]).double().numpy()
    assert stats.kstest((angles / np.pi + 1) / 2, "uniform").pvalue > 1e-4


def test_the_mean_gradient_is_straight_through():
    """For a g that does not depend on the noise: g at x and 0 at q, five standard errors wide."""
    x, q, g = (row.expand(20_000, 3).detach().requires_grad_() for row in (draw(3)[0], draw(3)[1], draw(3)[3]))
    y = NSVQ()(x, q, uniform(new_key(2), [20_000, 3]))
    for at, mean in zip(torch.autograd.grad(y, [x, q], g.detach()), (g[0].detach(), torch.zeros(3)), strict=True):
        assert ((at.mean(0) - mean).abs() <= 5 * at.std(0) / 20_000**0.5).all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_size_of_the_error_does_not_matter(size):
    """Errors whose squares leave single precision have the gradients of errors of size 1, and their own length."""
    _, q, noise, g = draw(9, 3, dtype=torch.float32)
    zero = torch.zeros(9, 3, requires_grad=True)
    one = torch.autograd.grad(NSVQ()(zero, q, noise), [zero, q], g)
    scaled = (q.detach() * size).requires_grad_()
    y = NSVQ()(zero, scaled, noise)
    # Multiplying by the size rounds q once more; a direction changes by a few roundings.
    torch.testing.assert_close(torch.autograd.grad(y, [zero, scaled], g), one, rtol=1e-5, atol=1e-5)
    lengths = (y.detach().double() / size).norm(dim=1)
    torch.testing.assert_close(lengths, q.detach().double().norm(dim=1), rtol=1e-5, atol=0)
