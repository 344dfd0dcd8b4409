"""The linear pair of the studies of commitment and of projections: its gradients, its seeds, its failures, its designs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import zador
from zador.codebooks import Gradient
from zador.layers import AdaptiveCommitment, WarmUp
from zador.models.linear import LinearAutoencoder, Loss, Manual, Rates, Recipe, Sgd, generator_stream, train
from zador.studies.catalogue.adaptive_commitment import (
    USUAL,
    adaptive_commitment,
    adaptive_commitment_adam,
    adaptive_commitment_revival,
)
from zador.studies.catalogue.learned_projection import learned_projection
from zador.studies.catalogue.linear_pair import (
    FixedPair,
    LinearPair,
    Normal,
    PairRecipe,
    Revived,
    Shape,
    Start,
    TrainedPair,
    least_squares,
    pair_limits,
    random_orthonormal_rows,
    random_rows,
    train_pair,
)
from zador.studies.catalogue.sources import Gaussian
from zador.studies.configuration import canonical, configuration

SOURCE = Gaussian((4.0, 2.0, 1.0, 0.5), train=600, evaluation=300)
SHAPE = Shape(codebook_size=6, encoder_dim=2)
FREE = PairRecipe(orthonormal=False, steps=40, batch_size=64, rate=0.02, codebook_rate=0.1, optimiser=Sgd(), record_every=20)
DESIGNS = (adaptive_commitment, adaptive_commitment_revival, adaptive_commitment_adam, learned_projection)


@pytest.mark.parametrize("adaptive", [False, True], ids=["β = 0.25", "β adaptive"])
def test_a_free_pair_is_the_layer_between_two_linear_maps(adaptive):
    """Torch's gradients through `zador.vq` lead to the same place, with a fixed weight and one that adapts."""
    weight = AdaptiveCommitment(high=2.0, low=0.1) if adaptive else 0.25
    x = SOURCE.stacked([1])[0]
    begin = Start(rows=random_rows, initialiser=Normal(1.0))(x, SHAPE, [1])
    # Two codewords that nobody ever chooses, so that usage is not whole.
    begin.codewords[0, :2] += 100.0
    layer = zador.vq(2, 6, learner=Gradient(start=begin.codewords[0], revive=None), commitment=weight).double()
    encoder, decoder = (torch.from_numpy(part[0].copy()).requires_grad_() for part in begin[:2])
    slow = torch.optim.SGD([encoder, decoder], lr=FREE.rate)
    fast = torch.optim.SGD(layer.parameters(), lr=FREE.codebook_rate)
    stream = generator_stream(1, x.shape[1], FREE.batch_size)
    for _ in range(FREE.steps):
        batch = torch.from_numpy(x[0][next(stream)])
        out = layer(batch @ encoder.T)
        loss = (batch - out.quantized @ decoder).square().sum(1).mean() + out.loss
        for optimiser in (slow, fast):
            optimiser.zero_grad()
        loss.backward()
        for optimiser in (slow, fast):
            optimiser.step()
    done = train_pair(begin, x, replace(FREE, commitment=weight), [1]).model
    # The codebook keeps its statistics, and the weight its usage, in single precision: 40 steps of 6e-8 each, amplified.
    assert np.allclose(done.encoder[0], encoder.detach().numpy(), atol=1e-4)
    assert np.allclose(done.decoder[0], decoder.detach().numpy(), atol=1e-4)
    assert np.allclose(done.codewords[0], layer.codebooks[0].numpy(), atol=1e-4)


def test_an_orthonormal_pair_is_the_linear_autoencoder():
    """The same start, batches and rates: `zador.models.linear.train` ends where the pair does."""
    x = SOURCE.stacked([1, 2])[0]
    begin = Start(rows=random_orthonormal_rows)(x, SHAPE, [1, 2])
    recipe = Recipe(steps=40, batch_size=64, rates=Rates(0.02, 0.1), loss=Loss(commitment=0.5))
    model = LinearAutoencoder(begin.encoder, begin.codewords, np.zeros((2, 4)))
    theirs = train(model, x, recipe, Manual(), seeds=[1, 2]).model
    ours = train_pair(begin, x, replace(FREE, orthonormal=True, commitment=0.5), [1, 2]).model
    assert np.allclose(ours.encoder, theirs.encoder, atol=1e-9)
    assert np.allclose(ours.codewords, theirs.codewords, atol=1e-9)
    assert ours.decoder is ours.encoder or np.array_equal(ours.decoder, ours.encoder)


