"""Protocol B: its source, its three protocols, its counts, and what its two mistakes do to a codebook that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zador.codebooks import Lloyd, keep_empty
from zador.estimators import projection, straight_through
from zador.metrics import mean_angle, principal_angles
from zador.models.linear import Batch, Chained, KMeansCodewords, Loss, NormalCodewords, Parameters, qr, signed_qr
from zador.studies.catalogue import COMPARISON
from zador.studies.catalogue.estimator_comparison import (
    estimator_comparison,
    estimator_comparison_commitment,
    estimator_comparison_noise,
)
from zador.studies.catalogue.subspace.measures import lloyd_residual
from zador.studies.catalogue.subspace.methods import Turns
from zador.studies.catalogue.subspace.protocols import (
    CORRECTED,
    ORIGINAL,
    PROJECTION,
    SOUND,
    STRAIGHT_THROUGH,
    Table,
    shuffled,
)
from zador.studies.catalogue.subspace.source import Subspace
from zador.studies.plan import Plan

SMALL = Subspace(dim=12, rank=3, noise=0.1, train=3000, evaluation=2000)


def small(arm, **changes):
    """Return the work of an arm on few vectors in few dimensions, for few steps."""
    work = arm.work
    scene = replace(work.scene, source=replace(SMALL, elsewhere=work.scene.source.elsewhere), **changes)
    if not hasattr(work, "recipe"):
        return replace(work, scene=scene)
    return replace(work, scene=scene, recipe=replace(work.recipe, steps=60, batch_size=64, record_every=30))


def arms_of(protocol, *ways, size=8):
    return {arm.name: arm for arm in Table(size, KMeansCodewords(500)).arms(protocol, "", ways)}


def test_the_source_has_its_spectrum_and_its_noise_is_a_standard_deviation():
    """Variance 1 + σ² along U and σ² across it, to five standard errors, and the eigenvalues say the same."""
    drawn, basis = SMALL.draw(3), SMALL.basis(3)
    along = np.square(drawn.train @ basis).mean(0)
    across = (np.square(drawn.train).sum() - np.square(drawn.train @ basis).sum()) / len(drawn.train) / 9
    error = np.sqrt(2 / len(drawn.train))
    assert np.abs(along - 1.01).max() < 5 * 1.01 * error
    assert across == pytest.approx(0.01, abs=5 * 0.01 * error / 3)
    np.testing.assert_allclose(SMALL.eigenvalues, [1.01] * 3 + [0.01] * 9)


def test_elsewhere_changes_the_vectors_to_judge_on_and_nothing_else():
    """The vectors to fit on are the same bits; those to judge on have another U, and without noise they lie in it."""
    silent = replace(SMALL, noise=0.0)
    here, there = silent.draw(5), replace(silent, elsewhere=True).draw(5)
    np.testing.assert_array_equal(here.train, there.train)
    for drawn, basis in ((here, silent.basis(5)), (there, replace(silent, elsewhere=True).judged_basis(5))):
        np.testing.assert_allclose(drawn.evaluation @ basis @ basis.T, drawn.evaluation, atol=1e-12)
    assert principal_angles(silent.basis(5), replace(silent, elsewhere=True).judged_basis(5)).min() > 0.1


def test_fingerprints_are_those_of_the_draws():
    """Another seed, noise, size or subspace to judge on is another fingerprint; the same source is the same one."""
    changed = [{"noise": 0.2}, {"elsewhere": True}, {"train": 2999}, {"rank": 2}]
    prints = [SMALL.fingerprint(1), SMALL.fingerprint(2), *(replace(SMALL, **one).fingerprint(1) for one in changed)]
    assert len(set(prints)) == len(prints)
    assert replace(SMALL).fingerprint(1) == prints[0]


def test_an_epoch_shows_every_vector_once():
    """Twenty vectors in batches of six: after ten batches each was seen three times, and orders differ between epochs."""
    stream = shuffled(4, 20, 6)
    seen = np.concatenate([next(stream) for _ in range(10)])
    assert (np.bincount(seen, minlength=20) == 3).all()
    assert not np.array_equal(seen[:20], seen[20:40])


def test_the_protocols_differ_in_what_they_are_named_for():
    """Original and corrected share everything but the vectors to judge on and the retraction; sound has its own start."""
    table = Table(16, NormalCodewords(0.1), commitment=0.25)
    original, corrected, sound = (protocol.recipe(table) for protocol in (ORIGINAL, CORRECTED, SOUND))
    assert original.steps == 40 * 20_000 // 256
    assert original.step.retraction is qr
    assert replace(original, step=replace(original.step, retraction=signed_qr)) == corrected
    assert (original.loss.codebook_weight, original.loss.commitment) == (64.0, 16.0)
    assert original.step.optimiser.epsilon == pytest.approx(256e-8)
    assert (sound.loss.codebook_weight, sound.loss.commitment, sound.step.optimiser.epsilon) == (1.0, 0.25, 1e-8)
    scenes = [protocol.scene(table) for protocol in (ORIGINAL, CORRECTED, SOUND)]
    assert [scene.source.elsewhere for scene in scenes] == [True, False, False]
    assert scenes[0].begin == scenes[1].begin != scenes[2].begin


def test_warm_starts_lie_on_the_subspace_and_blind_ones_do_not():
    """Principal axes of 3,000 vectors are within a few hundredths of U; random rows in 12 dimensions are not."""
    x = [SMALL.draw(seed).train for seed in (1, 2)]
    for protocol, low, high in ((SOUND, 0.0, 0.05), (CORRECTED, 0.3, 1.6)):
        begun = protocol.begin(NormalCodewords(0.1))(x, 8, 3, [1, 2])
        angles = [mean_angle(encoder.T, SMALL.basis(seed)) for encoder, seed in zip(begun.encoder, (1, 2), strict=True)]
        assert all(low <= angle <= high for angle in angles)


def test_projection_and_straight_through_part_by_no_more_than_rounding():
    """One gradient behind orthonormal rows is the same to 1e-6 of its size in single precision, 1e-13 in double."""
    rng = np.random.default_rng(0)
    for dtype, share in ((np.float32, 1e-6), (np.float64, 1e-14)):
        parameters = Parameters(
            signed_qr(rng.standard_normal((2, 4, 256)).astype(dtype)), rng.standard_normal((2, 16, 4)).astype(dtype)
        )
        batch = Batch(rng.standard_normal((2, 64, 256)).astype(dtype), np.zeros(2, dtype))
        one, other = (
            Chained(way, dtype).gradients(parameters, batch, Loss(64, 16)).encoder for way in (straight_through, projection)
        )
        # A sum of 64 products in each entry, and two projections of rounded numbers: some units of rounding of the largest.
        assert np.abs(one - other).max() < 10 * share * np.abs(one).max()


def test_a_learned_code_puts_vectors_of_another_subspace_into_few_cells():
    """Of 8 codewords for 3 of 256 directions, all are used where they were learned, and at most 3 in another subspace."""
    source = Subspace(rank=3, train=3000, evaluation=1000)
    found = {}
    for protocol in (ORIGINAL, CORRECTED):
        arm = arms_of(protocol)["PCA + Lloyd, converged"]
        scene = replace(arm.work.scene, source=replace(source, elsewhere=protocol.elsewhere), encoder_dim=3)
        (found[protocol.name],) = replace(arm.work, scene=scene)([1])
    assert found["corrected"].metrics["dead codes"] == 0
    assert found["original"].metrics["dead codes"] >= 1
    assert found["original"].metrics["entropy"] < found["corrected"].metrics["entropy"]
    assert found["original"].metrics["dead on training"] == 0
    assert found["original"].metrics["principal angle"] == found["corrected"].metrics["principal angle"] < 0.1


@pytest.mark.parametrize("protocol", [ORIGINAL, CORRECTED, SOUND])
def test_a_run_is_the_same_bits_whichever_seeds_are_beside_it(protocol):
    """Outcomes of seed 2 alone and among three are equal, curves and counted turns too."""
    work = small(arms_of(protocol, PROJECTION)["projection"])
    (alone,), among = work([2]), work([1, 2, 3])
    assert alone.metrics == among[1].metrics
    assert alone.series == among[1].series
    assert alone.series[0].steps == (0, 30, 60)
    assert not alone.failure


def test_every_measure_is_there():
    """What is trained has every measure of the design; k-means has all but those of training."""
    names = {metric.name for metric in estimator_comparison().metrics}
    arms = arms_of(SOUND, STRAIGHT_THROUGH)
    (trained,) = small(arms["straight-through"])([1])
    (reference,) = small(arms["PCA + Lloyd, converged"])([1])
    assert set(trained.metrics) == names
    assert set(reference.metrics) == names - {"row flips", "diverged"}
    assert reference.metrics["Lloyd residual"] == pytest.approx(0, abs=1e-12)


def test_turns_are_counted_a_member():
    """A retraction that flips two rows of the first member and none of the second."""
    frames = signed_qr(np.random.default_rng(0).standard_normal((2, 3, 8)))
    signs = np.array([[[-1.0], [1.0], [-1.0]], [[1.0], [1.0], [1.0]]])
    turns = Turns(lambda encoder: encoder * signs, 2)
    turns(turns(frames))
    assert turns.count.tolist() == [4, 0]


def test_the_residual_is_what_an_update_of_lloyd_takes_away_with_cells_as_they_are():
    """Error before minus error with every codeword at the mean of its cell, as a share; 0 after Lloyd's algorithm."""
    rng = np.random.default_rng(0)
    z, codewords = rng.standard_normal((500, 3)), rng.standard_normal((6, 3))
    indices = ((z[:, None] - codewords) ** 2).sum(2).argmin(1)
    means = np.stack([z[indices == k].mean(0) for k in range(6)])
    before, after = (((z - table[indices]) ** 2).sum() for table in (codewords, means))
    assert lloyd_residual(z, indices, codewords) == pytest.approx(1 - after / before, rel=1e-12)
    settled = Lloyd(iterations=10_000, tolerance=0, empty=keep_empty).fit(z, codewords).codewords
    indices = ((z[:, None] - settled) ** 2).sum(2).argmin(1)
    assert lloyd_residual(z, indices, settled) == pytest.approx(0, abs=1e-20)


