"""Both engines compute the derivative of one loss: against finite differences, each other, and plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from references import protocol_a
from zador.estimators import projection, rotation_trick, straight_through
from zador.models.linear import (
    Adam,
    Autograd,
    Batch,
    Chained,
    LinearAutoencoder,
    Loss,
    Manual,
    Parameters,
    Rates,
    Recipe,
    Sgd,
    Step,
    generator_stream,
    per_batch,
    per_code,
    plain,
    polar,
    signed_qr,
    tangent,
    train,
)

S, B, D, M, K = 3, 40, 7, 3, 5


@pytest.fixture
def case():
    """Parameters that are not orthonormal, so that no identity of orthonormal rows can hide a mistake, and a batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((S, B, D))
    parameters = Parameters(rng.standard_normal((S, M, D)), rng.standard_normal((S, K, M)))
    return parameters, Batch(x, (x**2).sum(2).mean(1))


def surrogate(encoder, codewords, frozen, x, loss):
    """Return the loss whose true derivative is the straight-through one: choices and stopped parts are those of `frozen`."""
    z0 = x @ frozen.encoder.T
    codes = protocol_a.squared_distances(z0, frozen.codewords).argmin(1)
    q0 = frozen.codewords[codes]
    z, q = x @ encoder.T, codewords[codes]
    decoded = (z + q0 - z0) @ encoder
    return (
        ((x - decoded) ** 2).sum(1).mean()
        + loss.codebook_weight * ((z0 - q) ** 2).sum(1).mean()
        + loss.commitment * ((z - q0) ** 2).sum(1).mean()
    )


@pytest.mark.parametrize("engine", [Manual(), Autograd(dtype=np.float64), Chained(dtype=np.float64)])
def test_gradients_are_finite_differences_of_the_surrogate_loss(engine, case):
    """Central differences of the loss with frozen choices agree with the engine, for weights α, β that are not 1."""
    parameters, batch = case
    loss = Loss(0.7, 0.3)
    found = engine.gradients(parameters, batch, loss)
    step = 1e-5
    for s in range(S):
        frozen = Parameters(parameters.encoder[s], parameters.codewords[s])
        x = batch.vectors[s]
        assert found.loss[s] == pytest.approx(surrogate(*frozen, frozen, x, loss), rel=1e-12)
        for place, gradient in enumerate((found.encoder[s], found.codewords[s])):
            expected = np.empty_like(gradient)
            for index in np.ndindex(*gradient.shape):
                moved = [[part.copy() for part in frozen] for _ in range(2)]
                moved[0][place][index] += step
                moved[1][place][index] -= step
                high, low = (surrogate(*parts, frozen, x, loss) for parts in moved)
                expected[index] = (high - low) / (2 * step)
            # The loss is a polynomial of degree 4: differences err by step² times its third derivative, and eps / step.
            np.testing.assert_allclose(gradient, expected, atol=1e-7 * (1 + np.abs(expected).max()))


