"""The testbed's work: what the reports printed at seed 42, seeds that do not know each other, limits below methods."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from zador.models.linear import Recipe
from zador.studies.catalogue import STUDIES
from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.testbed.arms import (
    AUTOGRAD,
    MANUAL,
    MANUAL_PER_BATCH,
    MATCHED,
    OTHER_BATCHES,
    PROJECTION,
    at_rates,
)
from zador.studies.catalogue.testbed.boundary import Boundary, Predicted
from zador.studies.catalogue.testbed.cost import LloydCost, TrainingCost
from zador.studies.catalogue.testbed.methods import ConvergedLloyd, PcaLloyd
from zador.studies.catalogue.testbed.reported import SEED
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.catalogue.testbed.source import Source

SMALL = Scene(8, Source(dim=12, rank=6, train=2_000, evaluation=500))
SHORT = at_rates(Recipe(steps=40, batch_size=128, record_every=20), 0.05, 0.2)

DIVERGENT = {"very high", "extreme"}
"""At α·lr_E >= 1 a run is a matter of rounding: no digits to compare."""


def compared(name, arms):
    """(ours, printed) of the chosen arms of a study at the reports' seed."""
    (design,) = (study() for study in STUDIES if study().name == name)
    chosen = [arm for arm in design.arms if arm.name in arms and arm.setting not in DIVERGENT]
    found = {(arm.setting, arm.name): arm.work([SEED])[0].metrics for arm in chosen}
    for number in design.quoted:
        if (number.setting, number.arm) in found:
            yield found[number.setting, number.arm][number.metric], number


@pytest.mark.parametrize(
    ("name", "arms"),
    [("verification", {"manual STE"}), ("convergence", {"manual STE", "PCA + Lloyd, as reported"})],
)
def test_baseline_and_manual_rows_are_the_reports_own(name, arms):
    """What the studies run is what the reports ran: equal to the printed digit."""
    pairs = list(compared(name, arms))
    assert len(pairs) >= 4
    for ours, printed in pairs:
        assert abs(ours - printed.value) <= printed.tolerance * 1.0001, printed


@pytest.mark.long
@pytest.mark.parametrize("name", ["codebook-size", "commitment", "learning-rate", "batch-size", "difficult-data"])
def test_all_other_baseline_and_manual_rows_are_the_reports_own(name):
    """The same for every table below divergence."""
    pairs = list(compared(name, {"manual STE", "PCA + Lloyd, as reported"}))
    assert len(pairs) >= 6
    for ours, printed in pairs:
        assert abs(ours - printed.value) <= printed.tolerance * 1.0001, printed


@pytest.mark.parametrize(
    "work",
    [
        PcaLloyd(SMALL, 5),
        ConvergedLloyd(SMALL, 3),
        AUTOGRAD.arm(SMALL, SHORT).work,
        PROJECTION.arm(SMALL, SHORT).work,
        MANUAL.arm(SMALL, SHORT).work,
    ],
    ids=lambda work: type(work).__name__,
)
def test_a_seed_does_not_know_its_neighbours(work):
    """Alone, or in a block with others: the same bits, so that a run may be interrupted anywhere."""
    together = work([42, 43, 44])
    assert together[1] == work([43])[0]
    assert together[2] == work([44, 42])[0]
    assert together[0] != together[1]


def test_manual_equals_autograd_on_its_batches():
    """Equal batches, normalisation and step: float32 against float64 is all that differs."""
    recipe = replace(SHORT, steps=100)
    by_hand, automatic = (variant.arm(SMALL, recipe).work([42])[0].metrics for variant in (MATCHED, AUTOGRAD))
    assert by_hand["reconstruction"] == pytest.approx(automatic["reconstruction"], rel=1e-4)


def test_projection_is_straight_through_behind_orthonormal_rows():
    """The gradient 2(q - z) lies along q - z: projected on it, it stays. Other batches make a larger difference."""
    plain, projected, other = (
        variant.arm(SMALL, SHORT).work([42])[0].metrics["reconstruction"]
        for variant in (AUTOGRAD, PROJECTION, OTHER_BATCHES)
    )
    assert projected == pytest.approx(plain, rel=1e-5)
    assert abs(other - plain) > 10 * abs(projected - plain)


