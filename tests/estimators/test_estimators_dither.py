"""Subtractive dither: a grid in effect everywhere at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from zador.errors import DataError, UsageError
from zador.estimators import AdditiveNoise, dithered
from zador.noise import new_key, uniform

N = 20_000
WIDTH = 0.7


@pytest.mark.parametrize("x", [0.0, 0.2, 123.456])
def test_the_error_is_uniform_whatever_is_quantized(x):
    """For a constant x, which a plain grid quantizes to one value: Kolmogorov–Smirnov against the uniform law at 1e-4."""
    signal = torch.full((N,), x, dtype=torch.float64)
    error = dithered(signal, WIDTH, uniform(new_key(0), [N])) - signal
    assert stats.kstest((error / WIDTH + 0.5).numpy(), "uniform").pvalue > 1e-4


def test_the_error_says_nothing_about_the_signal():
    """Errors at 0 and at Δ/2 have one law: two-sample Kolmogorov–Smirnov; the plain grid makes errors of 0 and Δ/2."""
    low, high = (torch.full((N,), value, dtype=torch.float64) for value in (0.0, WIDTH / 2))
    errors = [(dithered(x, WIDTH, uniform(new_key(seed), [N])) - x).numpy() for seed, x in enumerate((low, high))]
    assert stats.ks_2samp(*errors).pvalue > 1e-4


def test_it_is_the_channel_of_additive_noise():
    """Quantized x has the law of x + Δ (U - ½) jointly with x: two samples of y for normal x."""
    x = torch.randn(N, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    quantized = dithered(x, WIDTH, uniform(new_key(1), [N, 1]))
    noisy = AdditiveNoise(width=WIDTH)(x, x, uniform(new_key(2), [N, 1]))
    assert stats.ks_2samp(quantized[:, 0].numpy(), noisy[:, 0].numpy()).pvalue > 1e-4
    assert abs(np.corrcoef((quantized - x)[:, 0].numpy(), x[:, 0].numpy())[0, 1]) < 5 / N**0.5


def test_values_lie_on_the_shifted_grid_and_the_gradient_crosses():
    """(y / Δ + u) is a whole number, and g comes back as it is."""
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    noise = uniform(new_key(3), [50, 3]).double()
    y = dithered(x, WIDTH, noise)
    numbers = (y / WIDTH + noise).detach()
    torch.testing.assert_close(numbers, numbers.round(), rtol=0, atol=1e-12)
    g = torch.randn(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.autograd.grad(y, x, g)[0].equal(g)
    assert (y - x).abs().max() <= WIDTH / 2 * (1 + 1e-12)


def test_half_precision_is_rounded_once_at_the_end():
    """bfloat16 in and out; the grid in between is that of float32."""
    x = torch.randn(50, generator=torch.Generator().manual_seed(0)).bfloat16()
    noise = uniform(new_key(3), [50])
    assert dithered(x, WIDTH, noise).equal(dithered(x.float(), WIDTH, noise).bfloat16())


def test_it_compiles():
    """Noise, grid and gradient are one graph."""
    torch._dynamo.reset()

    def step(x, key):
        return dithered(x, WIDTH, uniform(key, list(x.shape)))

    x = torch.linspace(-2, 2, 12).reshape(4, 3).requires_grad_()
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    assert compiled(x, new_key(1)).equal(step(x, new_key(1)))


def test_nonsense_is_refused():
    """A width that is none, noise of another shape."""
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="width"):
            dithered(torch.zeros(3), bad, torch.zeros(3))
    with pytest.raises(DataError, match=r"got \(3,\) and \(4,\)"):
        dithered(torch.zeros(3), 1.0, torch.zeros(4))
