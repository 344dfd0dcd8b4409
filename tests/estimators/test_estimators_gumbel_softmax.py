"""Gumbel-softmax: the draw follows softmax(logits), the weights and their gradients the closed form, at any temperature."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from references.estimators import relaxed, relaxed_gradients
from zador.errors import DataError, UsageError
from zador.estimators import Constant, Exponential, GumbelSoftmax, gumbel_softmax
from zador.noise import new_key, uniform

both = pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])


def draw(*shape, dtype=torch.float64, seed=0):
    """Return logits that ask for a gradient, uniform noise and g."""
    generator = torch.Generator().manual_seed(seed)
    logits, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return logits.to(dtype).requires_grad_(), uniform(new_key(seed), list(shape)).to(dtype), g.to(dtype)


def test_indices_follow_the_softmax():
    """Chi-square of 40,000 draws from six categories, one of them excluded, at a chance of 1e-4."""
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0, 0.5, -float("inf")])
    indices = gumbel_softmax(logits.expand(40_000, 6), uniform(new_key(1), [40_000, 6]), 0.3, hard=True).indices
    counts = torch.bincount(indices, minlength=6).numpy()
    assert counts[5] == 0
    assert stats.chisquare(counts[:5], 40_000 * torch.softmax(logits.double(), 0)[:5].numpy()).pvalue > 1e-4


@both
def test_weights_and_gradients_follow_the_closed_form(hard):
    """Row by row the reference's softmax and its full Jacobian, for the logits and for the temperature, in float64."""
    logits, noise, g = draw(12, 5)
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    out = gumbel_softmax(logits, noise, temperature, hard=hard)
    out.weights.backward(g)
    total = 0.0
    for n in range(12):
        row = logits[n].detach().numpy(), noise[n].numpy()
        weights, index = relaxed(*row, 0.4)
        assert out.indices[n] == index
        expected = np.eye(5)[index] if hard else weights
        np.testing.assert_allclose(out.weights[n].detach().numpy(), expected, rtol=1e-12, atol=1e-15)
        at_logits, at_temperature = relaxed_gradients(*row, 0.4, g[n].numpy())
        np.testing.assert_allclose(logits.grad[n].numpy(), at_logits, rtol=1e-10, atol=1e-14)
        total += at_temperature
    assert temperature.grad.item() == pytest.approx(total, rel=1e-10)


def test_soft_weights_have_their_exact_derivative():
    """`gradcheck`: finite differences in the logits and in the temperature."""
    logits, noise, _ = draw(3, 4)
    temperature = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def weights(logits, temperature):
        return gumbel_softmax(logits, noise, temperature, hard=False).weights

    assert torch.autograd.gradcheck(weights, (logits, temperature))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_hard_weights_are_one_hot_to_the_last_bit(dtype):
    """Exactly one 1 in each row, at the index, in the dtype of the logits."""
    logits, noise, _ = draw(200, 7, dtype=dtype)
    out = gumbel_softmax(logits, noise.float(), 0.9, hard=True)
    assert out.weights.dtype == dtype
    assert out.weights.detach().equal(torch.nn.functional.one_hot(out.indices, 7).to(dtype))


@both
def test_hard_and_soft_draw_the_same_and_share_the_gradient(hard):
    """The noise decides the index, not the temperature nor the kind of weights; both have the same gradient."""
    logits, noise, g = draw(30, 6)
    reference = gumbel_softmax(logits, noise, 1.0, hard=False)
    out = gumbel_softmax(logits, noise, 0.05, hard=hard)
    assert out.indices.equal(reference.indices)
    assert out.weights.argmax(-1).equal(out.indices)
    here = torch.autograd.grad(out.weights, logits, g)[0]
    there = torch.autograd.grad(gumbel_softmax(logits, noise, 0.05, hard=not hard).weights, logits, g)[0]
    assert here.equal(there)


def test_cold_weights_are_one_hot_and_warm_ones_uniform():
    """τ -> 0 and τ -> infinity: no NaN, neither in the weights nor in the gradients, also of τ itself (it holds 1 / τ²)."""
    for temperature, limit in ((1e-18, None), (1e18, 1 / 6)):
        logits, noise, g = draw(40, 6, dtype=torch.float32)
        learned = torch.tensor(temperature, requires_grad=True)
        out = gumbel_softmax(logits, noise, learned, hard=False)
        expected = torch.nn.functional.one_hot(out.indices, 6).float() if limit is None else torch.full((40, 6), limit)
        torch.testing.assert_close(out.weights, expected)
        out.weights.backward(g)
        assert logits.grad.isfinite().all()
        assert learned.grad.isfinite()
    far = gumbel_softmax(1e4 * logits.detach(), noise, 1e-37, hard=False)  # quotients beyond the largest number
    assert far.weights.equal(torch.nn.functional.one_hot(far.indices, 6).float())


@both
def test_noise_at_the_ends_of_its_range_is_harmless(hard):
    """Uniform numbers of exactly 0 and 1, and rows of nothing else, give finite weights and gradients."""
    noise = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.5]])
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        logits = torch.tensor([[1.0, 2.0, 0.0]]).repeat(3, 1).to(dtype).requires_grad_()
        out = gumbel_softmax(logits, noise, 0.1, hard=hard)
        assert out.indices.tolist() == [1, 1, 1]
        out.weights.backward(torch.ones_like(logits).cumsum(-1))
        assert logits.grad.isfinite().all()


