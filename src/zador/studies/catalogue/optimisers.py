"""Does the optimiser matter, or its schedule, once each has the learning rates that suit it?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from zador.models.linear import Adam, LinearAutoencoder, Manual, Rates, Recipe, Sgd, Step, Warmup, constant, cosine, train
from zador.studies.catalogue.linear_pair import Shape, Start, random_orthonormal_rows
from zador.studies.catalogue.testbed.arms import benchmarks
from zador.studies.catalogue.testbed.measures import MEASURES, outcomes
from zador.studies.catalogue.testbed.methods import OnScene
from zador.studies.catalogue.testbed.reported import SEED
from zador.studies.catalogue.testbed.scene import Scene
from zador.studies.design import Arm, Design, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zador.models.linear import Optimiser, Schedule
    from zador.studies.rows import Outcome

__all__ = ["RATES", "TUNING_SEEDS", "Grid", "Tuned", "cold", "optimisers", "rates_for", "warm"]

REFERENCE = "PCA + Lloyd, converged"

TUNING_SEEDS = (1001, 1002, 1003)
"""No study uses them."""

_STEPS, _SHORT_STEPS, _SEEDS, _QUICK_SEEDS = 300, 100, 20, 5

_NOTES = (
    (
        "Protocol A's source, 64 dimensions, m = 4, straight-through gradients, β = 0.25; batches of 1024. Warm-up is "
        "30 steps to the full rate, then cosine."
    ),
    (
        "The rule for learning rates: of all pairs of the grid the one with the lowest mean reconstruction error on "
        f"evaluation vectors of seeds {TUNING_SEEDS[0]} to {TUNING_SEEDS[-1]}, which the study does not use, after as "
        "many steps from the same kind of start; a pair with which one of these runs diverges is out."
    ),
    (
        "Protocol A's start has run Lloyd's algorithm for 20 updates behind principal axes already; the other starts "
        "with a random orthonormal encoder and k-means++ behind it."
    ),
)

RATES = (
    Metric("lr_W", "lr W", "Learning rate of the encoder, chosen on other seeds.", 5, lower_is_better=None),
    Metric("lr_E", "lr E", "Learning rate of the codebook, chosen on other seeds.", 4, lower_is_better=None),
)


@dataclass(frozen=True)
class Grid:
    """Learning rates to choose from: all pairs.

    Attributes:
        encoder: of W.
        codebook: of E.
    """

    encoder: tuple[float, ...]
    codebook: tuple[float, ...]


OPTIMISERS: Mapping[str, tuple[Optimiser, Grid]] = {
    "SGD": (Sgd(), Grid((0.01, 0.03, 0.1, 0.3), (0.8, 3.2, 12.8))),
    "momentum": (Sgd(momentum=0.9), Grid((0.001, 0.003, 0.01, 0.03), (0.08, 0.32, 1.28))),
    "Adam": (Adam(), Grid((0.0001, 0.001, 0.01, 0.03), (0.02, 0.08, 0.32))),
}
SCHEDULES: Mapping[str, Schedule] = {"constant": constant, "cosine": cosine, "warm-up": Warmup(30, then=cosine)}


def warm(scene: Scene, seeds: Sequence[int]) -> LinearAutoencoder:
    """Return protocol A's start: principal axes, k-means++ and 20 updates of Lloyd's algorithm."""
    return scene.start(seeds)


def cold(scene: Scene, seeds: Sequence[int]) -> LinearAutoencoder:
    """Return a random orthonormal encoder with codewords from k-means++ behind it."""
    x, _ = scene.source.stacked(seeds)
    begin = Start(rows=random_orthonormal_rows)(x, Shape(scene.codebook_size, scene.encoder_dim), seeds)
    return LinearAutoencoder(begin.encoder, begin.codewords, np.zeros((len(seeds), x.shape[2])))


@dataclass(frozen=True)
class Tuned(OnScene):
    """Training with the learning rates that do best on seeds of their own.

    The rule: of all pairs of the grid the one with the lowest mean reconstruction error on the evaluation vectors of the
    tuning seeds, after as many steps from the same kind of start; a pair with which a run diverged is out, and of equals the
    first is taken.

    Attributes:
        begin: where training starts.
        recipe: how to train, but for the rates.
        grid: rates to choose from.
    """

    begin: Callable[[Scene, Sequence[int]], LinearAutoencoder]
    recipe: Recipe
    grid: Grid

    def __call__(self, seeds: Sequence[int], /) -> list[Outcome]:
        """Return the figures on evaluation vectors after the last step, the rates in use among them, and the curves."""
        encoder, codebook = rates_for(self)
        done = self.trained((encoder, codebook), seeds, self.recipe.record_every)
        return [replace(outcome, metrics={**outcome.metrics, "lr_W": encoder, "lr_E": codebook}) for outcome in done]

    def trained(self, rates: tuple[float, float], seeds: Sequence[int], record_every: int) -> list[Outcome]:
        """Return the outcomes at given rates."""
        x, judged = self.scene.source.stacked(seeds)
        recipe = replace(
            self.recipe, rates=replace(self.recipe.rates, encoder=rates[0], codebook=rates[1]), record_every=record_every
        )
        done = train(self.begin(self.scene, seeds), x, recipe, Manual(np.float32), seeds=seeds, evaluation=judged)
        if done.curve is None:  # pragma: no cover - evaluation vectors were given
            raise AssertionError
        return outcomes(self.scene, done.curve.points[-1], done.curve, done.failures)


@lru_cache(maxsize=64)
def rates_for(work: Tuned) -> tuple[float, float]:
    """Return lr_W and lr_E for this work, by the rule in its docstring."""
    pairs = list(product(work.grid.encoder, work.grid.codebook))
    errors = [_error(work.trained(pair, TUNING_SEEDS, work.recipe.steps)) for pair in pairs]
    return pairs[int(np.argmin(errors))]


def _error(found: list[Outcome]) -> float:
    if any(outcome.failure for outcome in found):
        return np.inf
    return float(np.mean([outcome.metrics["reconstruction"] for outcome in found]))


def optimisers(*, quick: bool = False) -> Design:
    """Return the study: three optimisers, three schedules, 300 steps of 1024 vectors, rates tuned on other seeds."""
    settings = {
        "K = 32, protocol A's start": (32, warm),
        "K = 32, random encoder": (32, cold),
        "K = 64, random encoder": (64, cold),
    }
    arms: list[Arm] = []
    for setting, (size, begin) in list(settings.items())[: 1 if quick else 3]:
        scene = Scene(size)
        arms += [arm for arm in benchmarks(scene, setting) if not (quick and arm.name == "K-point floor")]
        for name, (optimiser, grid) in OPTIMISERS.items():
            for called, schedule in SCHEDULES.items():
                recipe = Recipe(
                    steps=_SHORT_STEPS if quick else _STEPS,
                    rates=Rates(schedule=schedule),
                    step=Step(optimiser=optimiser),
                    record_every=50,
                )
                tried = Grid(grid.encoder[1:2], grid.codebook[:2]) if quick else grid
                arms.append(Arm(f"{name}, {called}", Tuned(scene, begin, recipe, tried), setting))
    count = _QUICK_SEEDS if quick else _SEEDS
    return Design(
        name="optimisers",
        title="Does the optimiser matter, or its schedule?",
        question=(
            "The reports train with plain SGD at a constant rate and leave schedules and adaptive optimisers to the future. "
            "Each optimiser here has the pair of learning rates that does best on seeds of their own. Does any of them then "
            "end lower, or earlier, than another, and lower than Lloyd's algorithm behind principal axes?"
        ),
        factor="codebook size and start",
        arms=tuple(arms),
        metrics=(*MEASURES, *RATES),
        reference=REFERENCE,
        seeds=tuple(range(SEED, SEED + count)),
        notes=_NOTES,
        short=quick,
    )
