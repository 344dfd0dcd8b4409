"""The study behind `zador compare`: its arms, its bound, and what it tells the reader."""

from __future__ import annotations

import numpy as np
import pytest

from references.search import brute_force
from zador.codebooks import KMeansPlusPlus, Lloyd, RateDistortion
from zador.data import Vectors
from zador.errors import DataError
from zador.studies.catalogue.compare import METHODS, compare
from zador.studies.design import Method
from zador.studies.meter import Meter
from zador.studies.run import paired, run
from zador.theory import gaussian

SPECTRUM = np.array([4.0, 1.0, 0.25])


def vectors(count=2_000, seed=0):
    return Vectors(np.random.default_rng(seed).standard_normal((count, 3)) * np.sqrt(SPECTRUM), "made", value_range=(-4, 4))


@pytest.fixture(scope="module")
def comparison():
    """All methods at 2 and 4 bits on Gaussian vectors."""
    return compare(vectors(), [2, 4], seed=1)


def test_every_method_at_every_rate(comparison):
    """The arms are the product of rates and methods, in that order."""
    assert [(arm.bits, arm.name) for arm in comparison.arms] == [(b, m.name) for b in (2.0, 4.0) for m in METHODS]


def test_every_initialiser_with_lloyd_and_two_untrained(comparison):
    """Six initialisers run with Lloyd; the random R(D) codebook and the scalar quantizer are judged as they start."""
    names = {arm.name for arm in comparison.arms}
    assert sum(name.endswith("+ Lloyd") for name in names) == 6
    assert {"random R(D) codebook", "scalar Lloyd–Max"} < names


def test_the_numbers_of_an_arm_are_their_definitions():
    """Distortion, standard error, entropy and dead codewords equal what brute force gives for the returned codewords."""
    train, held_out = vectors(800).array, vectors(300, seed=5).array
    method = Method("k-means++ + Lloyd", KMeansPlusPlus(), Lloyd())
    outcome = run(method, 5, train, held_out, SPECTRUM, seed=3)
    indices, squared = brute_force(held_out, outcome.codewords)
    counts = np.bincount(indices, minlength=32)
    share = counts[counts > 0] / 300
    arm = outcome.arm
    assert arm.distortion == pytest.approx(squared.mean(), rel=1e-12)
    assert arm.distortion_se == pytest.approx(squared.std(ddof=1) / np.sqrt(300), rel=1e-12)
    assert arm.entropy_bits == pytest.approx(-(share * np.log2(share)).sum(), rel=1e-12)
    assert arm.dead == (counts == 0).sum()
    assert arm.train_distortion == pytest.approx(brute_force(train, outcome.codewords)[1].mean(), rel=1e-12)
    assert gaussian.distortion_rate(SPECTRUM, arm.effective_bits) == pytest.approx(arm.distortion, rel=1e-9)


def test_differences_are_judged_vector_by_vector(comparison):
    """The noise of a difference is that of paired squared errors: the best arm's is 0, the others' below the unpaired."""
    train, held_out = vectors(800).array, vectors(300, seed=5).array
    methods = [m for m in METHODS if m.name in {"k-means++ + Lloyd", "scalar Lloyd–Max"}]
    first, second = paired([run(method, 4, train, held_out, SPECTRUM, seed=0) for method in methods])
    difference = brute_force(held_out, second.codewords)[1] - brute_force(held_out, first.codewords)[1]
    assert first.arm.excess_se == 0
    assert second.arm.excess_se == pytest.approx(difference.std(ddof=1) / np.sqrt(300), rel=1e-9)
    trained = [arm for arm in comparison.arms if arm.name.endswith("+ Lloyd") and arm.excess_se > 0]
    assert all(arm.excess_se < np.hypot(arm.distortion_se, arm.distortion_se) for arm in trained)


def test_no_arm_beats_the_bound_on_a_gaussian_source(comparison):
    """The vectors are Gaussian, so no held-out distortion lies below D(R) by more than three standard errors."""
    for arm in comparison.arms:
        assert arm.distortion > arm.gaussian_bound - 3 * arm.distortion_se


def test_the_curve_is_the_bound(comparison):
    """The drawn curve starts at the variance and passes through the bounds in the table."""
    assert comparison.curve_distortion[0] == pytest.approx(comparison.data.variance)
    for arm in comparison.arms:
        drawn = np.interp(arm.bits, comparison.curve_bits, comparison.curve_distortion)
        assert drawn == pytest.approx(arm.gaussian_bound, rel=1e-2)


def test_the_exhibit_is_the_best_arm(comparison):
    """Each rate shows the codebook with the lowest held-out distortion, and reconstructions that are its codewords."""
    for exhibit in comparison.exhibits:
        here = [arm for arm in comparison.arms if arm.bits == exhibit.bits]
        assert exhibit.arm == min(here, key=lambda arm: arm.distortion).name
        assert exhibit.usage.sum() == comparison.data.held_out
        nearest = exhibit.codewords[brute_force(exhibit.originals, exhibit.codewords)[0]]
        np.testing.assert_array_equal(exhibit.reconstructions, nearest)


def test_notes_say_what_limits_the_numbers():
    """Few vectors, and directions without variance, are pointed out."""
    few = np.zeros((40, 5))
    few[:, :3] = np.random.default_rng(0).standard_normal((40, 3))
    notes = " ".join(compare(Vectors(few, "few"), [3], methods=METHODS[:1]).notes)
    assert "only 40 vectors" in notes
    assert "2 of 5 directions" in notes
    assert "fewer than 10 vectors a codeword" in notes
    assert len(compare(vectors(), [2], methods=METHODS[:1]).notes) == 1


def test_half_precision_is_compared_as_single():
    """float16 vectors are fitted in float32."""
    half = Vectors(vectors(300).array.astype(np.float16), "half")
    assert len(compare(half, [2], methods=METHODS[-2:]).arms) == 2


def test_more_codewords_than_distinct_vectors():
    """The rate that cannot be had is refused before anything is fitted."""
    with pytest.raises(DataError, match="distinct"):
        compare(vectors(40), [3, 6])


def test_progress_announces_every_arm():
    """The callback hears each arm's name before it runs."""
    heard = []
    methods = (Method("random", RateDistortion(), None),)
    compare(vectors(100), [1, 2], methods=methods, progress=heard.append)
    assert heard == ["random, 1 bits", "random, 2 bits"]


def test_the_meter_sees_memory_and_time():
    """Touching 64 MiB shows up as at least 48 MiB, and the time is positive."""
    with Meter() as meter:
        block = np.ones(8 << 20)
    assert meter.memory_mib > 48
    assert meter.seconds > 0
    assert block.nbytes == 64 << 20
