"""Estimators that need the loss: unbiased, exact to what is below them, and as their formulas say."""

from __future__ import annotations

import pytest
import torch

from references.score_function import exact_gradient, rebar_of_the_paper
from zador.errors import DataError, UsageError
from zador.estimators import (
    ConstantBaseline,
    MovingAverage,
    Rebar,
    Relax,
    Scored,
    ScoredEstimator,
    ScoreFunction,
    control_network,
    leave_one_out,
)
from zador.noise import new_key, uniform

K, D = 5, 3


def smooth(q):
    """A loss that is neither linear nor symmetric."""
    return q[..., 0].sin() + 0.3 * (q**2).sum(-1) + 1.0


def wide(module):
    """A module in float64."""
    return module.double()


ESTIMATORS = {
    "score function": (ScoreFunction, 1),
    "constant baseline": (lambda: ScoreFunction(ConstantBaseline(1.5)), 1),
    "moving average": (lambda: ScoreFunction(MovingAverage(0.9)), 1),
    "leave one out": (lambda: ScoreFunction(leave_one_out), 3),
    "REBAR": (lambda: wide(Rebar(0.4, 0.8)), 1),
    "REBAR, two draws": (lambda: wide(Rebar(0.4, 0.8)), 2),
    "RELAX": (lambda: trained(wide(Relax(control_network(K, 4), 0.4, 0.8))), 1),
}
every = pytest.mark.parametrize("name", ESTIMATORS)


def trained(estimator):
    """RELAX with a network that is no longer zero at the end."""
    with torch.no_grad():
        estimator.network[2].weight.copy_(torch.linspace(-1, 1, 4)[None])
    return estimator


def made(name):
    """The estimator, and how many draws it takes."""
    make, draws = ESTIMATORS[name]
    return make(), draws


