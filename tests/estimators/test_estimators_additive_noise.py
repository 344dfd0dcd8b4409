"""Additive noise: uniform, of the width asked for or of the error at hand, and an exact derivative."""

from __future__ import annotations

import torch
from scipy import stats

from zador.estimators import AdditiveNoise
from zador.noise import new_key, uniform

N = 20_000


def test_noise_is_uniform_in_a_cell_of_the_grid():
    """The noise against the uniform law in [-Δ/2, Δ/2), Kolmogorov–Smirnov at 1e-4, whatever q."""
    x = torch.randn(N, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = AdditiveNoise(width=0.5)(x, x + 7, uniform(new_key(0), [N, 1]))
    assert stats.kstest(((y - x) / 0.5 + 0.5)[:, 0].numpy(), "uniform").pvalue > 1e-4


def test_without_a_width_the_mean_squared_error_is_that_of_quantization():
    """E ||y - x||² = ||q - x||² for vectors of any error, five standard errors wide."""
    for size in (1e-12, 0.3, 1e12):
        x = torch.zeros(N, 3, dtype=torch.float64)
        q = torch.tensor([[1.0, -2.0, 2.0]], dtype=torch.float64).expand(N, 3) * size
        squared = ((AdditiveNoise()(x, q, uniform(new_key(1), [N, 3])) / size) ** 2).sum(1)
        assert abs(squared.mean() - 9.0) <= 5 * squared.std() / N**0.5


def test_the_gradient_is_that_of_the_loss_that_the_noise_smooths():
    """d/dx E f(x + Δ(U - ½)) = [f(x + Δ/2) - f(x - Δ/2)] / Δ: the mean gradient at x = 0.4, five standard errors wide."""
    width, x = 0.8, torch.full((N, 1), 0.4, dtype=torch.float64, requires_grad=True)
    y = AdditiveNoise(width=width)(x, x.detach(), uniform(new_key(2), [N, 1]))
    (at,) = torch.autograd.grad((y.sin() + y**3).sum(), x)
    ends = torch.tensor([0.4 + width / 2, 0.4 - width / 2], dtype=torch.float64)
    above, below = (ends.sin() + ends**3).tolist()
    assert abs(at.mean() - (above - below) / width) <= 5 * at.std() / N**0.5


def test_no_gradient_goes_to_the_codeword():
    """Neither with a width nor through the error that gives one."""
    q = torch.ones(5, 2, requires_grad=True)
    for estimator in (AdditiveNoise(), AdditiveNoise(width=1.0)):
        y = estimator(torch.zeros(5, 2, requires_grad=True), q, uniform(new_key(0), [5, 2]))
        assert torch.autograd.grad(y.sum(), q, allow_unused=True) == (None,)