def test_manual_equals_autograd(case):
    """Gradients, counts and losses of the two engines agree to rounding in double precision."""
    manual, auto = (engine.gradients(*case, Loss(0.7, 0.3)) for engine in (Manual(), Autograd(dtype=np.float64)))
    np.testing.assert_array_equal(manual.counts, auto.counts)
    for mine, theirs in zip(manual, auto, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


def doubled(x, q):
    """Return twice q with the backward of the projection: an estimator whose value is not the codeword."""
    return 2 * projection(x, q)


def blocked(_x, q):
    """Return q and let nothing through."""
    return q


@pytest.mark.parametrize("estimator", [straight_through, projection, rotation_trick, doubled, blocked])
def test_the_chain_rule_around_an_estimator_is_autograd(estimator, case):
    """`Chained` and `Autograd` agree to rounding for any estimator, whatever its value, without orthonormal rows."""
    chained, auto = (engine(estimator, np.float64).gradients(*case, Loss(0.7, 0.3)) for engine in (Chained, Autograd))
    for mine, theirs in zip(chained, auto, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("engine", [Manual, lambda dtype: Autograd(dtype=dtype), lambda dtype: Chained(dtype=dtype)])
def test_gradients_have_the_dtype_of_the_engine(engine, dtype, case):
    """Single precision stays single, double double."""
    parameters, batch = case
    given = Parameters(*(a.astype(dtype) for a in parameters)), Batch(*(a.astype(dtype) for a in batch))
    assert {array.dtype for array in engine(dtype).gradients(*given, Loss())} == {np.dtype(dtype)}


def orthonormal_start(seed=0, size=400):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((size, D)) * np.geomspace(2, 0.3, D)
    encoder = np.stack([np.linalg.qr(rng.standard_normal((D, M)))[0].T for _ in range(S)])
    return LinearAutoencoder(encoder, rng.standard_normal((S, K, M)), np.zeros((S, D))), x


@pytest.mark.parametrize("optimiser", [Sgd(), Sgd(momentum=0.9), Adam()])
@pytest.mark.parametrize("retraction", [polar, signed_qr])
@pytest.mark.parametrize("encoder_gradient", [plain, tangent])
@pytest.mark.parametrize("codebook_gradient", [per_batch, per_code])
def test_training_is_equal_step_by_step(codebook_gradient, encoder_gradient, retraction, optimiser):
    """With equal batches, normalisation and step the engines stay together to rounding at every one of 12 steps."""
    begin, x = orthonormal_start()
    step = Step(encoder_gradient, codebook_gradient, retraction, optimiser)
    for steps in range(1, 13):
        recipe = Recipe(steps, B, Rates(0.02, 0.05), step=step)
        manual, auto = (
            train(begin, x, recipe, engine, seeds=[1, 2, 3]).model for engine in (Manual(), Autograd(dtype=np.float64))
        )
        # Adam divides by a root that may be near 0: rounding grows with the steps.
        np.testing.assert_allclose(manual.encoder, auto.encoder, rtol=0, atol=1e-12 * steps)
        np.testing.assert_allclose(manual.codewords, auto.codewords, rtol=0, atol=1e-12 * steps)


@pytest.mark.parametrize(("retraction", "plainly"), [(polar, protocol_a.polar), (signed_qr, protocol_a.qr_with_signs)])
def test_training_equals_the_plain_loops(retraction, plainly):
    """Each seed of a stack ends where a loop that anybody can read ends: manual (per code, tangent) and autograd (plain)."""
    begin, x = orthonormal_start()
    loss, steps = Loss(0.8, 0.3), 30
    recipe = Recipe(steps, B, Rates(0.03, 0.1), loss)
    for engine, step, loop in (
        (Manual(), Step(tangent, per_code, retraction), protocol_a.manual),
        (Autograd(dtype=np.float64), Step(plain, per_batch, retraction), protocol_a.autograd),
    ):
        model = train(begin, x, replace(recipe, step=step), engine, seeds=[5, 6, 7]).model
        for s, seed in enumerate([5, 6, 7]):
            rng = np.random.default_rng(seed)
            batches = [rng.integers(0, len(x), size=B) for _ in range(steps)]
            encoder, codewords = loop(
                begin.encoder[s], begin.codewords[s], x, batches, rates=(0.03, 0.1), weights=(0.8, 0.3), retract=plainly
            )
            np.testing.assert_allclose(model.encoder[s], encoder, rtol=0, atol=1e-11)
            np.testing.assert_allclose(model.codewords[s], codewords, rtol=0, atol=1e-11)


def test_projection_is_straight_through_behind_orthonormal_rows(case):
    """With W Wᵀ = I the gradient at ẑ is 2 (ẑ - z) / B, already along q - z: the projection has nothing to take away.

    What the reports call “rotation” is therefore the same method as straight-through here, whatever the data.
    """
    parameters, batch = case
    given = Parameters(polar(parameters.encoder), parameters.codewords)
    one, other = (
        Autograd(estimator, np.float64).gradients(given, batch, Loss()) for estimator in (straight_through, projection)
    )
    np.testing.assert_allclose(one.encoder, other.encoder, rtol=0, atol=1e-13 * np.abs(one.encoder).max())
    turned = Autograd(rotation_trick, np.float64).gradients(given, batch, Loss())
    assert np.abs(turned.encoder - one.encoder).max() > 1e-3


def test_weights_and_epsilon_times_the_dimension_are_the_loss_of_means_over_coordinates():
    """Adam on α D/m, β D/m and epsilon D is torch's Adam on the loss whose three terms are means over coordinates."""
    begin, x = orthonormal_start()
    alpha, beta, steps, rate = 0.8, 0.3, 25, 0.01
    adam = Adam(epsilon=1e-6 * D)
    recipe = Recipe(steps, B, Rates(rate, rate), Loss(alpha * D / M, beta * D / M), Step(plain, per_batch, signed_qr, adam))
    for engine in (Manual(), Chained(dtype=np.float64)):
        model = train(begin, x, recipe, engine, seeds=[5, 6, 7]).model
        for s, seed in enumerate([5, 6, 7]):
            encoder, codewords = (torch.tensor(a[s].copy(), requires_grad=True) for a in (begin.encoder, begin.codewords))
            theirs, rng = torch.optim.Adam([encoder, codewords], rate, eps=1e-6), np.random.default_rng(seed)
            for _ in range(steps):
                batch = torch.from_numpy(x[rng.integers(0, len(x), size=B)])
                z = batch @ encoder.T
                q = codewords[torch.cdist(z, codewords).argmin(1)]
                decoded = (z + (q - z).detach()) @ encoder
                terms = (batch - decoded, alpha**0.5 * (z.detach() - q), beta**0.5 * (z - q.detach()))
                theirs.zero_grad()
                sum(term.square().mean() for term in terms).backward()
                theirs.step()
                encoder.data = torch.from_numpy(protocol_a.qr_with_signs(encoder.detach().numpy()).copy())
            np.testing.assert_allclose(model.encoder[s], encoder.detach(), rtol=0, atol=1e-9)
            np.testing.assert_allclose(model.codewords[s], codewords.detach(), rtol=0, atol=1e-9)


def test_an_estimator_of_ones_own(case):
    """Any function (x, q) -> y is an estimator: one that lets nothing through leaves decoder and commitment alone."""
    blocked = Autograd(lambda _x, q: q, np.float64).gradients(*case, Loss(commitment=0.0))
    parameters, batch = case
    z = batch.vectors @ parameters.encoder.transpose(0, 2, 1)
    for s in range(S):
        codes = protocol_a.squared_distances(z[s], parameters.codewords[s]).argmin(1)
        q = parameters.codewords[s][codes]
        expected = -2 * q.T @ (batch.vectors[s] - q @ parameters.encoder[s]) / B
        np.testing.assert_allclose(blocked.encoder[s], expected, atol=1e-12)


@pytest.mark.parametrize("stream", ["generator", "legacy"])
def test_streams_are_what_numpy_draws_step_by_step(stream):
    """Drawing some steps ahead changes no index, and the legacy stream leaves the global generator where it was."""
    from zador.models.linear import legacy_stream

    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what the test is about
    found = {"generator": generator_stream, "legacy": legacy_stream}[stream](42, 20_000, 33)
    rng, legacy = np.random.default_rng(42), np.random.RandomState(42)
    for _ in range(50):
        expected = rng.integers(0, 20_000, size=33) if stream == "generator" else legacy.choice(20_000, 33)
        np.testing.assert_array_equal(next(found), expected)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above


def test_engines_leave_their_arguments_alone(case):
    """Neither parameters nor batch are changed, and torch keeps no gradient on them."""
    parameters, batch = case
    copies = [array.copy() for array in (*parameters, *batch)]
    for engine in (Manual(), Autograd(dtype=np.float64), Chained(dtype=np.float64)):
        engine.gradients(parameters, batch, Loss())
        for array, copy in zip((*parameters, *batch), copies, strict=True):
            np.testing.assert_array_equal(array, copy)
    assert torch.is_grad_enabled()
