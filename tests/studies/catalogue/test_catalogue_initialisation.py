"""Starts, learners and what is noted along the way: the studies of initialisation."""

from __future__ import annotations

import numpy as np
import pytest

from zador.codebooks import ByDistortion, Lloyd, RateDistortion, Uniform, keep_empty, relocate_empty
from zador.studies.catalogue import initialisation as designs
from zador.studies.catalogue.sources import Gaussian
from zador.studies.catalogue.starts.initialisers import REFERENCE, KMeans, WideUniform, initialisers, started
from zador.studies.catalogue.starts.journal import Journal, steps_to_end
from zador.studies.catalogue.starts.learners import Averages, FullBatch, Gradients, marks_up_to
from zador.studies.catalogue.starts.place import Place, limits_of
from zador.studies.catalogue.starts.run import Expectation, Run
from zador.studies.configuration import canonical, configuration

SMALL = Place(Gaussian((4.0, 1.0, 0.25), train=400, evaluation=200), 16, 2)
LEARNERS = [
    FullBatch(Lloyd(empty=keep_empty)),
    FullBatch(Lloyd(empty=relocate_empty)),
    Averages(steps=20, batch_size=64),
    Averages(ByDistortion(), steps=20, batch_size=64),
    Gradients(steps=20, batch_size=64),
    Gradients(ByDistortion(), steps=20, batch_size=64),
]
DESIGNS = [getattr(designs, name) for name in designs.__all__ if name.startswith("initialisation")]


def named(learner):
    revived = getattr(learner, "revive", None) or getattr(getattr(learner, "lloyd", None), "empty", None) is relocate_empty
    return f"{type(learner).__name__}{', revived' if revived else ''}"


@pytest.mark.parametrize("learner", LEARNERS, ids=named)
def test_a_seed_gives_the_same_bits_beside_any_other(learner):
    """Alone, beside another seed, and once more: metrics and curve are equal to the last bit, and all are finite."""
    work = Run(SMALL, Uniform(), learner)
    (alone,), (_, beside) = work((3,)), work((5, 3))
    assert alone == beside
    assert all(np.isfinite(value) for value in alone.metrics.values())
    assert alone.series[0].steps == learner.marks
    assert alone.series[0].values[0] == alone.metrics["start distortion"]
    assert alone.series[0].values[-1] == alone.metrics["distortion"]


@pytest.mark.parametrize("learner", LEARNERS, ids=named)
def test_learning_lowers_the_error_and_revival_leaves_nobody_dead(learner):
    """From a tiny cube the error falls to a small part; with revival no codeword is dead at the end."""
    found = Run(SMALL, Uniform(1e-3), learner)((1,))[0].metrics
    assert found["distortion"] < found["start distortion"] / 2
    assert found["dead at start"] > 0
    if "revived" in named(learner):
        assert found["dead codes"] == 0


def test_what_nobody_chooses_stays_dead_under_gradients():
    """A codeword far from all vectors has no gradient: without revival it is dead at the start, midway and at the end."""
    found = Run(SMALL, Uniform(1e-3), Gradients(steps=20, batch_size=64, codebook_rate=0.0))((1,))[0].metrics
    assert found["dead at start"] == found["dead midway"] == found["dead codes"] > 0


def test_without_a_rate_the_encoder_stays_at_the_principal_axes():
    """Then the error is that of the codes alone, worked out directly; a step of the encoder changes it."""
    still = Gradients(steps=5, batch_size=64, encoder_rate=0.0, codebook_rate=0.0)
    found = Run(SMALL, RateDistortion(), still)((1,))[0].metrics["distortion"]
    vectors, codewords = SMALL.vectors(1), started(SMALL, RateDistortion(), 1).astype(np.float32).astype(np.float64)
    codes = vectors.evaluation @ vectors.encoder.T
    expected = ((codes[:, None] - codewords) ** 2).sum(axis=2).min(axis=1).mean()
    # The encoder has been through float32 and back: relative rounding 2^-24 of numbers of the size of the variance.
    assert found == pytest.approx(expected, abs=2**-20 * sum(SMALL.source.variances))
    moved = Gradients(steps=5, batch_size=64, codebook_rate=0.0)
    assert Run(SMALL, RateDistortion(), moved)((1,))[0].metrics["distortion"] != found


def test_a_turned_encoder_is_charged_with_what_it_drops():
    """Error behind any orthonormal encoder = mean of ‖x - Wᵀq‖², less what the principal axes drop: here the weak axis."""
    vectors = SMALL.vectors(1)
    turned = np.eye(3)[[0, 2]]
    codewords = np.zeros((1, 2))
    journal = Journal(SMALL, vectors, (0,), 0)
    journal.note(0, codewords, turned)
    judged = vectors.evaluation
    dropped = (judged**2).sum(axis=1) - ((judged @ vectors.encoder.T) ** 2).sum(axis=1)
    assert journal.outcome().metrics["distortion"] == pytest.approx((judged**2).sum(axis=1).mean() - dropped.mean())