@pytest.mark.parametrize(
    "work",
    [
        TrainedPair(SOURCE, SHAPE, Start(), replace(FREE, commitment=AdaptiveCommitment(), revive=Revived(2.0))),
        TrainedPair(SOURCE, SHAPE, Start(initialiser=Normal()), replace(FREE, orthonormal=True)),
        FixedPair(SOURCE, SHAPE, random_orthonormal_rows, least_squares),
    ],
    ids=["free", "orthonormal", "fixed"],
)
def test_a_pair_does_not_know_its_neighbours(work):
    """Alone, or in a block with others: the same bits."""
    together = work([1, 2, 3])
    assert together[1] == work([2])[0]
    assert together[2] == work([3, 1])[0]
    assert together[0] != together[1]


def test_a_pair_that_diverges_says_so_and_disturbs_nobody():
    """At a rate that no quadratic bears a run is told as diverged; a member that is not does not notice."""
    x = SOURCE.stacked([1, 2])[0].copy()
    begin = Start()(x, SHAPE, [1, 2])
    x[0] *= 1e4
    done = train_pair(begin, x, FREE, [1, 2])
    alone = train_pair(LinearPair(*(part[1:] for part in begin)), x[1:], FREE, [2])
    assert done.failures[0].startswith("diverged at step")
    assert done.failures[1] == ""
    assert all(np.isfinite(part).all() for part in done.model)
    assert all(np.array_equal(a[1], b[0]) for a, b in zip(done.model, alone.model, strict=True))


def test_revived_codewords_stand_on_vectors():
    """Codewords far from everything die; revival leaves none of them."""
    x, evaluation = SOURCE.stacked([1])
    begin = Start()(x, SHAPE, [1])
    lost = begin._replace(codewords=begin.codewords + np.array([0, 0, 0, 1e3, 1e3, 1e3])[None, :, None])
    figures = [
        train_pair(lost, x, replace(FREE, revive=how), [1]).model.judged(evaluation)[0] for how in (None, Revived(4.0))
    ]
    assert figures[0]["dead codes"] == 3
    assert figures[1]["dead codes"] == 0


def test_the_weight_along_the_way_is_recorded():
    """A warm-up over 40 steps stands at 0, a half, and all of it, at steps 0, 20 and 40."""
    x = SOURCE.stacked([1])[0]
    done = train_pair(Start()(x, SHAPE, [1]), x, replace(FREE, commitment=WarmUp(0.5, steps=40)), [1])
    assert done.steps == (0, 20, 40)
    assert done.weights[:, 0].tolist() == [0.0, 0.25, 0.5]


def test_a_free_encoder_settles_where_beta_says():
    """At rest β c² = 1: four times β halves the gain, within the 10 % that 600 steps of noise leave."""
    source = replace(SOURCE, train=5000)
    gains = [
        TrainedPair(source, SHAPE, Start(), replace(FREE, commitment=beta, steps=600, rate=0.05))([1])[0].metrics["gain"]
        for beta in (0.5, 2.0)
    ]
    assert gains[0] / gains[1] == pytest.approx(2.0, rel=0.1)


def test_no_pair_goes_below_its_limits():
    """Shannon's bound behind the best encoder is below a fixed pair; a random projection loses more than principal axes."""
    best, random = (FixedPair(SOURCE, SHAPE, *rows)([1])[0].metrics for rows in ((), (random_orthonormal_rows,)))
    limits = {arm.name: arm.work([1])[0].metrics for arm in pair_limits(SOURCE, SHAPE, searched=False)}
    whole, behind = limits["Shannon D(R)"], limits["Shannon D(R) behind the encoder"]
    assert whole["distortion"] <= behind["distortion"] < best["distortion"] < random["distortion"]
    assert behind["projection loss"] == pytest.approx(1.5)
    assert best["projection loss"] < random["projection loss"] < random["distortion"]


@pytest.mark.parametrize(
    "design",
    [study(quick=quick) for study in DESIGNS for quick in (False, True)],
    ids=lambda design: f"{design.name}, {len(design.seeds)} seeds",
)
def test_designs_of_pairs_hold_together(design):
    """Arms of a setting have names of their own, the reference is one of them, limits stand beside, 20 seeds or 5."""
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert {design.reference, "Shannon D(R)", "Shannon D(R) behind the encoder"} <= set(names)
    assert all(canonical(configuration(arm.work)) for arm in design.arms)
    assert len(design.seeds) == (5 if design.short else 20)


def test_arms_of_commitment_differ_in_the_weight_alone():
    """What the reference and another arm do differs in one field."""
    for design in (adaptive_commitment(), adaptive_commitment_adam()):
        for setting in design.settings:
            works = {arm.name: arm.work for arm in design.under(setting) if isinstance(arm.work, TrainedPair)}
            usual = works.pop(USUAL)
            assert len(works) == 9
            for work in works.values():
                assert replace(work, recipe=replace(work.recipe, commitment=usual.recipe.commitment)) == usual
