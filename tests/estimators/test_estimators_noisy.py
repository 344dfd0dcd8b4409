"""What every noisy estimator promises: shapes, types, transforms, and values whose derivative is the gradient."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from zador.errors import DataError, UsageError
from zador.estimators import NSVQ, AdditiveNoise, DiVeQ, NoisyEstimator
from zador.noise import new_key, uniform

NOISY = {
    "nsvq": NSVQ(),
    "diveq": DiVeQ(),
    "diveq-wide": DiVeQ(variance=0.5),
    "noise": AdditiveNoise(),
    "noise-given": AdditiveNoise(width=0.3),
}
every_one = pytest.mark.parametrize("estimator", NOISY.values(), ids=NOISY)


def draw(*shape, dtype=torch.float64, seed=0):
    """Return x and q that ask for a gradient, noise, and g."""
    generator = torch.Generator().manual_seed(seed)
    x, step, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(3))
    q = (x + 0.5 * step).to(dtype)
    return x.to(dtype).requires_grad_(), q.requires_grad_(), uniform(new_key(seed), list(shape)), g.to(dtype)


def gradients(estimator, x, q, noise, g):
    """Return y and the gradients at x and q when g arrives at y."""
    y = estimator(x, q, noise)
    return y, *torch.autograd.grad(y, [x, q], g, allow_unused=True, materialize_grads=True)


@every_one
def test_it_is_a_noisy_estimator_with_a_seed(estimator):
    """A layer tells it apart by its type and draws its noise from its seed; nothing of it can be changed."""
    assert isinstance(estimator, NoisyEstimator)
    assert dataclasses.replace(estimator, seed=3).seed == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimator.seed = 1


@every_one
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_types_are_kept_and_half_precision_is_rounded_once(estimator, dtype):
    """Value and gradients have the types of q and x; for half precision they are those of float32, rounded."""
    x, q, noise, g = draw(30, 4, dtype=dtype)
    found = gradients(estimator, x, q, noise, g)
    assert {each.dtype for each in found} == {dtype}
    if dtype.itemsize == 2:
        wide = [each.detach().float() for each in (x, q, g)]
        y, at_x, at_q = gradients(estimator, wide[0].requires_grad_(), wide[1].requires_grad_(), noise, wide[2])
        assert all(one.equal(other.to(dtype)) for one, other in zip(found, (y, at_x, at_q), strict=True))


@every_one
@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 5, 3), (2, 0, 3), (4, 0), (7, 1)], ids=str)
def test_leading_axes_are_vectors_one_by_one(estimator, shape):
    """Any leading shape gives what its rows give alone; nothing in gives nothing out."""
    x, q, noise, g = draw(*shape)
    whole = [each.reshape(-1, shape[-1]) for each in gradients(estimator, x, q, noise, g)] if shape[-1] else []
    assert estimator(x, q, noise).shape == shape
    rows = [each.detach().reshape(-1, shape[-1]) for each in (x, q, noise, g)] if shape[-1] else [[]] * 4
    for n, (x_row, q_row, noise_row, g_row) in enumerate(zip(*rows, strict=True)):
        alone = gradients(estimator, x_row.requires_grad_(), q_row.requires_grad_(), noise_row, g_row)
        assert all(one[n].equal(other) for one, other in zip(whole, alone, strict=True))


@every_one
def test_a_vector_on_its_codeword_stays_there(estimator):
    """At q = x the error is 0: y is x, unless the width of the noise was given; its gradient is g, and none at q."""
    x, _, noise, g = draw(6, 3)
    q = x.detach().clone().requires_grad_()
    y, at_x, at_q = gradients(estimator, x, q, noise, g)
    assert y.equal(x) == (estimator != NOISY["noise-given"])
    assert at_x.equal(g)
    assert not at_q.any()


@every_one
def test_every_uniform_number_will_do(estimator):
    """Exact zeros, and the largest number below 1, give finite values and gradients, also all in one vector."""
    x, q, _, g = draw(3, 2, dtype=torch.float32)
    noise = torch.tensor([[0.0, 0.0], [1 - 2.0**-24, 0.0], [0.5, 0.5]])
    assert all(each.isfinite().all() for each in gradients(estimator, x, q, noise, g))


@every_one
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.long)])
def test_compiled_with_its_noise_is_eager(estimator, backend):
    """Noise, value and gradients in one graph."""
    torch._dynamo.reset()
    x, q, _, g = draw(20, 4, dtype=torch.float32)

    def step(x, q, key):
        return estimator(x, q, uniform(key, list(x.shape)))

    results = []
    for run in (step, torch.compile(step, fullgraph=True, backend=backend)):
        y = run(x, q, new_key(5))
        results.append((y, *torch.autograd.grad(y, [x, q], g, allow_unused=True, materialize_grads=True)))
    for theirs, ours in zip(*results, strict=True):
        # Sums of four numbers in another order, of values and gradients of size 1 to 10.
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@every_one
def test_function_transforms_agree_with_autograd(estimator):
    """torch.func.grad, and vmap over it, give the gradients of backward()."""
    x, q, noise, g = draw(6, 4)
    _, *expected = gradients(estimator, x, q, noise, g)
    both = torch.func.grad(lambda x, q, noise, g: (estimator(x, q, noise) * g).sum(), argnums=(0, 1))
    found = torch.vmap(both)(x.detach(), q.detach(), noise, g)
    torch.testing.assert_close(list(found), expected)


@every_one
def test_shapes_that_differ_are_refused(estimator):
    """Noise for another batch is a one-line error that says how to draw it."""
    with pytest.raises(DataError, match=r"\(4, 3\), \(4, 3\) and \(4, 1\); draw the noise"):
        estimator(torch.zeros(4, 3), torch.zeros(4, 3), torch.zeros(4, 1))
    with pytest.raises(DataError, match=r"\(4, 3\), \(3,\) and \(4, 3\)"):
        estimator(torch.zeros(4, 3), torch.zeros(3), torch.zeros(4, 3))


def test_nonsense_is_refused_where_it_is_written():
    """Variances and widths that are none."""
    for bad in (-1.0, float("nan"), float("inf"), "wide"):
        with pytest.raises(UsageError, match="variance"):
            DiVeQ(variance=bad)
        with pytest.raises(UsageError, match="width"):
            AdditiveNoise(width=bad)
    with pytest.raises(UsageError, match="width"):
        AdditiveNoise(width=0.0)