def problem(seed=0, *lead, dtype=torch.float64):
    """Return logits that ask for a gradient, and codewords."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(*lead, K, generator=generator, dtype=torch.float64).to(dtype)
    return logits.requires_grad_(), torch.randn(K, D, generator=generator, dtype=torch.float64).to(dtype)


def noise(draws, *shape, seed=0, dtype=torch.float64):
    """Return uniform noise with an axis for draws, if there are several."""
    return uniform(new_key(seed), [*([draws] if draws > 1 else []), *shape]).to(dtype)


@every
def test_the_mean_of_many_estimates_is_the_exact_gradient(name):
    """60,000 vectors with the same logits: each coordinate within 4.5 standard errors of p ⊙ (f - pᵀf)."""
    estimator, draws = made(name)
    logits, values = problem(3)
    many = logits.detach().expand(60_000, K).clone().requires_grad_()
    scored = estimator(smooth, many, values, noise(draws, 60_000, K))
    (found,) = torch.autograd.grad(scored.loss.sum(), many)
    error = found.std(0) / len(many) ** 0.5
    assert ((found.mean(0) - exact_gradient(logits.detach(), smooth(values))).abs() < 4.5 * error).all()


@every
def test_the_value_is_the_loss_at_the_draw(name):
    """Loss and indices agree, mean over the draws; the draw is where logits and Gumbel noise are largest."""
    estimator, draws = made(name)
    assert isinstance(estimator, ScoredEstimator)
    logits, values = problem(0, 2, 7)
    u = noise(draws, 2, 7, K)
    scored = estimator(smooth, logits, values, u)
    assert isinstance(scored, Scored)
    assert scored.indices.equal((logits - torch.log(-torch.log(u))).argmax(-1))
    at_draws = smooth(values)[scored.indices]
    torch.testing.assert_close(scored.loss, at_draws.mean(0) if draws > 1 else at_draws, rtol=1e-14, atol=0)


@every
def test_what_the_loss_is_made_of_gets_the_gradient_at_the_draw(name):
    """Parameters of the loss and codewords: exactly that of f(c_k), nothing of the control variate's."""
    estimator, draws = made(name)
    logits, values = problem(0, 40)
    values.requires_grad_()
    weight = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64, requires_grad=True)

    def loss(q):
        return torch.tanh(q @ weight)

    scored = estimator(loss, logits, values, noise(draws, 40, K))
    found = torch.autograd.grad(scored.loss.mean(), [weight, values])
    plain = loss(values[scored.indices]).mean()
    for ours, theirs in zip(found, torch.autograd.grad(plain, [weight, values]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["constant baseline", "moving average", "leave one out"])
def test_a_constant_loss_has_no_gradient_once_the_baseline_knows_it(name):
    """Where f = 1.5 everywhere: every single estimate is 0, not only their mean."""
    estimator, draws = made(name)
    logits, values = problem(1, 30)

    def constant(q):
        return q.new_full(q.shape[:-1], 1.5)

    for _ in range(2):  # a moving average has to hear of it first
        scored = estimator(constant, logits, values, noise(draws, 30, K))
    assert torch.autograd.grad(scored.loss.sum(), logits)[0].abs().max() < 1e-15


def test_leave_one_out_is_its_formula():
    """1/M Σ_m (f_m - mean of the others)(e_{k_m} - p), written as loops."""
    logits, values = problem(2, 6)
    u = noise(3, 6, K)
    scored = ScoreFunction(leave_one_out)(smooth, logits, values, u)
    (found,) = torch.autograd.grad(scored.loss.sum(), logits)
    p, f = torch.softmax(logits.detach(), -1), smooth(values)
    for n in range(6):
        drawn = scored.indices[:, n].tolist()
        expected = torch.zeros(K, dtype=torch.float64)
        for m, k in enumerate(drawn):
            others = [f[j] for place, j in enumerate(drawn) if place != m]
            expected += (f[k] - sum(others) / 2) * (torch.eye(K, dtype=torch.float64)[k] - p[n]) / 3
        torch.testing.assert_close(found[n], expected, rtol=1e-12, atol=1e-14)


def test_a_moving_average_is_the_mean_of_what_came_before():
    """Weights decay^t, normalised; it does not hear of a loss before it has answered, nor of any in evaluation."""
    baseline, losses = MovingAverage(0.8), [3.0, -1.0, 4.0, 2.0]
    for count, loss in enumerate(losses):
        weights = [0.8 ** (count - 1 - t) for t in range(count)]
        expected = sum(w * f for w, f in zip(weights, losses, strict=False)) / sum(weights) if weights else 0.0
        assert baseline(torch.tensor([[loss]])).item() == pytest.approx(expected, rel=1e-6)
    baseline.eval()
    assert baseline(torch.tensor([[100.0]])).equal(baseline(torch.tensor([[0.0]])))
    assert MovingAverage().to(torch.bfloat16).total.dtype == torch.float32
    assert set(baseline.state_dict()) == {"total", "weight"}


def test_rebar_is_the_estimator_of_the_paper():
    """Fifteen vectors: the closed form against z̃ drawn given k, differentiated by autograd, with common random numbers."""
    logits, values = problem(5, 15)
    u = noise(1, 15, K, seed=4)
    (found,) = torch.autograd.grad(wide(Rebar(0.35, 0.7))(smooth, logits, values, u).loss.sum(), logits)
    for n in range(15):
        expected = rebar_of_the_paper(smooth, logits[n], values, u[n], 0.35, 0.7)
        torch.testing.assert_close(found[n], expected, rtol=1e-6, atol=1e-9)  # τ is kept in float32


def test_rebar_without_control_is_the_score_function():
    """η = 0: the same bits, for the same noise."""
    logits, values = problem(0, 50, dtype=torch.float32)
    u = noise(1, 50, K, dtype=torch.float32)
    gradients = [
        torch.autograd.grad(estimator(smooth, logits, values, u).loss.sum(), logits)[0]
        for estimator in (Rebar(0.5, scale=0.0), ScoreFunction())
    ]
    assert gradients[0].equal(gradients[1])


def test_relax_starts_as_rebar_and_moves_away():
    """With w₂ = 0 the network adds nothing; its gradient is not zero, so that it learns."""
    logits, values = problem(0, 50, dtype=torch.float32)
    u = noise(1, 50, K, dtype=torch.float32)
    relax = Relax(control_network(K))
    one, other = (
        torch.autograd.grad(estimator(smooth, logits, values, u).loss.sum(), logits)[0] for estimator in (relax, Rebar())
    )
    assert one.equal(other)
    relax(smooth, logits, values, u).loss.mean().backward()
    assert relax.network[2].weight.grad.abs().max() > 0


def variance(estimator, logits, values, u):
    """Return the summed variance of the estimates for equal rows of logits."""
    return torch.autograd.grad(estimator(smooth, logits, values, u).loss.sum(), logits)[0].var(0).sum().item()


def test_learned_control_variates_lower_the_variance():
    """200 steps on one problem: REBAR below the score function, RELAX below REBAR; the order holds for other noise."""
    logits, values = problem(7)
    many = logits.detach().float().expand(400, K).clone().requires_grad_()
    values, fresh = values.float(), noise(1, 20_000, K, seed=99).float()
    found = {"none": ScoreFunction(), "rebar": Rebar(0.5, 1.0), "relax": Relax(control_network(K, 16), 0.5, 1.0)}
    for estimator in (found["rebar"], found["relax"]):
        optimiser = torch.optim.Adam(estimator.parameters(), 0.05)
        for step in range(200):
            optimiser.zero_grad()
            estimator(smooth, many, values, noise(1, 400, K, seed=step).float()).loss.mean().backward()
            optimiser.step()
    judged = many.detach()[:1].expand(20_000, K).clone().requires_grad_()
    after = {name: variance(estimator, judged, values, fresh) for name, estimator in found.items()}
    # The relative standard error of a variance of 20,000 heavy-tailed estimates is about 3 %; measured: 4.51, 0.61, 0.51.
    assert after["rebar"] < 0.25 * after["none"]
    assert after["relax"] < 0.92 * after["rebar"]


@pytest.mark.parametrize("name", ["REBAR", "REBAR, two draws", "RELAX"])
def test_parameters_get_the_gradient_of_the_squared_estimate(name):
    """η, ln τ and one weight of the network: central differences of Σ ||g||², with the noise held."""
    estimator, draws = made(name)
    logits, values = problem(1, 20)
    u = noise(draws, 20, K)

    def squares():
        return float((torch.autograd.grad(estimator(smooth, logits, values, u).loss.sum(), logits)[0] ** 2).sum())

    estimator(smooth, logits, values, u).loss.sum().backward()
    for parameter in estimator.parameters():
        flat, step = parameter.data.view(-1), 1e-5
        before = flat[0].item()
        flat[0] = before + step
        above = squares()
        flat[0] = before - step
        below = squares()
        flat[0] = before
        assert parameter.grad.view(-1)[0].item() == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-6)


