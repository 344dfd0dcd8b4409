"""Sources of vectors: each seed draws its own, the same each time, with the covariance that the source says."""

from __future__ import annotations

import numpy as np
import pytest

from zador.studies.catalogue.bounds import Limit, floor, limit_arms, shannon, shannon_of_all_axes
from zador.studies.catalogue.judgement import figures
from zador.studies.catalogue.sources import Bundled, Gaussian, Mixture
from zador.studies.catalogue.testbed.source import Source as LowRank
from zador.studies.configuration import canonical, configuration
from zador.theory import gaussian

SOURCES = (Gaussian((8.0, 1.0, 0.3)), Mixture(), Bundled("digits", axes=8), Bundled("photos", axes=4, patch=16))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)
def test_a_seed_draws_its_own_vectors_and_always_the_same(source):
    """Other seeds beside it change no bit; nothing may be written to; the configuration is text."""
    train, judged = source.stacked([1, 2])
    alone, _ = source.stacked([2])
    assert np.array_equal(train[1], alone[0])
    assert not np.array_equal(train[0], train[1])
    assert train.shape[2] == judged.shape[2] == len(source.eigenvalues)
    assert source.fingerprint(1) != source.fingerprint(2)
    assert canonical(configuration(source))
    with pytest.raises(ValueError, match="read-only"):
        source.draw(1).train[:] = 0


@pytest.mark.parametrize("source", SOURCES[:2], ids=lambda source: type(source).__name__)
def test_the_covariance_is_the_one_that_is_said(source):
    """Over 200 seeds the mean of the variances along the axes is within four standard errors of them."""
    small = type(source)(**{**vars(source), "train": 400, "evaluation": 1})
    seen = np.array([np.square(small.draw(seed).train).mean(axis=0) for seed in range(200)])
    error = seen.std(axis=0, ddof=1) / np.sqrt(len(seen))
    assert (np.abs(seen.mean(axis=0) - source.eigenvalues) < 4 * error).all()


@pytest.mark.parametrize("name", ["digits", "photos"])
def test_bundled_data_are_split_and_their_variances_add_up_to_one(name):
    """All vectors are used once; a fifth is held out; axes are uncorrelated, the largest first."""
    source = Bundled(name, axes=6)
    train, judged = source.draw(3)
    whole = np.vstack([train, judged])
    assert len(judged) == len(whole) // 5
    assert len(np.unique(whole, axis=0)) == len(np.unique(np.vstack(source.draw(4)), axis=0))
    covariance = np.cov(whole.T, bias=True)
    assert covariance == pytest.approx(np.diag(source.eigenvalues), abs=1e-12)
    assert source.eigenvalues.sum() == pytest.approx(1.0)
    assert (np.diff(source.eigenvalues) <= 0).all()


def test_limits_stand_in_order():
    """Shannon, floor, a codebook; for clusters D(R) is no limit, is called so, and a codebook goes below it."""
    source = Gaussian((2.0, 2.0), train=4000, evaluation=4000)
    bound, least = (arm.work([1])[0].metrics["distortion"] for arm in limit_arms(source, 8))
    found = figures(source, source.draw(1).evaluation, source.draw(1).train[:8])
    assert bound == pytest.approx(gaussian.distortion_rate([2.0, 2.0], 3.0))
    assert bound < least < found["distortion"]
    assert found["effective bits"] < 3.0
    (arm,) = limit_arms(Mixture(), 32, "K = 32")
    assert (arm.name, arm.setting, arm.limit) == ("Gaussian D(R), no limit", "K = 32", True)
    clusters = Mixture(spread=0.01)
    means = clusters.draw(1).train[:200]
    assert (
        figures(clusters, clusters.draw(1).evaluation, means)["distortion"]
        < Limit(clusters, 32, shannon)([1])[0].metrics["distortion"]
    )


def test_figures_count_what_is_used():
    """Of three codewords the far one is dead, and the two others are used evenly."""
    vectors = np.array([[-1.0], [1.0]])
    found = figures(Gaussian((1.0,)), vectors, np.array([[-1.0], [1.0], [9.0]]))
    assert found == {"distortion": 0.0, "effective bits": np.inf, "perplexity": 2.0, "dead codes": 1.0}


def test_the_testbed_is_a_source():
    """Its limits are those of its spectrum, over all its axes."""
    bed = LowRank(train=100, evaluation=50)
    assert bed.is_gaussian
    (_, found) = Limit(bed, 16, shannon)([1, 2])
    assert found.metrics["distortion"] == pytest.approx(gaussian.distortion_rate(bed.eigenvalues, 4.0))
    assert Limit(bed, 16, floor).fingerprint(1) == ""


def test_a_limit_behind_an_encoder_says_what_is_dropped():
    """Dropped energy and the rest add up; what is kept alone is the limit of its own axes; all axes lie below both."""
    source = Gaussian((4.0, 1.0, 0.5))
    (behind,), (kept,) = Limit(source, 16, shannon, 2)([1]), Limit(source, 16, shannon, 2, kept=True)([1])
    (whole,) = Limit(source, 16, shannon_of_all_axes, 2)([1])
    assert behind.metrics["projection loss"] == pytest.approx(0.5)
    assert behind.metrics["in-subspace"] == pytest.approx(0.25)
    assert behind.metrics["overhead"] == pytest.approx(3.0)
    assert kept.metrics["distortion"] == pytest.approx(0.25)
    assert kept.metrics["effective bits"] == pytest.approx(4.0)
    assert whole.metrics["distortion"] == pytest.approx(gaussian.distortion_rate([4.0, 1.0, 0.5], 4.0))
    assert whole.metrics["distortion"] <= behind.metrics["distortion"]
    assert len(limit_arms(source, 16, searched=False)) == 1