def test_the_report_stands_beside_its_own_protocol():
    """Every printed number is quoted under an arm and a setting that exist, over seeds 1, 2, 3; errors are summed again."""
    designs = [study() for study in COMPARISON]
    for design in designs:
        run = {(arm.name, arm.setting) for arm in design.arms}
        assert design.quoted
        assert {(one.arm, one.setting) for one in design.quoted} <= run
        assert {one.seeds for one in design.quoted} == {(1, 2, 3)}
        assert design.seeds == tuple(range(1, 21))
    (printed,) = [
        one
        for one in designs[1].quoted
        if (one.arm, one.setting, one.metric) == ("projection", "σ = 0, original", "reconstruction")
    ]
    assert printed.value == pytest.approx(0.0155 * 256)


def test_what_two_tables_share_is_computed_once():
    """σ = 0.1 and β = 0.25 are one setting, and corrected and sound have one k-means."""
    noise, commitment = estimator_comparison_noise(), estimator_comparison_commitment()
    works = [{(arm.name, arm.setting): arm.work for arm in design.arms} for design in (noise, commitment)]
    for name in ("straight-through", "projection", "PCA + Lloyd, converged"):
        for protocol in ("original", "corrected", "sound"):
            assert works[0][name, f"σ = 0.1, {protocol}"] == works[1][name, f"β = 0.25, {protocol}"]
    short = [study(quick=True).with_seeds(1) for study in COMPARISON]
    plan = Plan.of(short)
    assert len(plan.jobs) < sum(len(design.arms) for design in short)
    k_means = "PCA + Lloyd, converged"
    assert works[1][k_means, "β = 0, corrected"] == works[1][k_means, "β = 1, sound"]