def test_held_parameters_get_nothing_and_need_one_derivative_only():
    """`requires_grad_(False)`: a loss that cannot be differentiated twice is enough; without values only, a clear error."""

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, q):
            ctx.save_for_backward(q)
            return (q**2).sum(-1)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g[..., None]

    logits, values = problem(0, 9)
    u = noise(1, 9, K)
    held = wide(Rebar()).requires_grad_(False)
    one, other = (
        torch.autograd.grad(held(loss, logits, values, u).loss.sum(), logits)[0]
        for loss in (Once.apply, lambda q: (q**2).sum(-1))
    )
    torch.testing.assert_close(one, other)
    with pytest.raises(DataError, match="no derivative"):
        held(lambda q: (q > 0).double().sum(-1), logits, values, u)
    assert ScoreFunction()(lambda q: (q > 0).double().sum(-1), logits, values, u).loss.shape == (9,)


@every
def test_samples_of_several_vectors_share_a_loss(name):
    """A loss for each sample (B,) of vectors (B, T, d): its mean gradient is the joint law's, exact for 2 x 3 codes."""
    estimator, draws = made(name)
    if name == "RELAX":
        estimator = trained(wide(Relax(control_network(3, 4), 0.4, 0.8)))
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    values = torch.randn(3, D, generator=generator, dtype=torch.float64)

    def loss(q):
        return smooth(q[..., 0, :] * q[..., 1, :] + 0.5 * q[..., 1, :])

    tied = logits.clone().requires_grad_()
    p = torch.softmax(tied, -1)
    pairs = [(a, b) for a in range(3) for b in range(3)]
    (expected,) = torch.autograd.grad(sum(p[0, a] * p[1, b] * loss(values[[a, b]]) for a, b in pairs), tied)
    many = logits.expand(40_000, 2, 3).clone().requires_grad_()
    scored = estimator(loss, many, values, noise(draws, 40_000, 2, 3))
    assert scored.loss.shape == (40_000,)
    (found,) = torch.autograd.grad(scored.loss.sum(), many)
    assert ((found.mean(0) - expected).abs() < 4.5 * found.std(0) / 200).all()


