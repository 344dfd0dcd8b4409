"""Projection: the part of the gradient along q - x, and no more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from references.estimators import backward, projection_matrix
from zador.estimators import projection

ROUNDING = 2.0**-23

triples = st.integers(1, 9).flatmap(
    lambda dim: arrays(np.float32, (3, dim), elements=st.floats(-8, 8, width=32, allow_subnormal=False))
)


def gradient(x, q, g):
    """Return the gradient at x when g arrives at y."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(projection(x, q), x, g)[0]


@given(triples)
def test_it_is_the_projection_matrix(triple):
    """The backward is (u uᵀ) g, within the rounding of d products and of q - x."""
    x, q, g = triple
    step = q.astype(np.float64) - x
    if not step.any():
        return
    ours = gradient(*map(torch.from_numpy, triple)).numpy()
    # q - x, its scaling, its d squares and the d products with g: each a relative error of half a unit in the last place.
    bound = (2 * len(x) + 8) * ROUNDING * np.linalg.norm(g.astype(np.float64)) + float(
        np.finfo(np.float32).smallest_subnormal
    )
    assert np.abs(ours - backward(projection_matrix(x, q), g)).max() <= bound


@given(triples)
def test_projecting_twice_changes_nothing_and_never_lengthens(triple):
    """P P = P, ||P g|| <= ||g||, and P g is parallel to q - x."""
    x, q, g = (torch.from_numpy(row).double() for row in triple)
    once = gradient(x, q, g)
    if x.equal(q):
        return
    slack = 1e-13 * g.norm()
    assert (gradient(x, q, once) - once).norm() <= slack
    assert once.norm() <= g.norm() + slack
    step = (q - x) / (q - x).abs().max()
    across = once - (once @ step) / (step @ step) * step
    assert across.norm() <= slack


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_at_the_codeword_it_is_the_mean_over_all_directions(dim):
    """At x = q the gradient is g / d: what random directions of approach give on average, five standard errors wide."""
    g = torch.linspace(1, 2, dim, dtype=torch.float64)
    q = torch.full((dim,), 3.0, dtype=torch.float64)
    directions = torch.randn(4000, dim, generator=torch.Generator().manual_seed(dim), dtype=torch.float64)
    near = gradient(q + 1e-6 * directions, q.expand(4000, dim), g.expand(4000, dim))
    error = near.std(0) / 4000**0.5
    assert gradient(q, q, g).equal(g / dim)
    assert ((near.mean(0) - g / dim).abs() <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("size", [1e-30, 1e-38, 1e30])
def test_the_size_of_the_error_does_not_matter(size):
    """Steps whose squares underflow or overflow in float32 have the direction of steps of size 1."""
    step, g = torch.tensor([[3.0, -4.0, 0.0]]), torch.tensor([[1.0, 2.0, 5.0]])
    zero = torch.zeros(1, 3)
    expected = gradient(zero, step, g)
    torch.testing.assert_close(gradient(zero, size * step, g), expected, rtol=8 * ROUNDING, atol=0)


def test_one_coordinate_is_straight_through():
    """With d = 1 there is one line: g -> g wherever x is."""
    x, g = torch.linspace(-2, 2, 9)[:, None], torch.linspace(1, 3, 9)[:, None]
    torch.testing.assert_close(gradient(x, torch.zeros(9, 1), g), g, rtol=4 * ROUNDING, atol=0)
