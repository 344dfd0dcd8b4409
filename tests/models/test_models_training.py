"""The training loop: what a step is, what the warm-up leaves out, what is noticed, and what stays untouched."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import Gradient
from zador.errors import DataError, NonFiniteError, UsageError
from zador.models import Adam, Autoencoder, Training, Warmup, cosine, fit, mlp, squared_error

X = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
RECIPE = Training(steps=6, batch_size=16, optimiser=Adam(0.01), record_every=4)


def autoencoder(layer=None):
    return Autoencoder(mlp([6, 2], seed=1), layer, mlp([2, 6], seed=2))


def flat(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def descent(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


def test_steps_are_those_of_the_definition():
    """Plain descent by hand along the same batches, with the schedule and a limited norm, ends at the same place."""
    recipe = replace(RECIPE, optimiser=descent(0.05), schedule=Warmup(3, cosine), clip=0.5)
    model, by_hand = autoencoder(), autoencoder()
    done = fit(model, X, recipe, seed=7)
    generator, limited = torch.Generator().manual_seed(7), 0
    for step in range(6):
        loss = squared_error(by_hand, X[torch.randint(400, (16,), generator=generator)])
        assert done.losses[step] == loss.item()
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))
        limited += norm > 0.5
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                parameter.sub_(0.05 * Warmup(3, cosine)(step, 6) * min(1.0, 0.5 / norm) * gradient)
    assert limited
    torch.testing.assert_close(flat(model), flat(by_hand), rtol=1e-5, atol=1e-6)


def test_the_warm_up_leaves_the_layer_alone():
    """Until it ends, codewords are where they were, and the run is that of the same model without a layer."""
    recipe = replace(RECIPE, warm_up=4)
    model, plain = autoencoder(zador.vq(2, 4, learner=Gradient())), autoencoder()
    seen = []
    done = fit(model, X, recipe, seed=0, observe=lambda step, found: seen.append((step, found.bottleneck.step.item())))
    assert done.losses[:4] == fit(plain, X, replace(RECIPE, steps=4), seed=0).losses
    assert seen == [(0, 0), (4, 0), (6, 2)]


def test_observers_look_and_change_nothing():
    """At 0, every `record_every` and the last step, in evaluation mode and without gradients; the run is the same."""
    looks = []

    def look(step, model):
        looks.append((model.training, torch.is_grad_enabled()))
        return step, model(X).indices.unique().numel()

    watched, alone = autoencoder(zador.vq(2, 4)), autoencoder(zador.vq(2, 4))
    alone.eval()
    done = fit(watched, X, RECIPE, seed=0, observe=look)
    assert done.steps == (0, 4, 6)
    assert tuple(step for step, _ in done.observed) == done.steps
    assert set(looks) == {(False, False)}
    assert done.losses == fit(alone, X, RECIPE, seed=0).losses
    assert (watched.training, alone.training) == (True, False)


def test_the_same_seed_gives_the_same_bits_and_touches_no_generator():
    """Whatever drew before; another seed draws other batches."""
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - it is this one that must rest
    runs = []
    for seed in (3, 3, 4):
        model = autoencoder(zador.gumbel_vq(2, 4))
        runs.append((fit(model, X, RECIPE, seed=seed), flat(model)))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert runs[0][0].losses == runs[1][0].losses != runs[2][0].losses
    assert torch.equal(runs[0][1], runs[1][1])


def test_divergence_is_told_and_goes_on():
    """A rate a thousand times too large: the first loss above 1000 times the zero-rate loss is named."""
    done = fit(autoencoder(), X, replace(RECIPE, optimiser=descent(30.0), steps=4), seed=0)
    zero_rate = float(((X - X.mean(0)) ** 2).sum(1).mean())
    first = next(step for step, loss in enumerate(done.losses) if not loss <= 1000 * zero_rate)
    assert done.failure.startswith(f"diverged at step {first}, loss ")


def test_training_stops_at_the_end_of_the_finite_numbers():
    """It says where, and the model keeps finite weights."""
    model = autoencoder(zador.vq(2, 4))
    done = fit(model, X, replace(RECIPE, optimiser=descent(1e3), steps=40), seed=0, observe=lambda step, _: step)
    assert done.failure.startswith("diverged at step ")
    assert done.failure.endswith(f"stopped at step {len(done.losses) - 1}, beyond the finite numbers")
    assert len(done.losses) < 40
    assert done.steps[-1] == 40
    assert torch.isfinite(flat(model)).all()


def test_a_layer_that_refuses_what_it_is_given_is_no_crash():
    """An encoder beyond the largest number: that is divergence too, and nothing moves any more."""
    model = autoencoder(zador.vq(2, 4))
    with torch.no_grad():
        model.encoder[0].weight.fill_(3e38)
    before = flat(model)
    done = fit(model, X, RECIPE, seed=0)
    assert done.failure == "diverged at step 0, loss nan; stopped at step 0, beyond the finite numbers"
    assert torch.equal(flat(model), before)


def test_an_objective_of_ones_own():
    """What is made small is the recipe's to say: twice the error has twice the loss."""
    double = replace(RECIPE, objective=lambda model, x, *, quantize: 2 * squared_error(model, x, quantize=quantize), steps=1)
    assert fit(autoencoder(), X, double, seed=0).losses[0] == pytest.approx(
        2 * fit(autoencoder(), X, replace(RECIPE, steps=1), seed=0).losses[0]
    )


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (torch.zeros(0, 6), DataError),
        (torch.zeros(6), DataError),
        (torch.zeros(3, 6, dtype=torch.int64), DataError),
        (np.zeros((3, 6)), DataError),
        (torch.tensor([[math.nan] * 6]), NonFiniteError),
    ],
    ids=["empty", "no samples", "whole numbers", "NumPy", "NaN"],
)
def test_samples_that_cannot_be_trained_on_are_refused(wrong, error):
    """Before a step is taken, in one line."""
    with pytest.raises(error, match="train: "):
        fit(autoencoder(), wrong, RECIPE, seed=0)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"batch_size": 0}, {"warm_up": -1}, {"clip": 0.0}, {"record_every": 0}])
def test_recipes_that_make_no_sense_are_refused(wrong):
    """The message names the field."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        replace(RECIPE, **wrong)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_rates_that_make_no_sense_are_refused(rate):
    """Adam that climbs, stands, or jumps to infinity."""
    with pytest.raises(UsageError, match="rate"):
        Adam(rate)


def test_a_model_with_nothing_to_train_is_refused():
    """No parameters at all, or none but the layer's while the layer is left out: one line that says what to do."""
    with pytest.raises(UsageError, match="no parameters to train"):
        fit(Autoencoder(torch.nn.Identity(), None, torch.nn.Identity()), X, Training(steps=1), seed=0)
    alone = Autoencoder(torch.nn.Identity(), zador.vq(6, 4, learner=Gradient()), torch.nn.Identity())
    with pytest.raises(UsageError, match="warm_up=0"):
        fit(alone, X, Training(steps=2, warm_up=1), seed=0)
