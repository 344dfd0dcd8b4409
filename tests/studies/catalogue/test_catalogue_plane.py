"""Training in the plane: steps against gradients written down, seeds that do not know each other, boundaries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from zador.estimators import DiVeQ, GumbelSoftmax, SoftAssignment, projection, straight_through
from zador.studies.atlas.scene import boundary_distance
from zador.studies.catalogue import PICTURES
from zador.studies.catalogue.planar.boundary import _sides, boundary_figures, sent_back, spacing, true_gradient
from zador.studies.catalogue.planar.figures import figures
from zador.studies.catalogue.planar.lloyd import FromStart, Restarted
from zador.studies.catalogue.planar.rules import Mixed, Noisy, Plain
from zador.studies.catalogue.planar.scene import Plane
from zador.studies.catalogue.planar.training import Recipe, Run, recorded
from zador.studies.catalogue.plane import CLUSTERS, RULES, plane
from zador.studies.catalogue.sources import Gaussian
from zador.studies.one_thread import one_thread

PLANE = Plane(Gaussian((1.0, 0.5), train=300, evaluation=200))
SHORT = Recipe(steps=12, batch=32)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Work runs on one thread, as it does in a study."""
    with one_thread():
        yield


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_seed_gives_the_same_bits_beside_others_and_alone(rule):
    """Outcome and way of a seed do not depend on what is computed beside it, nor on its place."""
    run = Run(PLANE, rule, SHORT)
    together = run([4, 2, 9, 3])
    assert run([3]) == together[3:]
    assert run([9, 4]) == [together[2], together[0]]


def test_more_seeds_than_a_block_holds_are_done_in_blocks():
    """Seven seeds give seven traces, those of the second block too as they are alone."""
    run = Run(PLANE, Plain(straight_through), SHORT)
    traces = run.traces([1, 2, 3, 4, 5, 6, 7])
    assert len(traces) == 7
    assert np.array_equal(traces[6].codewords, run.traces([7])[0].codewords)


def test_one_step_is_the_gradient_written_down():
    """Straight-through: 2 (q - x) xᵀ and the commitment for W, 2 (q - z) over the batch for codewords, in NumPy."""
    recipe = Recipe(steps=1, batch=50, encoder_rate=0.1, codebook_rate=0.3, commitment=0.25)
    start = PLANE.start(3)
    (trace,) = Run(PLANE, Plain(straight_through), recipe).traces([3])
    x = start.train[np.random.default_rng([3, 1]).integers(len(start.train), size=(1, 50))[0]]
    z = x @ start.encoder.T
    nearest = np.square(z[:, None] - start.codewords).sum(-1).argmin(1)
    q = start.codewords[nearest]
    slope = 2.0 * (q - x) + 2.0 * 0.25 * (z - q)
    np.testing.assert_allclose(trace.encoder[-1], start.encoder - 0.1 * slope.T @ x / 50, rtol=0, atol=1e-14)
    pulls = np.zeros_like(start.codewords)
    np.add.at(pulls, nearest, 2.0 * (q - z) / 50)
    np.testing.assert_allclose(trace.codewords[-1], start.codewords - 0.3 * pulls, rtol=0, atol=1e-14)
    np.testing.assert_allclose(trace.codebook_path, 0.3 * np.linalg.norm(pulls, axis=1), rtol=0, atol=1e-14)


def test_a_trace_begins_at_the_start_and_its_end_is_what_is_measured():
    """Places are those of `recorded`; no way is shorter than its displacement; the last one gives the outcome."""
    run = Run(PLANE, Plain(projection), SHORT)
    start, (trace,), (outcome,) = PLANE.start(1), run.traces([1]), run([1])
    assert trace.steps == recorded(12) == tuple(range(13))[: len(trace.steps)]
    assert np.array_equal(trace.encoder[0], start.encoder)
    assert np.array_equal(trace.codewords[0], start.codewords)
    assert (trace.codebook_path >= np.linalg.norm(trace.codewords[-1] - trace.codewords[0], axis=1) - 1e-12).all()
    assert outcome.metrics["tortuosity"] >= 1.0
    measured = figures(PLANE.source, start.evaluation, trace.encoder[-1], trace.codewords[-1])
    assert {name: outcome.metrics[name] for name in measured} == measured
    assert [series.values[-1] for series in outcome.series] == [measured["distortion"], measured["dead codes"]]


def test_fewer_places_are_of_the_same_run():
    """What is recorded changes nothing."""
    run = Run(PLANE, Plain(straight_through), SHORT)
    assert np.array_equal(run.traces([1], 4)[0].codewords[-1], run.traces([1])[0].codewords[-1])


def test_a_run_that_diverges_says_so_and_stays_finite():
    """A step far too long ends the run of a seed with its reason, and numbers that are as bad as they are."""
    (outcome,) = Run(PLANE, Plain(straight_through), replace(SHORT, encoder_rate=30.0))([1])
    assert outcome.failure.startswith("diverged at step ")
    assert outcome.metrics["diverged"] == 1.0
    assert all(np.isfinite(value) for value in outcome.metrics.values())


