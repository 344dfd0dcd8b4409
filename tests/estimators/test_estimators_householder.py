"""The Householder variant: one reflection from x̂ to q̂, its length, and what happens where the formula has no value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from references.estimators import backward, reflection_matrix, stretch
from zador.estimators import householder, householder_without_rescaling, rotation_trick

ROUNDING = 2.0**-23
BOTH = [householder, householder_without_rescaling]

both = pytest.mark.parametrize("estimator", BOTH, ids=lambda function: function.__name__)
triples = st.integers(2, 9).flatmap(
    lambda dim: arrays(np.float32, (3, dim), elements=st.floats(-8, 8, width=32, allow_subnormal=False))
)
sizes = st.floats(-30, 30).map(lambda power: 10.0**power)


def gradient(estimator, x, q, g):
    """Return the gradient at x when g arrives at y."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(estimator(x, q), x, g)[0]


def step(x, q):
    """Return x̂ - q̂ in float64: its length is 0 where H jumps."""
    x, q = np.asarray(x, np.float64), np.asarray(q, np.float64)
    return x / np.linalg.norm(x) - q / np.linalg.norm(q)


@given(triples, sizes, sizes)
def test_it_is_the_reflection_matrix_whatever_the_sizes(triple, x_size, q_size):
    """The backward is H g, and λ H g with rescaling, by the reference's matrix; norms from 1e-30 to 1e30.

    d products and a dozen operations round; what they do to v grows as 1 / ||x̂ - q̂||. Coordinates below 1e-38 lose digits
    to the format itself.
    """
    x, q, g = triple
    assume(min(np.abs(x).max(), np.abs(q).max()) > 1e-2 and np.linalg.norm(step(x, q)) > 1e-2)
    x, q = (x * np.float32(x_size / 8)).astype(np.float32), (q * np.float32(q_size / 8)).astype(np.float32)
    expected = backward(reflection_matrix(step(x, q)), g)
    size = np.linalg.norm(g.astype(np.float64))
    bound = (len(x) + 32) * ROUNDING * (1 + 4 / np.linalg.norm(step(x, q))) * size + 1e-44
    ours = gradient(householder_without_rescaling, *map(torch.from_numpy, (x, q, g))).numpy()
    assert np.abs(ours - expected).max() <= bound
    if 1e-6 < stretch(x, q) < 1e6:
        ours = gradient(householder, *map(torch.from_numpy, (x, q, g))).numpy()
        assert np.abs(ours - stretch(x, q) * expected).max() <= stretch(x, q) * bound + 1e-44


@given(triples)
def test_twice_is_the_identity_and_lengths_are_kept(triple):
    """H H = I, ||H g|| = ||g||, and the gradient stands to x as g stands to q."""
    x, q, g = (torch.from_numpy(row).double() for row in triple)
    assume(x.norm() > 1e-3 and q.norm() > 1e-3)
    assume(np.linalg.norm(step(x, q)) > 1e-6)
    once = gradient(householder_without_rescaling, x, q, g)
    slack = 1e-8 * (1 + g.norm())
    assert (gradient(householder_without_rescaling, x, q, once) - g).norm() <= slack
    assert abs(once.norm() - g.norm()) <= slack
    assert abs(once @ x / x.norm() - g @ q / q.norm()) <= slack
    torch.testing.assert_close(gradient(householder, x, q, g), once * q.norm() / x.norm(), rtol=1e-12, atol=1e-12)