def test_a_run_that_diverges_says_so_and_has_no_end():
    """A rate far beyond stability: the failure names the step, what was measured before stays, nothing else is made up."""
    outcome = Run(SMALL, RateDistortion(), Gradients(steps=50, batch_size=64, codebook_rate=10.0))((1,))[0]
    assert outcome.failure.startswith("diverged at step")
    assert set(outcome.metrics) == {"start distortion", "dead at start", "diverged"}
    assert outcome.metrics["diverged"] == 1.0


def test_steps_to_the_end_of_curves_made_by_hand():
    """A straight line crosses 1.01 where it should; a curve that leaves again counts from its last return."""
    assert steps_to_end([0, 100], [2.0, 1.0]) == pytest.approx(99.0)
    assert steps_to_end([0, 1, 2, 3, 4], [3.0, 1.0, 1.11, 1.0, 1.0]) == pytest.approx(2 + 10 / 11)
    assert steps_to_end([0, 1, 2], [0.9, 0.95, 1.0]) == 0.0


@pytest.mark.parametrize("steps", [1, 2, 3, 100, 300, 500])
def test_marks_lead_from_none_to_all(steps):
    """From 0 to the last step, ascending, few enough to be a curve in a report."""
    marks = marks_up_to(steps)
    assert (marks[0], marks[-1]) == (0, steps)
    assert list(marks) == sorted(set(marks))
    assert len(marks) <= 25


def test_lloyd_noted_step_by_step_is_lloyd():
    """The learner ends on the codewords that `Lloyd.fit` returns, from the same start."""
    learner = Lloyd(empty=keep_empty)
    vectors, start = SMALL.vectors(2), started(SMALL, WideUniform(), 2)
    found = Run(SMALL, WideUniform(), FullBatch(learner))((2,))[0].metrics["distortion"]
    fitted = learner.fit(vectors.codes, start).codewords
    codes = vectors.evaluation @ vectors.encoder.T
    assert found == pytest.approx(((codes[:, None] - fitted) ** 2).sum(axis=2).min(axis=1).mean(), rel=1e-12)


def test_predicted_starts_are_those_measured():
    """Over eight seeds the measured start of a Gaussian law differs from the predicted one by less than 5.4 standard errors.

    That is what Student's t with seven degrees of freedom exceeds once in a thousand times.
    """
    place = Place(Gaussian((4.0,), train=300, evaluation=10), 4, 1)
    found = [outcome.metrics for outcome in Expectation(place, RateDistortion())(range(1, 9))]
    off = np.array([each["start"] - each["predicted"] for each in found])
    assert abs(off.mean()) < 5.4 * off.std(ddof=1) / np.sqrt(len(off))
    assert [each["off"] for each in found] == [each["start"] / each["predicted"] - 1 for each in found]
    assert "predicted" not in Expectation(place, KMeans(100, 2))((1,))[0].metrics


def test_starts_are_their_own_laws():
    """The wide cube has the variance of the data (4 standard errors of a uniform's); k-means starts below its k-means++."""
    x = np.random.default_rng(0).standard_normal((500, 2)) * [2.0, 1.0]
    drawn = WideUniform()(x, 20_000, np.random.default_rng(1))
    variance = x.var(axis=0).mean()
    assert abs(drawn.var() - variance) < 4 * variance * np.sqrt(0.8 / drawn.size)
    starts = initialisers(SMALL)
    error = {name: Expectation(SMALL, starts[name])((1,))[0].metrics["start"] for name in (REFERENCE, "k-means")}
    assert error["k-means"] < error[REFERENCE]


def test_limits_are_those_of_the_leading_axes():
    """Shannon's D(R) of variances 4 and 1 at 4 bits is 2 √4 / 16; the floor of equal ones lies above theirs."""
    (shannon,) = limits_of(SMALL, "", floor=False)[0].work((1,))
    assert shannon.metrics["distortion"] == pytest.approx(0.25)
    assert shannon.metrics["effective bits"] == pytest.approx(4.0)
    equal = Place(Gaussian((1.0, 1.0, 0.5), train=10, evaluation=10), 16, 2)
    (bound,), (floor,) = (arm.work((1,)) for arm in limits_of(equal, ""))
    assert floor.metrics["distortion"] > bound.metrics["distortion"]
    assert floor.metrics["effective bits"] < 4.0


@pytest.mark.parametrize("study", DESIGNS, ids=lambda study: study.__name__)
@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
def test_designs_of_starts_hold_together(study, quick):
    """Every setting has all starts with the reference among them, its limits, and work that tells itself apart in text."""
    design = study(quick=quick)
    assert design.short == quick
    assert len(design.seeds) >= (2 if quick else 5)
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert {*initialisers(designs.PLACES[setting])} <= set(names)
        assert design.reference in names
    for arm in design.arms:
        assert canonical(configuration(arm.work))
    assert {metric.name for metric in design.metrics} >= {"dead at start", "perplexity"}


def test_arms_of_a_setting_differ_in_their_start_alone():
    """Place and learner are the same for all starts, with revival and without but for the reviver."""
    for study in (designs.initialisation_sgd, designs.initialisation_ema_revival):
        arms = [arm for arm in study().under("testbed, K = 32") if arm.name in initialisers(designs.PLACES[arm.setting])]
        assert len({arm.work.learner for arm in arms}) == len({arm.work.place for arm in arms}) == 1
        assert len({arm.work.initialiser for arm in arms}) == len(arms)