def test_figures_of_a_run_fit_together():
    """Utilisation, overhead and effective bits are what their definitions say of the others; the curve ends there."""
    (outcome,) = AUTOGRAD.arm(SMALL, SHORT).work([42])
    figures = outcome.metrics
    assert figures["utilisation"] == pytest.approx(figures["entropy"] / 3)
    assert figures["overhead"] == pytest.approx(figures["reconstruction"] / figures["in-subspace"])
    assert 0 < figures["effective bits"] < 3
    (curve,) = (series for series in outcome.series if series.metric == "reconstruction")
    assert curve.steps == (0, 20, 40)
    assert curve.values[-1] == figures["reconstruction"]
    assert (figures["diverged"], outcome.failure) == (0.0, "")


def test_divergence_is_an_outcome():
    """α·lr_E = 3 blows up at once: told, counted, and with the figures that it ended at."""
    (outcome,) = MANUAL.arm(SMALL, at_rates(replace(SHORT, steps=100), 0.05, 3.0)).work([42])
    assert outcome.failure.startswith("diverged at step ")
    assert outcome.metrics["diverged"] == 1.0
    assert outcome.metrics["reconstruction"] > 1e3


@pytest.mark.long
def test_limits_stand_below_every_method():
    """No table behind a four-dimensional encoder goes below the floor, which no bound of Shannon's exceeds."""
    bounds = [arm.work for arm in limit_arms(SMALL.source, SMALL.codebook_size, encoder_dim=SMALL.encoder_dim)]
    shannon, floor = (work([0])[0].metrics["reconstruction"] for work in bounds)
    best = ConvergedLloyd(SMALL, 3)([42, 43, 44])
    mean = np.mean([outcome.metrics["reconstruction"] for outcome in best])
    assert shannon < floor < mean
    figures = bounds[1]([0])[0].metrics
    dropped = SMALL.source.eigenvalues[4:].sum()
    assert figures["in-subspace"] == pytest.approx(figures["reconstruction"] - dropped)
    assert figures["overhead"] == pytest.approx(figures["reconstruction"] / figures["in-subspace"])
    assert 0 < figures["effective bits"] < 3
    assert bounds[1].fingerprint(7) == bounds[1].fingerprint(8)


def test_data_are_told_apart():
    """Another seed, dimension, noise or number of vectors is other data; the same is the same."""
    base = Source(dim=8, train=100, evaluation=10)
    others = [replace(base, dim=9), replace(base, noise_variance=0.1), replace(base, train=101), replace(base, rank=5)]
    marks = {source.fingerprint(1) for source in (base, *others)} | {base.fingerprint(2)}
    assert len(marks) == 6
    assert base.fingerprint(1) == Source(dim=8, train=100, evaluation=10).fingerprint(1)


def test_the_boundary_is_where_the_linear_step_turns_unstable():
    """With one codeword, whose members never change, training diverges from the predicted α·lr_E = 1 on, whatever α is."""
    scene = Scene(1, Source(dim=12, train=2_000, evaluation=10))
    assert Predicted(scene, MANUAL)([42])[0].metrics["boundary"] == 1.0
    assert Predicted(scene, AUTOGRAD)([42])[0].metrics["boundary"] == 1.0
    for work in (Boundary(scene, MANUAL), Boundary(scene, MANUAL, 0.25), Boundary(scene, AUTOGRAD)):
        assert 0.98 < work([42])[0].metrics["boundary"] < 1.06


def test_boundaries_searched_for_together_are_those_found_alone():
    """Seeds with the same next question are asked together; that changes no answer."""
    work = Boundary(SMALL, MANUAL_PER_BATCH)
    together = work([42, 43, 44])
    assert together == [*work([42]), *work([43]), *work([44])]
    assert all(outcome.metrics["boundary"] > 1 for outcome in together)


def test_the_predicted_boundary_of_batch_steps_is_that_of_the_largest_cell():
    """A codeword with a share s of the vectors steps s times as far."""
    found = Predicted(SMALL, AUTOGRAD)([42])[0].metrics["boundary"]
    assert 4 < found < 8


@pytest.mark.parametrize("variant", [AUTOGRAD, MANUAL], ids=lambda variant: variant.name)
def test_costs_are_positive_and_a_step_holds_its_batch(variant):
    """A step holds at least z and q, and no copy of the batch of D-dimensional vectors per codeword."""
    figures = TrainingCost(SMALL, variant)([42])[0].metrics
    assert figures["step ms"] > 0
    assert figures["fit s"] > 0
    entry = np.dtype(variant.engine.dtype).itemsize
    assert 1024 * 4 * 2 * entry / 2**20 < figures["memory MiB"] < 64 * 1024 * 4 * entry / 2**20
    lloyd = LloydCost(SMALL)([42])[0].metrics
    assert lloyd["fit s"] > 0
    assert math.isnan(lloyd.get("step ms", math.nan))
