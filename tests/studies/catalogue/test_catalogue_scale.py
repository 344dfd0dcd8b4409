"""The studies of scale and of optimisers: exponents that are known, rates chosen by the rule, works on small data."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from zador.models.linear import Adam, Recipe, Sgd, Step, converged
from zador.studies.catalogue.distortion_law import CURVES, distortion_law
from zador.studies.catalogue.growth.curve import Curve, exponent
from zador.studies.catalogue.growth.fits import Fitted, seeded, split
from zador.studies.catalogue.growth.laws import Predicted, floor, shannon, zador
from zador.studies.catalogue.optimisers import TUNING_SEEDS, Grid, Tuned, cold, optimisers, rates_for, warm
from zador.studies.catalogue.scale import Averaged, Descended, scale
from zador.studies.catalogue.scale import Fitted as Placed
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.catalogue.testbed.source import Source
from zador.studies.configuration import canonical, configuration
from zador.studies.rows import Outcome

SMALL = Curve((1.0, 1.0), (8, 16, 32, 64), 32)
SCENE = Scene(8, Source(dim=12, rank=6, train=2_000, evaluation=500))
LARGE = Source(dim=24, rank=8, train=1_000, evaluation=400)


@pytest.mark.parametrize("dim", [1, 2, 4, 8])
def test_the_exponent_of_the_laws_is_two_over_d(dim):
    """Shannon's D(R) of equal variances and Zador's asymptote are powers of K: the fit finds 2/d in every part."""
    curve = Curve((1.0,) * dim, (8, 16, 32, 64, 128), 1)
    for law in (shannon, zador):
        found = Predicted(curve, law)([1])[0].metrics
        for name in ("exponent", "exponent, lower half", "exponent, upper half"):
            assert found[name] == pytest.approx(2.0 / dim, rel=1e-9)
        assert found["share of 2/d"] == pytest.approx(1.0)
        assert found["gain 8 to 16"] == pytest.approx(1.0 - 2.0 ** (-2.0 / dim))


def test_what_is_dropped_lowers_the_exponent():
    """A constant added to an error that falls makes it fall more slowly, and ever more so."""
    kept = Predicted(SMALL, zador)([1])[0].metrics
    whole = Predicted(replace(SMALL, dropped=0.5), zador)([1])[0].metrics
    assert whole["exponent, upper half"] < whole["exponent, lower half"] < kept["exponent"]


@pytest.mark.parametrize("fit", [split, seeded])
def test_measured_curves_stand_on_the_floor(fit):
    """No codebook of K points is below the floor, every size is below the one before; a seed does not know another."""
    work = Fitted(SMALL, fit)
    first, second = work([1, 2])
    assert second == work([2])[0]
    assert first != second
    errors = first.series[0].values
    assert all(later < earlier for earlier, later in pairwise(errors))
    # 100,000 vectors: the mean squared error of one sample strays by 0.4 % of itself.
    assert all(error > 0.98 * floor(SMALL.variances, size) for size, error in zip(SMALL.sizes, errors, strict=True))
    assert first.metrics["exponent"] == exponent(SMALL.sizes, np.array(errors))


def test_curves_of_the_law_are_long_enough_for_their_metrics():
    """Every curve has the sizes that gains are read from, and doubles from one to the next."""
    for curve in CURVES.values():
        assert {8, 16, 32, 64} <= set(curve.sizes)
        assert all(b == 2 * a for a, b in pairwise(curve.sizes))


def test_rates_are_those_with_the_lowest_error_on_other_seeds(monkeypatch):
    """The rule, with known errors: the lowest wins, a pair that diverges is out, and only tuning seeds are asked."""
    work = Tuned(SCENE, warm, Recipe(steps=3, batch_size=32), Grid((0.1, 0.2), (0.5, 1.0)))
    asked = []

    def pretended(_self, rates, seeds, _record_every):
        asked.append(tuple(seeds))
        error = abs(rates[0] - 0.2) + abs(rates[1] - 1.0)
        failure = "diverged at step 1" if rates == (0.2, 1.0) else ""
        return [Outcome({"reconstruction": error}, (), failure)] * len(seeds)

    monkeypatch.setattr(Tuned, "trained", pretended)
    rates_for.cache_clear()
    assert rates_for(work) == (0.1, 1.0)
    assert set(asked) == {TUNING_SEEDS}
    rates_for.cache_clear()


@pytest.mark.parametrize("begin", [warm, cold])
def test_tuned_training_does_not_know_its_neighbours(begin):
    """Alone, or in a block: the same bits, with the rates of the rule among the metrics."""
    grid = Grid((0.01, 0.03), (0.02,))
    work = Tuned(SCENE, begin, Recipe(steps=20, batch_size=64, step=Step(optimiser=Adam()), record_every=10), grid)
    together = work([42, 43])
    assert together[1] == work([43])[0]
    assert together[0].metrics["lr_W"] in grid.encoder
    assert together[0].metrics["lr_E"] == 0.02


def test_no_study_uses_the_tuning_seeds():
    """Nor do the schedules and optimisers share a grid point that was tried on them."""
    for design in (optimisers(), optimisers(quick=True)):
        assert not set(TUNING_SEEDS) & set(design.seeds)
    works = [arm.work for arm in optimisers().arms if isinstance(arm.work, Tuned)]
    assert len(works) == 27
    assert len({len(work.grid.encoder) * len(work.grid.codebook) for work in works}) == 1


@pytest.mark.parametrize(
    "work",
    [
        Placed(LARGE, 16, converged),
        Descended(LARGE, 16, Recipe(steps=10, batch_size=64, step=Step(optimiser=Sgd()))),
        Averaged(LARGE, 16, 10),
        Averaged(LARGE, 16, 10, given=False),
    ],
    ids=["Lloyd", "STE", "EMA", "EMA from its first batch"],
)
def test_works_at_scale_on_small_data(work):
    """Each seed by itself, above Shannon's bound, with counts that fit the codebook."""
    together = work([1, 2])
    assert together[1] == work([2])[0]
    assert together[0].metrics["effective bits"] < 4.0
    assert 1.0 < together[0].metrics["perplexity"] <= 16.0


@pytest.mark.parametrize(
    "design", [study(quick=quick) for study in (scale, distortion_law, optimisers) for quick in (False, True)]
)
def test_designs_of_scale_hold_together(design):
    """Arms of a setting have names of their own, the reference and Shannon's bound are among them, 20 seeds or 5."""
    for setting in design.settings:
        names = [arm.name for arm in design.under(setting)]
        assert len(names) == len(set(names))
        assert {design.reference, "Shannon D(R)"} <= set(names)
    assert all(canonical(configuration(arm.work)) for arm in design.arms)
    assert len(design.seeds) == (5 if design.short else 20)