@every
def test_heads_have_tables_of_their_own(name):
    """Codewords (H, K, d) with logits (..., H, K): head by head what a single table gives."""
    estimator, draws = made(name)
    if name == "moving average":
        estimator.baseline.eval()
    logits, _ = problem(0, 8, 2)
    values = torch.randn(2, K, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    u = noise(draws, 8, 2, K)
    together = torch.autograd.grad(estimator(smooth, logits, values, u).loss.sum(), logits)[0]
    for head in range(2):
        alone = estimator(smooth, logits[:, head], values[head], u[..., head, :])
        (gradient,) = torch.autograd.grad(alone.loss.sum(), logits)
        torch.testing.assert_close(gradient[:, head], together[:, head], rtol=1e-12, atol=1e-14)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_types_and_draws_are_kept(name, dtype):
    """Gradients have the type of the logits; the same noise gives the same bits; an excluded codeword stays out, finite."""
    estimator, draws = made(name)
    estimator = estimator.float() if isinstance(estimator, torch.nn.Module) else estimator
    logits, values = problem(0, 64, dtype=torch.float32)
    logits = logits.detach().index_fill(-1, torch.tensor([1]), -float("inf")).to(dtype).requires_grad_()
    results = []
    for _ in range(2):
        if name == "moving average":
            estimator = ScoreFunction(MovingAverage(0.9))
        scored = estimator(smooth, logits, values, noise(draws, 64, K, dtype=torch.float32))
        results.append(torch.autograd.grad(scored.loss.sum(), logits)[0])
    assert results[0].dtype == dtype
    assert results[0].equal(results[1])
    assert results[0].isfinite().all()
    assert not results[0][:, 1].any()
    assert not (scored.indices == 1).any()


@every
def test_without_gradients_it_is_the_loss_alone(name):
    """Under `no_grad`, and for no vectors at all."""
    estimator, draws = made(name)
    logits, values = problem(0, 4)
    with torch.no_grad():
        assert not estimator(smooth, logits, values, noise(draws, 4, K)).loss.requires_grad
    none = logits[:0]
    scored = estimator(smooth, none, values, noise(draws, 0, K))
    assert scored.loss.shape == (0,)
    scored.loss.sum().backward()


@pytest.mark.parametrize("name", ["score function", "leave one out"])
def test_compiled_is_eager(name):
    """Loss and gradient in one graph."""
    torch._dynamo.reset()
    estimator, draws = made(name)
    logits, values = problem(0, 16)
    u = noise(draws, 16, K)

    def step(logits):
        return estimator(smooth, logits, values, u).loss

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    results = [torch.autograd.grad(run(logits).sum(), logits)[0] for run in (step, compiled)]
    torch.testing.assert_close(*results, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # the compiler asks for it
def test_a_compiled_loss_is_enough_for_held_control_variates():
    """REBAR with `requires_grad_(False)` around a loss that is compiled."""
    torch._dynamo.reset()
    logits, values = problem(0, 16)
    held, u = wide(Rebar()).requires_grad_(False), noise(1, 16, K)
    compiled = torch.compile(smooth, fullgraph=True, backend="aot_eager")
    results = [torch.autograd.grad(held(loss, logits, values, u).loss.sum(), logits)[0] for loss in (smooth, compiled)]
    torch.testing.assert_close(*results, rtol=1e-10, atol=1e-12)


def test_nonsense_is_refused_in_a_line():
    """Shapes that do not fit, a mean over the batch, one draw for leave-one-out, a decay of 1."""
    logits, values = problem(0, 6)
    for bad in (noise(1, 5, K), noise(1, K), noise(0, 6, K)[:, :, None]):
        with pytest.raises(DataError, match="expected noise of shape"):
            ScoreFunction()(smooth, logits, values, bad)
    with pytest.raises(DataError, match=r"expected logits .* got \(6, 5\) and \(4, 3\)"):
        ScoreFunction()(smooth, logits, values[:4], noise(1, 6, K))
    with pytest.raises(DataError, match="do not take the mean over the batch"):
        ScoreFunction()(lambda q: q.sum(dim=(0, 1), keepdim=True), logits, values, noise(1, 6, K))
    with pytest.raises(UsageError, match="at least 2 draws"):
        ScoreFunction(leave_one_out)(smooth, logits, values, noise(1, 6, K))
    with pytest.raises(UsageError, match="decay"):
        MovingAverage(1.0)
    with pytest.raises(UsageError, match="finite"):
        ConstantBaseline(float("nan"))
    with pytest.raises(UsageError, match="temperature"):
        Rebar(temperature=0.0)