def test_x_is_taken_to_q():
    """λ H x = q, seen from outside: the Jacobian of the backward, transposed, times x."""
    x, q = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = [gradient(householder, x, q, unit) for unit in torch.eye(5, dtype=torch.float64)]
    torch.testing.assert_close(torch.stack(rows) @ x, q, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dim", [1, 2, 3, 7])
def test_along_the_codeword_it_is_the_mean_over_all_directions(dim):
    """Where x̂ = q̂ the gradient is what random directions of approach give on average, five standard errors wide."""
    generator = torch.Generator().manual_seed(dim)
    g, q = torch.randn(2, dim, generator=generator, dtype=torch.float64)
    directions = torch.randn(4000, dim, generator=generator, dtype=torch.float64)
    near = gradient(
        householder_without_rescaling, q + 1e-6 * q.norm() * directions, q.expand(4000, dim), g.expand(4000, dim)
    )
    error = near.std(0) / 4000**0.5
    exact = gradient(householder_without_rescaling, 3 * q, q, g)
    assert ((near.mean(0) - exact).abs() <= 5 * error + 1e-5 * g.norm()).all()
    assert abs(exact @ q - g @ q) < 1e-12 * q.norm()
    torch.testing.assert_close(gradient(householder, 2 * q, q, g), exact / 2, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("factor", [3.0, 0.1, 7.7])
def test_parallel_to_rounding_is_parallel(factor):
    """Single precision divides 3 x by its length to something that is not quite x̂: that difference is no direction."""
    generator = torch.Generator().manual_seed(0)
    x, g = torch.randn(2, 200, 6, generator=generator)
    q = factor * x
    expected = gradient(householder_without_rescaling, x, x, g)
    close = gradient(householder_without_rescaling, x, q, g)
    assert ((close - expected).norm(dim=1) <= 64 * ROUNDING * g.norm(dim=1)).all()


@both
def test_opposite_vectors_reflect_along_x(estimator):
    """At q̂ = -x̂ H is I - 2 x̂ x̂ᵀ: what the rotation trick does there, and here it is no jump."""
    x = torch.tensor([[3.0, 0.0, 4.0]], dtype=torch.float64)
    g = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    at = gradient(estimator, x, -2 * x, g)
    if estimator is householder:
        torch.testing.assert_close(at, gradient(rotation_trick, x, -2 * x, g))
    near = gradient(estimator, x, -2 * x + 1e-7 * torch.tensor([0.0, 1.0, 0.0]), g)
    torch.testing.assert_close(near, at, rtol=0, atol=1e-6)


@both
def test_zeros_turn_nothing(estimator):
    """Zero x gives g; zero q gives 0 with rescaling and g without; the rows beside them are not touched."""
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    q, g = torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]), torch.tensor([[5.0, -6.0], [2.0, 1.0], [7.0, 8.0]])
    back = gradient(estimator, x, q, g)
    assert back[0].tolist() == [5.0, -6.0]
    torch.testing.assert_close(back[1], torch.tensor([1.0, 2.0]))
    assert back[2].tolist() == ([0.0, 0.0] if estimator is householder else [7.0, 8.0])


def test_one_coordinate_turns_by_a_sign():
    """With d = 1 the only reflections are ±1: the gradient is g q / x."""
    x, q, g = torch.tensor([[2.0], [-2.0], [0.5]]), torch.tensor([[1.0], [1.0], [-4.0]]), torch.tensor([[3.0], [3.0], [3.0]])
    torch.testing.assert_close(gradient(householder, x, q, g), g * q / x, rtol=4 * ROUNDING, atol=0)


def test_a_stretch_beyond_the_format_saturates():
    """λ = 1e60 is the largest float32, never NaN."""
    x, q, g = torch.tensor([[1e-30, 0.0]]), torch.tensor([[0.0, 1e30]]), torch.tensor([[0.0, 1e-9]])
    back = gradient(householder, x, q, g)
    assert back[0, 0].item() == pytest.approx(torch.finfo(torch.float32).max * 1e-9, rel=1e-5)
    assert back.isfinite().all()


def test_not_a_number_stays_in_its_row():
    """A vector that is NaN gets a NaN gradient; its neighbours do not."""
    x, q, g = torch.ones(3, 2), torch.tensor([[1.0, 2.0]]).repeat(3, 1), torch.ones(3, 2)
    x[1, 0] = float("nan")
    back = gradient(householder, x, q, g)
    assert back[1].isnan().all()
    assert back[[0, 2]].isfinite().all()


def test_next_to_the_codeword_the_angle_is_still_kept():
    """At angles of 1e-6 single precision hardly knows v, but v is orthogonal to q̂: what g has along q̂ stays."""
    generator = torch.Generator().manual_seed(2)
    x, step, g = torch.randn(3, 500, 5, generator=generator)
    q = x + 2e-6 * step
    back = gradient(householder_without_rescaling, x, q, g).double()
    along = (back * x).sum(1) / x.double().norm(dim=1) - (g.double() * q).sum(1) / q.double().norm(dim=1)
    assert (along.abs() <= 64 * ROUNDING * g.norm(dim=1)).all()