@both
def test_excluded_categories_stay_out(hard):
    """A logit of -inf has weight 0, gradient 0, and does not make the temperature's gradient NaN."""
    logits, noise, g = draw(20, 4, dtype=torch.float32)
    barred = logits.detach().index_fill(-1, torch.tensor([2]), -float("inf")).requires_grad_()
    temperature = torch.tensor(0.5, requires_grad=True)
    out = gumbel_softmax(barred, noise, temperature, hard=hard)
    out.weights.backward(g)
    assert not out.weights[:, 2].any()
    assert not barred.grad[:, 2].any()
    assert temperature.grad.isfinite()


@both
@pytest.mark.parametrize("shape", [(4,), (0, 4), (2, 3, 4), (2, 0, 3, 4)], ids=str)
def test_leading_axes_are_vectors_one_by_one(hard, shape):
    """Any leading shape, the empty one too, gives what its rows give alone."""
    logits, noise, _ = draw(*shape)
    out = gumbel_softmax(logits, noise, 0.5, hard=hard)
    assert out.weights.shape == shape
    assert out.indices.shape == shape[:-1]
    rows = gumbel_softmax(logits.reshape(-1, 4), noise.reshape(-1, 4), 0.5, hard=hard)
    assert out.indices.reshape(-1).equal(rows.indices)
    assert out.weights.reshape(-1, 4).equal(rows.weights)


@both
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_with_its_noise_is_eager(hard, backend):
    """Noise, schedule, draw and gradient in one graph, compiled once for all steps."""
    torch._dynamo.reset()
    logits, _, g = draw(30, 5, dtype=torch.float32)
    layer = GumbelSoftmax(Exponential(1.0, 0.1, 10), hard=hard, learnable=True)
    log_scale = torch.tensor(0.3, requires_grad=True)

    def step(logits, key, count, log_scale):
        return layer(logits, uniform(key, list(logits.shape)), count, log_scale)

    compiled = torch.compile(step, fullgraph=True, backend=backend)
    key = new_key(3)
    for count in torch.arange(3):
        results = []
        for run in (step, compiled):
            out = run(logits, key, count, log_scale)
            results.append((*out, *torch.autograd.grad(out.weights, [logits, log_scale], g)))
        for theirs, ours in zip(*results, strict=True):
            # Fused exp, log and sums of 5: a few units in the last place of numbers up to about 50.
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_export_holds_plain_operators_only():
    """torch.export with a dynamic batch traces to operators that every runtime has."""

    class Model(torch.nn.Module):
        def forward(self, logits, noise):
            return gumbel_softmax(logits, noise, 0.5, hard=True)

    logits, noise, _ = draw(5, 4, dtype=torch.float32)
    batch = torch.export.Dim("batch")
    program = torch.export.export(Model(), (logits.detach(), noise), dynamic_shapes=({0: batch}, {0: batch}))
    operators = [node.target for node in program.graph.nodes if isinstance(node.target, torch._ops.OpOverload)]
    assert {operator.namespace for operator in operators} == {"aten"}


def test_a_number_is_a_constant_schedule():
    """`GumbelSoftmax(0.5)` and `GumbelSoftmax(Constant(0.5))` are at 0.5 at every step."""
    for temperature in (0.5, Constant(0.5)):
        assert GumbelSoftmax(temperature).temperature_at(torch.tensor(99)).item() == 0.5


def test_the_learned_temperature_gets_its_gradient_through_the_weights():
    """A loss on the weights reaches log_scale: dL/dlog_scale = τ dL/dτ of the reference."""
    logits, noise, g = draw(8, 5)
    log_scale = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    out = GumbelSoftmax(Exponential(1.0, 0.25, 10), learnable=True)(logits, noise, torch.tensor(5), log_scale)
    out.weights.backward(g)
    # The schedule is float32: half a unit in its last place, times the sensitivity of the weights.
    temperature = 0.5 * np.exp(0.2)
    rows = zip(logits.detach().numpy(), noise.numpy(), g.numpy(), strict=True)
    total = sum(relaxed_gradients(row, noise_row, temperature, g_row)[1] for row, noise_row, g_row in rows)
    assert log_scale.grad.item() == pytest.approx(temperature * total, rel=1e-5)


def test_log_scale_comes_with_learning_and_only_then():
    """A missing or an unexpected log_scale is a one-line error."""
    with pytest.raises(UsageError, match="expected a 0-d tensor with learnable=True"):
        GumbelSoftmax(learnable=True).temperature_at(torch.tensor(0))
    with pytest.raises(UsageError, match="expected None with learnable=False"):
        GumbelSoftmax().temperature_at(torch.tensor(0), torch.zeros(()))


def test_nonsense_is_refused_where_it_is_written():
    """Temperatures and floors that are none, and noise of another shape."""
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="temperature"):
            GumbelSoftmax(bad)
        with pytest.raises(UsageError, match="floor"):
            GumbelSoftmax(floor=bad)
        with pytest.raises(UsageError, match="temperature"):
            gumbel_softmax(torch.zeros(2, 3), torch.zeros(2, 3), bad, hard=True)
    with pytest.raises(DataError, match=r"got \(2, 3\) and \(3,\)"):
        gumbel_softmax(torch.zeros(2, 3), torch.zeros(3), 1.0, hard=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        GumbelSoftmax().hard = False