def test_starts_turn_and_shorten_and_share_their_vectors():
    """W is a rotation by 30° to 60° times 0.7; a start without it has the vectors behind the codewords."""
    for seed in range(1, 9):
        start = PLANE.start(seed)
        assert start.encoder @ start.encoder.T == pytest.approx(0.49 * np.eye(2), abs=1e-12)
        assert 30.0 <= abs(np.degrees(np.arctan2(start.encoder[1, 0], start.encoder[0, 0]))) <= 60.0
        straight = replace(PLANE, turn=0.0, scale=1.0).start(seed)
        assert straight.codewords @ start.encoder.T == pytest.approx(start.codewords, abs=1e-12)
        assert {tuple(row) for row in straight.codewords} <= {tuple(row) for row in start.train}


def test_lloyd_starts_where_the_others_do_and_more_starts_are_no_worse():
    """Its first codewords are the vectors of the start; on training vectors ten restarts are at least as good."""
    (trace,) = FromStart(PLANE).traces([2])
    start = PLANE.start(2)
    assert trace.codewords[0] @ start.encoder.T == pytest.approx(start.codewords, abs=1e-12)
    assert trace.codebook_path.sum() >= np.linalg.norm(trace.codewords[-1] - trace.codewords[0], axis=1).sum() - 1e-12
    (one,), (best,) = FromStart(PLANE)([2]), Restarted(PLANE)([2])
    assert not one.series
    assert best.metrics["distortion"] < 1.1 * one.metrics["distortion"]


def test_points_beside_boundaries_are_beside_boundaries():
    """Each pair is a fiftieth of the spacing from a boundary, one on either side."""
    start = PLANE.start(5)
    codewords, sides = torch.from_numpy(start.codewords), _sides(start)
    owners = [torch.cdist(points, codewords).argmin(1) for points in sides]
    assert len(owners[0]) > 100
    assert (owners[0] != owners[1]).all()
    for points, owner in zip(sides, owners, strict=True):
        away = boundary_distance(codewords, points, owner).numpy()
        assert (away <= 0.02 * spacing(start.codewords) + 1e-12).all()


def test_straight_through_sends_twice_the_error():
    """2 (q - x), x = W⁻¹ z, at any point."""
    start = PLANE.start(1)
    points = torch.from_numpy(start.evaluation[:20] @ start.encoder.T)
    q = start.codewords[torch.cdist(points, torch.from_numpy(start.codewords)).argmin(1).numpy()]
    sent = sent_back(start, Plain(straight_through), points, 1).numpy()
    np.testing.assert_allclose(sent, 2.0 * (q - start.evaluation[:20]), rtol=0, atol=1e-12)


def test_the_mean_of_noise_is_over_draws_of_each_point():
    """A point gets the same from a rule that draws, up to its noise, whichever points stand beside it."""
    start, rule = PLANE.start(1), Noisy(DiVeQ())
    points = torch.from_numpy(start.evaluation[:8] @ start.encoder.T)
    some, all_of_them = (sent_back(start, rule, chosen, 1) for chosen in (points[:4], points))
    assert (some - all_of_them[:4]).abs().max() < 0.05 * all_of_them.norm(dim=1).max()


def test_the_truth_is_continuous_and_mixtures_are_too():
    """At a boundary what looks at one codeword jumps, and what is smooth jumps by next to nothing."""
    start = PLANE.start(1)
    sides = _sides(start)
    jump = (true_gradient(start, sides.one, 1) - true_gradient(start, sides.other, 1)).norm(dim=1).mean()
    assert jump < 0.05 * true_gradient(start, sides.one, 1).norm(dim=1).mean()
    soft = boundary_figures(start, Mixed(SoftAssignment(1.0), 0.1), 1)
    hard = boundary_figures(start, Plain(straight_through), 1)
    assert soft["roughness"] < 0.2 * hard["roughness"]
    assert -1.0 <= hard["boundary cosine"] < soft["boundary cosine"] <= 1.0


def test_designs_hold_together():
    """20 seeds, or 5 in the short form; the same arms under both settings, limits beside them, Gumbel draws."""
    full, quick = plane(), plane(quick=True)
    assert plane in PICTURES
    assert (len(full.seeds), len(quick.seeds), full.short, quick.short) == (20, 5, False, True)
    tried = {setting: [arm.name for arm in full.under(setting) if not arm.limit] for setting in full.settings}
    assert full.settings[0] == CLUSTERS
    assert tried[CLUSTERS] == tried["Gaussian"]
    assert {*RULES, "Lloyd, same start", "half the rate", "true gradient"} <= set(tried[CLUSTERS])
    assert {arm.name for arm in full.arms if arm.limit} == {"Gaussian D(R), no limit", "Shannon D(R)", "K-point floor"}
    assert Mixed(GumbelSoftmax(0.5, hard=False), 0.1).noise(12) == 12
