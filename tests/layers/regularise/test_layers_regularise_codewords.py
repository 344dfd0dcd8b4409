"""Orthogonal, Wasserstein and MMD: losses that lay codewords out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import zador
from references import gaussian_transport
from references import soft_assignment as reference
from zador.codebooks import ALONE, Gradient
from zador.layers import MMD, Batch, GaussianKernel, Orthogonal, Wasserstein, energy_kernel
from zador.layers.regularise.wasserstein import gaussian_wasserstein


def drawn(rows, dim=3, seed=0):
    return torch.randn(rows, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def code_of(codewords):
    """Return the code of a layer with these codewords."""
    return zador.vq(codewords.shape[1], len(codewords), learner=Gradient(start=codewords)).quantizer


def batch(rows, step=0):
    return Batch(None, rows, torch.tensor(step), ALONE)


def cosines(c):
    unit = c / c.norm(dim=1, keepdim=True)
    return (unit @ unit.T - torch.eye(len(c), dtype=c.dtype)).pow(2).sum()


@pytest.mark.parametrize("size", [2, 3, 7])
def test_orthogonal_is_the_mean_square_of_the_cosines(size):
    """`Σ_{j≠k} cos² / K²`, whichever of the two Gram matrices is smaller, with its gradient."""
    code = code_of(drawn(size))
    (gradient,) = torch.autograd.grad(Orthogonal(weight=2.0)(drawn(1), code, batch(1)), code.table.codewords)
    c = drawn(size).requires_grad_()
    expected = 2.0 * cosines(c) / size**2
    torch.testing.assert_close(Orthogonal(weight=2.0)(drawn(1), code, batch(1)), expected)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, c)[0])


def test_orthogonal_is_least_where_directions_are_spread_evenly():
    """No codebook is below `1/d - 1/K`; a tight frame attains it."""
    angles = torch.arange(5, dtype=torch.float64) * torch.pi / 5
    frame = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.arange(1.0, 6.0)[:, None]
    rule = Orthogonal()
    torch.testing.assert_close(rule(drawn(1), code_of(frame), batch(1)).item(), 1 / 2 - 1 / 5)
    assert all(rule(drawn(1), code_of(drawn(5, 2, seed)), batch(1)) > 1 / 2 - 1 / 5 for seed in range(5))


def test_orthogonal_of_used_codewords_leaves_out_the_others():
    """Those that no vector of the window chose add nothing, and get no gradient."""
    c = drawn(6)
    code = code_of(c)
    code.table.tally.add(torch.tensor([1.0, 0.0, 2.0, 0.0, 0.0, 3.0]))
    loss = Orthogonal(used_only=True)(drawn(1), code, batch(1))
    torch.testing.assert_close(loss, cosines(c[[0, 2, 5]]) / 9)
    (gradient,) = torch.autograd.grad(loss, code.table.codewords)
    assert gradient.any(dim=1).tolist() == [True, False, True, False, False, True]


def test_orthogonal_of_some_codewords_draws_others_at_every_step():
    """The mean over draws of m is that of all pairs, to the spread of the draws."""
    c = drawn(12)
    some = torch.stack([Orthogonal(at_most=4)(drawn(1), code_of(c), batch(1, step)) for step in range(300)]).detach()
    # Of 4 · 3 pairs divided by 4², all pairs being as likely: 12 / 16 times the mean over pairs.
    expected = cosines(c) / (12 * 11) * 12 / 16
    assert abs(some.mean() - expected) < 4 * some.std() / 300**0.5
    assert some.std() > 0


@pytest.mark.parametrize(("size", "dim"), [(40, 4), (6, 5), (6, 1)])
def test_wasserstein_is_the_distance_between_normal_laws(size, dim):
    """By matrix roots of the definition."""
    z, c = drawn(500, dim) * torch.arange(1.0, dim + 1) + 3, drawn(size, dim, seed=1) @ drawn(dim, dim, seed=2)
    mean, covariance = gaussian_transport.moments(z.numpy())
    other = c.mean(0).numpy(), np.atleast_2d(np.cov(c.numpy().T, bias=True))
    expected = gaussian_transport.squared_distance((mean, covariance), other)
    found = Wasserstein(weight=1.0)(z, code_of(c), batch(500)).item()
    assert found == pytest.approx(expected, rel=1e-9)


def test_wasserstein_of_codewords_without_extent_is_known_in_closed_form():
    """One codeword: `|μ - c|² + tr Σ`; two at ±a from the mean: `(σ_a - |a|)²` along them, and the rest of the trace."""
    mean, covariance = drawn(1)[0], torch.diag(torch.tensor([4.0, 1.0, 9.0], dtype=torch.float64))
    c = drawn(1, seed=1)
    torch.testing.assert_close(gaussian_wasserstein(c, mean, covariance), ((mean - c) ** 2).sum() + 14)
    pair = mean + torch.tensor([[5.0, 0.0, 0.0], [-5.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(gaussian_wasserstein(pair, mean, covariance).item(), (2.0 - 5.0) ** 2 + 10)


def test_published_code_is_right_only_where_covariances_commute():
    """`eigh` of Σ_z Σ_c: exact for two diagonal matrices, not for two that are turned, where ours still is."""
    diagonal = np.diag([9.0, 4.0, 1.0]), np.diag([2.0, 0.5, 1.0])
    quarter = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2**0.5]]) / 2**0.5
    turned = diagonal[0], quarter @ diagonal[0] @ quarter.T
    off = []
    for a, b in (diagonal, turned):
        first, second = (np.zeros(3), a), (np.zeros(3), b)
        exact = gaussian_transport.squared_distance(first, second)
        off.append(abs(gaussian_transport.by_eigh_of_the_product(first, second) - exact) / exact)
        # Three pairs of codewords, opposite to each other: their covariance is b.
        half = torch.from_numpy(np.linalg.cholesky(3 * b)).T
        found = gaussian_wasserstein(torch.cat([half, -half]), torch.zeros(3).double(), torch.from_numpy(a))
        assert found.item() == pytest.approx(exact, rel=1e-10)
    assert off[0] < 1e-12
    assert off[1] > 0.1


@pytest.mark.parametrize(("size", "dim"), [(9, 3), (3, 5), (2, 1)])
def test_the_gradient_of_wasserstein_is_the_derivative(size, dim):
    """Finite differences of the closed form agree, for fewer codewords than dimensions too."""
    a = drawn(dim, dim, seed=2)
    law = drawn(1, dim, seed=3)[0], a @ a.T
    assert torch.autograd.gradcheck(lambda c: gaussian_wasserstein(c, *law), drawn(size, dim).requires_grad_())


@pytest.mark.parametrize("collapsed", [0.0, 1e-9, 1e-200])
def test_the_gradient_of_wasserstein_is_finite_for_collapsed_laws(collapsed):
    """All codewords in one place, in a line, or vectors in one place: finite, and no longer than the distances are."""
    z, c = drawn(50), drawn(8, seed=1)
    line = c * torch.tensor([1.0, 0.0, 0.0])
    for vectors, codewords in ((z, c * collapsed), (z * collapsed, c), (z, line), (z * collapsed, line * collapsed)):
        code = code_of(codewords)
        loss = Wasserstein(weight=1.0)(vectors, code, batch(50))
        (gradient,) = torch.autograd.grad(loss, code.table.codewords)
        assert gradient.isfinite().all()
        # (2 / K) ||c - T c||, of vectors and codewords no farther than 5 from the origin.
        assert gradient.norm(dim=1).max() <= 2 / 8 * 10
        assert loss >= 0


def test_wasserstein_brings_a_far_codebook_home():
    """From N(0, I) to vectors at offset 8: the codebook loss alone moves a few, with this one nearly all serve."""
    z = (drawn(1024, 4) @ drawn(4, 4, seed=2) + 8).float()
    used = []
    for rule in ([], [Wasserstein()]):
        layer = zador.vq(4, 64, learner=Gradient(start=drawn(64, 4, 5).float(), revive=None), regularisers=rule)
        optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
        for _ in range(150):
            optimiser.zero_grad()
            layer(z).loss.backward()
            optimiser.step()
        used.append(len(layer.encode(z).unique()))
    assert used[0] < 16
    assert used[1] > 56


def test_mmd_with_the_energy_kernel_is_the_energy_distance():
    """`2 E|z - c| - E|z - z'| - E|c - c'|` over different pairs, one at a time; the gradient is that of the codewords."""
    z, c = drawn(9) + 50, (drawn(6, seed=1) + 50)
    code = code_of(c)
    loss = MMD(weight=1.0, vectors=9)(z, code, batch(9))
    c.requires_grad_()
    expected = reference.energy_distance(z, c)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-11)
    gradients = torch.autograd.grad(loss, code.table.codewords) + torch.autograd.grad(expected, c)
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-10)


def test_mmd_is_unbiased_or_at_least_zero():
    """Two samples of one law: on average 0 without the diagonals, never negative with them; of two laws, positive."""
    for kernel in (energy_kernel, GaussianKernel()):
        found = {True: [], False: []}
        for seed in range(200):
            z, code = drawn(16, seed=2 * seed), code_of(drawn(8, seed=2 * seed + 1))
            for unbiased, values in found.items():
                rule = MMD(weight=1.0, kernel=kernel, unbiased=unbiased, vectors=16)
                values.append(rule(z, code, batch(16)).item())
        fair = np.array(found[True])
        assert abs(fair.mean()) < 4 * fair.std() / 200**0.5
        assert min(found[False]) >= -1e-12
        assert MMD(weight=1.0, kernel=kernel)(z + 3, code, batch(16)) > 10 * fair.std()


def test_mmd_survives_codewords_that_coincide():
    """The root of the distance 0 has gradient 0, not infinity."""
    code = code_of(torch.zeros(4, 3, dtype=torch.float64))
    loss = MMD()(drawn(9), code, batch(9))
    assert torch.autograd.grad(loss, code.table.codewords)[0].isfinite().all()


def test_mmd_of_some_codewords_draws_others_at_every_step():
    """The mean over draws is the value of all codewords, to the spread of the draws."""
    z, code = drawn(20) + 1, code_of(drawn(16, seed=1))
    some = torch.stack([MMD(weight=1.0, vectors=20, codewords=5)(z, code, batch(20, step)) for step in range(300)]).detach()
    assert abs(some.mean() - MMD(weight=1.0)(z, code, batch(20))) < 4 * some.std() / 300**0.5
    assert some.std() > 0
