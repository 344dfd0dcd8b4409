"""ReinMax: the draw follows softmax(logits), the gradient the closed form, and for quadratic losses its mean is exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from references.estimators import second_order_gradient, softmax
from zador.errors import DataError, UsageError
from zador.estimators import GumbelSoftmax, ReinMax, gumbel_softmax, reinmax
from zador.noise import new_key, uniform


def draw(*shape, dtype=torch.float64, seed=0):
    """Return logits that ask for a gradient, uniform noise and g."""
    generator = torch.Generator().manual_seed(seed)
    logits, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return logits.to(dtype).requires_grad_(), uniform(new_key(seed), list(shape)).to(dtype), g.to(dtype)


def test_indices_follow_the_softmax_and_are_those_of_gumbel_softmax():
    """Chi-square of 40,000 draws at 1e-4; the same noise draws the same as with `gumbel_softmax`."""
    logits, noise = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5]).expand(40_000, 5), uniform(new_key(1), [40_000, 5])
    indices = reinmax(logits, noise, 1.3).indices
    expected = 40_000 * torch.softmax(logits[0].double(), 0).numpy()
    assert stats.chisquare(torch.bincount(indices, minlength=5).numpy(), expected).pvalue > 1e-4
    assert indices.equal(gumbel_softmax(logits, noise, 0.4, hard=True).indices)


@pytest.mark.parametrize("temperature", [1.0, 1.5])
def test_value_and_gradient_follow_the_closed_form(temperature):
    """One-hot to the last bit; row by row the reference's Jacobians, in float64."""
    logits, noise, g = draw(12, 5)
    out = reinmax(logits, noise, temperature)
    assert out.weights.detach().equal(torch.nn.functional.one_hot(out.indices, 5).double())
    (at,) = torch.autograd.grad(out.weights, logits, g)
    for n in range(12):
        expected = second_order_gradient(logits[n].detach().numpy(), out.indices[n].item(), temperature, g[n].numpy())
        np.testing.assert_allclose(at[n].numpy(), expected, rtol=1e-11, atol=1e-14)


def test_for_quadratic_losses_the_mean_over_draws_is_the_gradient():
    """Summed over all categories with their probabilities it is d/dθ Σ π_k f(e_k) for f(w) = wᵀAw + bᵀw, to rounding.

    For cubic losses it is not, and neither is straight-through for the quadratic: the test can tell.
    """
    generator = np.random.default_rng(0)
    theta, b, a = generator.standard_normal(4), generator.standard_normal(4), generator.standard_normal((4, 4))
    weights = softmax(theta)

    def deviation(values, slopes, gradient):
        true = (np.diag(weights) - np.outer(weights, weights)) @ values
        return np.abs(sum(weights[k] * gradient(k, slopes[k]) for k in range(4)) - true).max()

    def ours(k, g):
        # A uniform number next to 1 at k makes k the draw.
        noise = torch.full((4,), 0.5, dtype=torch.float64).index_fill(0, torch.tensor([k]), 1 - 1e-12)
        logits = torch.tensor(theta, requires_grad=True)
        out = reinmax(logits, noise)
        assert out.indices == k
        return torch.autograd.grad(out.weights, logits, torch.tensor(g))[0].numpy()

    quadratic = np.diag(a) + b, [(a + a.T)[k] + b for k in range(4)]
    assert deviation(*quadratic, ours) < 1e-13
    straight = (np.diag(weights) - np.outer(weights, weights)).T
    assert deviation(*quadratic, lambda _, g: straight @ g) > 1e-3
    cube = generator.standard_normal((4, 4))
    assert deviation((cube**3).sum(1), [3 * cube.T**2 @ row for row in cube], ours) > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_types_are_kept_and_excluded_categories_stay_out(dtype):
    """Weights and gradients in the type of the logits, finite; -inf is never drawn, and gets no gradient."""
    logits, noise, g = draw(200, 5, dtype=dtype)
    barred = logits.detach().index_fill(-1, torch.tensor([2]), -float("inf")).requires_grad_()
    out = reinmax(barred, noise.float(), 1.2)
    (at,) = torch.autograd.grad(out.weights, barred, g)
    assert (out.weights.dtype, at.dtype) == (dtype, dtype)
    assert at.isfinite().all()
    assert not at[:, 2].any()
    assert (out.indices != 2).all()


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.long)])
def test_compiled_with_its_noise_is_eager(backend):
    """Noise, draw and gradient in one graph."""
    torch._dynamo.reset()
    logits, _, g = draw(30, 5, dtype=torch.float32)

    def step(logits, key):
        return ReinMax(1.1)(logits, uniform(key, list(logits.shape)), torch.tensor(0))

    results = []
    for run in (step, torch.compile(step, fullgraph=True, backend=backend)):
        out = run(logits, new_key(3))
        results.append((*out, torch.autograd.grad(out.weights, logits, g)[0]))
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_function_transforms_agree_with_autograd():
    """torch.func.grad, and vmap over it, give the gradients of backward()."""
    logits, noise, g = draw(6, 4)
    expected = torch.autograd.grad(reinmax(logits, noise).weights, logits, g)[0]
    one = torch.func.grad(lambda logits, noise, g: (reinmax(logits, noise).weights * g).sum())
    torch.testing.assert_close(torch.vmap(one)(logits.detach(), noise, g), expected)


def test_nonsense_is_refused():
    """Noise of another shape or none, a temperature that is none or is to learn."""
    with pytest.raises(DataError, match=r"got \(2, 3\) and \(3,\)"):
        reinmax(torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(UsageError, match="temperature"):
        reinmax(torch.zeros(2, 3), torch.zeros(2, 3), 0.0)
    with pytest.raises(UsageError, match="gets no gradient"):
        ReinMax(learnable=True)
    for draws in (ReinMax(), GumbelSoftmax()):
        with pytest.raises(DataError, match="this relaxation draws"):
            draws(torch.zeros(2, 3), None, torch.tensor(0))
