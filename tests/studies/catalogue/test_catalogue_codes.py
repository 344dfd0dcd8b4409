"""Codes of every kind are judged alike, on sources that are what they say; and the studies of them hold together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from zador.models import Adam, Training
from zador.models.linear import Manual, Rates, Recipe
from zador.studies.catalogue import REAL_DATA, STRUCTURE
from zador.studies.catalogue.codes.code import Code, measured, of_table
from zador.studies.catalogue.codes.fitted import Fitted, OneTable, Product, Residual, Scalars, of_quantizer
from zador.studies.catalogue.codes.layers import FiniteScalars, LookupFree, ResidualScalars, Stages, Vq
from zador.studies.catalogue.codes.maps import EachPatch, LayerOnMaps, MultiscaleLayer, PatchLayer, TwoLevels
from zador.studies.catalogue.codes.networks import Network
from zador.studies.catalogue.codes.tables import LearnedAxes, PrincipalAxesLloyd, Table
from zador.studies.catalogue.sources import Embeddings, Gaussian, MotionFrames, PhotoMaps
from zador.studies.configuration import canonical, configuration
from zador.studies.design import Work

SOURCE = Gaussian((0.5, 0.3, 0.2), train=600, evaluation=200)
MAPS = PhotoMaps(held_out=0.95)
SHORT = Training(steps=4, batch_size=64, optimiser=Adam(1e-2))
FITS = (OneTable(64), Product(2, 8, turns=1), Residual(2, 8), Residual(2, 8, beam=3, refits=1), Scalars(6.0))
LAYERS = ((Vq(16), 2), (Stages(4, 2), 2), (FiniteScalars((4, 4)), 2), (ResidualScalars((4,), 2), 1), (LookupFree(16), 4))
WORKS = (
    Table(SOURCE, 16),
    PrincipalAxesLloyd(SOURCE, 16, 2),
    LearnedAxes(SOURCE, 16, 2, Recipe(steps=4, batch_size=64)),
    LearnedAxes(SOURCE, 16, 2, Recipe(steps=4, batch_size=64), Manual()),
    *(Fitted(SOURCE, fit) for fit in FITS[:4]),
    *(Network(SOURCE, make, latent, (8,), SHORT) for make, latent in LAYERS),
)
DESIGNS = [study(quick=quick) for study in (*REAL_DATA, *STRUCTURE) for quick in (False, True)]


@pytest.mark.parametrize(
    "source",
    [Embeddings(dim=16, train=50, evaluation=20), MotionFrames(10, 16, 4, 3), MAPS],
    ids=lambda source: type(source).__name__,
)
def test_a_seed_draws_the_same_vectors_each_time_and_variances_add_up_to_one(source):
    """Other seeds beside it change no bit; the eigenvalues are those of scaled vectors, the largest first."""
    train, judged = source.stacked([1, 2])
    assert np.array_equal(train[1], source.stacked([2])[0][0])
    assert not np.array_equal(train[0], train[1])
    assert train.shape[2] == judged.shape[2] == len(source.eigenvalues)
    assert source.eigenvalues.sum() == pytest.approx(1.0)
    assert (np.diff(source.eigenvalues) <= 0).all()
    assert source.fingerprint(1) != source.fingerprint(2)


def test_embeddings_have_the_cosine_the_spectrum_and_the_variance_that_are_said():
    """The variance is 1 within 5 standard errors; the participation ratio of the spectrum is near that of the law."""
    source = Embeddings(train=1000, evaluation=1)
    x = source.draw(1).train
    squared = np.square(x).sum(axis=1)
    assert abs(squared.mean() - 1) < 5 * squared.std() / math.sqrt(len(x))
    law = np.arange(1, 385) ** -0.75
    # Scaling to length 1 takes a little from the leading axes: the two agree within a tenth.
    assert 1 / np.square(source.eigenvalues).sum() == pytest.approx(law.sum() ** 2 / np.square(law).sum(), rel=0.1)


def test_frames_of_a_sequence_are_never_split():
    """A frame to judge on is further from all training frames than the next frame of its own sequence is."""
    source = MotionFrames(sequences=20, frames=32, joints=8, classes=4)
    train, judged = source.draw(1)
    assert (len(train), len(judged)) == (16 * 32, 4 * 32)
    moved = np.linalg.norm(np.diff(judged.reshape(4, 32, -1), axis=1), axis=2)
    away = np.linalg.norm(judged[:, None] - train, axis=2).min(axis=1)
    assert np.median(away) > np.median(moved)


def test_squares_of_photographs_are_their_patches_one_after_the_other():
    """A map of one patch has the same numbers as the map of four, in another order."""
    whole, cut = (PhotoMaps(side, 8 // side, 0.2).draw(3).train for side in (1, 2))
    np.testing.assert_allclose(np.sort(whole, axis=1).sum(axis=1), np.sort(cut, axis=1).sum(axis=1), atol=1e-9)
    square, patches = whole[0].reshape(8, 8, 3), cut[0].reshape(2, 2, 4, 4, 3)
    np.testing.assert_array_equal(patches[1, 0], square[4:, :4])


def test_a_table_is_measured_as_by_hand():
    """Distortion, perplexity, dead codewords and bits agree with loops over vectors."""
    drawn = SOURCE.draw(1)
    table = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1.0, 0.2, 0.0], [50.0, 0.0, 0.0]])
    found = measured(SOURCE, drawn, of_table(table))
    errors, chosen = [], {"train": [0, 0, 0, 0], "evaluation": [0, 0, 0, 0]}
    for part, counts in chosen.items():
        for vector in getattr(drawn, part):
            distances = [sum((a - b) ** 2 for a, b in zip(vector, codeword, strict=True)) for codeword in table]
            counts[int(np.argmin(distances))] += 1
            errors += [min(distances)] if part == "evaluation" else []
    shares = [count / 200 for count in chosen["evaluation"] if count]
    assert found["distortion"] == pytest.approx(math.fsum(errors) / 200)
    assert found["nearest"] == pytest.approx(found["distortion"])
    assert found["perplexity"] == pytest.approx(math.prod(share**-share for share in shares))
    assert found["dead in training"] == 1
    model = [(count + 0.5) / 602 for count in chosen["train"]]
    bits = -sum(c * math.log2(q) for c, q in zip(chosen["evaluation"], model, strict=True)) / 200
    assert found["real bits"] == pytest.approx(bits)
    assert found["stored"] == 12


def test_values_of_several_streams_are_all_combinations():
    """The values of a code are what its indices decode to, every combination once."""
    code = Code((2, 3), lambda x: x.astype(np.int64), lambda indices: indices * 1.0, 0)
    assert sorted(map(tuple, code.values.tolist())) == [(a, b) for a in range(2) for b in range(3)]


@pytest.mark.parametrize("fit", FITS, ids=repr)
def test_fitted_codes_have_the_rate_and_store_what_they_say(fit):
    """Six bits, or a little less where levels are whole; never a reconstruction that is not one of the values."""
    x = SOURCE.draw(1).train
    code = of_quantizer(fit(x, 1))
    assert 5.5 < math.log2(math.prod(code.sizes)) <= 6 + 1e-9
    assert code.stored > 0
    values = {tuple(value) for value in code.values.round(9).tolist()}
    assert {tuple(value) for value in code.decode(code.encode(x[:50])).round(9).tolist()} <= values


@pytest.mark.parametrize("work", WORKS, ids=lambda work: repr(work)[:60])
def test_the_outcome_of_a_seed_is_its_own(work):
    """Alone or beside another seed: the same bits; no value is nearer than the nearest; the configuration is text."""
    (alone,) = work([2])
    _, beside = work([1, 2])
    assert alone.metrics == beside.metrics
    assert not alone.failure
    assert alone.metrics["nearest"] <= alone.metrics["distortion"] + 1e-6
    assert canonical(configuration(work))


@pytest.mark.parametrize(
    "work",
    [
        EachPatch(MAPS, OneTable(16, iterations=2)),
        TwoLevels(MAPS, 8, 4),
        LayerOnMaps(MAPS, PatchLayer(16), replace(SHORT, steps=2)),
        LayerOnMaps(MAPS, MultiscaleLayer(16), replace(SHORT, steps=2)),
    ],
    ids=lambda work: repr(work)[:70],
)
def test_codes_of_maps_are_judged(work):
    """Every code of maps leaves less than all of the variance, and costs no more bits than its indices have."""
    (found,) = work([1])
    assert 0 < found.metrics["distortion"] < 1
    assert 0 < found.metrics["real bits"] < 21


def test_a_network_that_diverges_says_so():
    """A rate that no training survives is an outcome with a failure, and finite numbers."""
    (found,) = Network(SOURCE, Vq(16), 2, (8,), Training(steps=60, batch_size=64, optimiser=Adam(1e6)))([1])
    assert "diverged" in found.failure
    (found,) = LearnedAxes(SOURCE, 16, 2, Recipe(steps=40, batch_size=64, rates=Rates(1e3, 1e3)))([1])
    assert "diverged" in found.failure


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: f"{design.name}, {'quick' if design.short else 'full'}")
def test_designs_hold_together(design):
    """Names are unique under a setting, the reference is among them, limits stand beside, every work is text."""
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert design.reference in names
        if design.name != "real-data-dead-codes":
            assert any(arm.limit for arm in design.under(setting))
    for arm in design.arms:
        assert isinstance(arm.work, Work)
        assert canonical(configuration(arm.work))
    assert len({metric.name for metric in design.metrics}) == len(design.metrics)
