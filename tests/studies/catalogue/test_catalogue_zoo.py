"""The estimator zoo: one start for all, ways that do what they say, figures, seeds that do not know each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from zador import fit_codebook, nearest
from zador.metrics import effective_bits
from zador.models import Training, fit
from zador.studies.catalogue import ZOO
from zador.studies.catalogue.sources import Gaussian
from zador.studies.catalogue.zoo.cost import StepCost
from zador.studies.catalogue.zoo.curved import Curved
from zador.studies.catalogue.zoo.methods import KMeans, Trained, TwoStage
from zador.studies.catalogue.zoo.roster import NOTHING, REFERENCE, ROSTER
from zador.studies.catalogue.zoo.scene import SPACING, Scene
from zador.studies.catalogue.zoo.ways import Choosing, Continuous, no_gradient
from zador.studies.configuration import canonical, configuration
from zador.studies.design import Work

SHORT = {"warm_up": Training(steps=30), "training": Training(steps=4, batch_size=32, record_every=2)}
LINEAR = Scene(Gaussian((4.0, 1.0, 0.5, 0.1), train=600, evaluation=200), latent_dim=2, codebook_size=8, **SHORT)
MLP = Scene(Curved(2, 5, train=600, evaluation=200), (12,), latent_dim=2, codebook_size=8, **SHORT)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("study", ZOO, ids=lambda study: study.__name__)
@pytest.mark.parametrize("quick", [False, True])
def test_designs_hold_together(study, quick):
    """Names are unique, the reference is among them, every work is told apart by its configuration."""
    design = study(quick=quick)
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert design.reference in names
    texts = [canonical(configuration(arm.work)) for arm in design.arms]
    assert len(set(texts)) == len(texts)
    assert all(isinstance(arm.work, Work) for arm in design.arms)
    assert design.short == quick
    assert all(len(note) > 20 for note in design.notes)


@pytest.mark.parametrize("scene", [LINEAR, MLP], ids=["linear", "MLP"])
def test_the_start_is_centred_and_scaled_without_a_change(scene):
    """The model does what it did before z was moved; z has mean 0, codewords are `SPACING` apart and k-means of z."""
    begun, train = scene.begun(1), scene.data(1).train
    trained = scene._untrained(1)
    fit(trained, train, scene.warm_up, seed=scene.batches(1))
    with torch.no_grad():
        torch.testing.assert_close(begun.model(train).reconstruction, trained(train).reconstruction, rtol=1e-4, atol=1e-4)
        z = begun.model.encoder(train)
    scale = float(z.abs().max())
    assert z.mean(0).abs().max() < 1e-5 * scale
    apart = torch.cdist(begun.codewords, begun.codewords).fill_diagonal_(torch.inf).amin(1)
    assert apart.median() == pytest.approx(SPACING, rel=1e-4)
    chosen = torch.cdist(z, begun.codewords).argmin(1)
    for k in range(8):
        # Lloyd's algorithm has converged: codewords are the means of their cells.
        torch.testing.assert_close(z[chosen == k].mean(0), begun.codewords[k], rtol=0, atol=1e-3 * scale)


@pytest.mark.parametrize("name", ROSTER)
def test_every_way_trains_from_the_common_start(name):
    """At step 0 every arm is the two-stage model to rounding; afterwards it is not, and the start has not been touched."""
    before = [parameter.clone() for parameter in MLP.begun(1).model.parameters()]
    (outcome,) = Trained(MLP, ROSTER[name])([1])
    (two_stages,) = TwoStage(MLP)([1])
    curve = next(series for series in outcome.series if series.metric == "distortion")
    assert curve.steps == (0, 2, 4)
    assert curve.values[0] == pytest.approx(two_stages.metrics["distortion"], rel=1e-4)
    assert curve.values[-1] == outcome.metrics["distortion"] != curve.values[0]
    assert (outcome.failure, outcome.metrics["diverged"]) == ("", 0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, MLP.begun(1).model.parameters(), strict=True))


def test_without_a_layer_training_goes_on_as_it_was():
    """The ceiling: an error and nothing that codes have, below the error of any code from the same start."""
    (outcome,) = Trained(MLP, Continuous())([1])
    assert set(outcome.metrics) == {"distortion", "diverged"}
    assert outcome.series == ()
    assert outcome.metrics["distortion"] < TwoStage(MLP)([1])[0].metrics["distortion"]


@pytest.mark.parametrize("name", ["straight-through", "NSVQ", "Gumbel-softmax", "REBAR"])
def test_a_seed_does_not_know_its_neighbours(name):
    """Alone, or in a block with others: the same bits."""
    work = Trained(MLP, ROSTER[name])
    together = work([1, 2])
    assert together[1] == work([2])[0]
    assert together[0] != together[1]


def test_no_gradient_moves_the_encoder_by_commitment_alone():
    """Without commitment the encoder rests, while the decoder learns; with it, it moves."""
    for commitment, rests in ((0.0, True), (0.25, False)):
        model = Choosing(no_gradient, commitment=commitment).enter(MLP.model(1), MLP.begun(1), 1)
        fit(model, MLP.data(1).train, MLP.training, seed=0)
        start = MLP.begun(1).model
        assert torch.equal(model.encoder[0].weight, start.encoder[0].weight) == rests
        assert not torch.equal(model.decoder[0].weight, start.decoder[0].weight)
    assert ROSTER[NOTHING].estimator is no_gradient


def test_what_is_drawn_depends_on_the_seed():
    """Layers that draw have another stream for each seed, on the same model and batches."""
    losses = []
    for seed in (1, 1, 2):
        way = ROSTER["NSVQ"]
        model = way.enter(MLP.model(1), MLP.begun(1), seed)
        losses.append(fit(model, MLP.data(1).train, replace(MLP.training, objective=way.objective), seed=0).losses)
    assert losses[0] == losses[1] != losses[2]


def test_figures_are_their_definitions():
    """Of the two-stage model, by hand: the error of codes and of the best code, bits, perplexity, dead codes."""
    (outcome,) = TwoStage(LINEAR)([1])
    begun, x = LINEAR.begun(1), LINEAR.data(1).evaluation
    with torch.no_grad():
        indices = torch.cdist(begun.model.encoder(x), begun.codewords).argmin(1)
        possible = begun.model.decoder(begun.codewords).double().numpy()
    apart = ((x.double().numpy()[:, None] - possible) ** 2).sum(-1)
    shares = np.bincount(indices.numpy(), minlength=8) / len(x)
    found = outcome.metrics
    assert found["distortion"] == pytest.approx(apart[np.arange(len(x)), indices.numpy()].mean(), rel=1e-5)
    assert found["best choice"] == pytest.approx(apart.min(1).mean(), rel=1e-5)
    assert found["perplexity"] == pytest.approx(2 ** -sum(p * np.log2(p) for p in shares if p))
    assert found["dead codes"] == sum(shares == 0)
    assert found["effective bits"] == effective_bits(LINEAR.source.eigenvalues, found["distortion"])
    assert found["best choice"] <= found["distortion"]


def test_k_means_on_the_vectors_is_judged_as_models_are():
    """Its codes are the best choices; on the vectors that it is fitted to no model with as many codes is better."""
    found = KMeans(LINEAR)([1])[0].metrics
    assert found["distortion"] == pytest.approx(found["best choice"])
    train = LINEAR.data(1).train
    table = fit_codebook(train.numpy(), 8, restarts=5, seed=1)
    assert found["distortion"] == pytest.approx(nearest(LINEAR.data(1).evaluation, table.codewords).squared_distances.mean())
    with torch.no_grad():
        possible = LINEAR.begun(1).model.decoder(LINEAR.begun(1).codewords)
    of_model = torch.cdist(train, possible).square().amin(1).mean()
    assert of_model > nearest(train, table.codewords).squared_distances.mean()


def test_a_run_that_diverges_is_an_outcome():
    """A rate a million times too large: told in the failure, counted, no NaN among the numbers."""
    wild = replace(MLP, training=replace(MLP.training, optimiser=replace(MLP.training.optimiser, rate=1e3), steps=40))
    (outcome,) = Trained(wild, ROSTER[REFERENCE])([1])
    assert outcome.failure.startswith("diverged at step ")
    assert outcome.metrics["diverged"] == 1.0
    assert not any(np.isnan(value) for value in outcome.metrics.values())


def test_curved_vectors_are_scaled_and_bent():
    """Variances add up to D; without noise four axes leave out a share, where a linear embedding would leave nothing."""
    source = Curved(noise=0.0, train=4000, evaluation=10)
    train, _ = source.draw(1)
    assert train.var(axis=0).sum() == pytest.approx(16.0)
    assert np.linalg.eigvalsh(np.cov(train.T))[:-4].sum() > 16 / 20
    assert not np.array_equal(train, source.draw(2)[0])
    noisy, _ = replace(source, noise=0.1).draw(1)
    assert np.linalg.eigvalsh(np.cov(noisy.T))[0] > 2 * np.linalg.eigvalsh(np.cov(train.T))[0]


def test_costs_are_shares_of_the_reference():
    """Two numbers, positive: what a step costs, and as a multiple. How large they are is not tested."""
    (outcome,) = StepCost(MLP, ROSTER["ReinMax"], ROSTER[REFERENCE])([1])
    assert set(outcome.metrics) == {"relative cost", "step ms"}
    assert all(value > 0 for value in outcome.metrics.values())
