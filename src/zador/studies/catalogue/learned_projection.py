"""What does a projection before the codebook cost, and what does it cost to learn it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.models.linear import Sgd, cosine
from zador.studies.catalogue.linear_pair import (
    MEASURES,
    PROJECTION_LOSS,
    FixedPair,
    PairRecipe,
    Revived,
    Shape,
    Start,
    TrainedPair,
    least_squares,
    pair_limits,
    random_orthonormal_rows,
)
from zador.studies.catalogue.testbed.source import Source
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["learned_projection"]

SIZE = 32
WHOLE = "codebook in all 64 dimensions"
"""The reference of every table."""

_DIMS, _QUICK_DIMS = (2, 4, 6), (4,)
_NOISES, _QUICK_NOISES = (0.0, 0.1), (0.1,)
_STEPS, _SHORT_STEPS, _SEEDS, _QUICK_SEEDS = 500, 100, 20, 5
_PROTOCOL_A, _KEEPS_SCALE = 0.25, 1.0
"""β of protocol A, behind orthonormal rows; and that at which a free encoder keeps its scale (study of commitment)."""

_NOTES = (
    (
        "Protocol A's source: 64 dimensions, λ from 4 to 0.25 along six random directions, and a noise floor v along "
        "all of them. K = 32."
    ),
    (
        "Projection loss is what the best linear map back from z leaves: no codebook behind this projection does better. "
        "The rest of the error is the codebook's. Learned projections train for 500 steps of 256 vectors, SGD with "
        "cosine schedule, β = 0.25 behind orthonormal rows and 1 behind free ones; fixed ones have Lloyd's algorithm run "
        "to convergence behind them."
    ),
    "From all 64 dimensions Lloyd's algorithm sees what a projection would have dropped; it needs no decoder.",
)


def learned_projection(*, quick: bool = False) -> Design:
    """Return the study: m = 2, 4, 6 of 64 dimensions, without and with a noise floor, five ways to a projection."""
    noises, dims = (_QUICK_NOISES, _QUICK_DIMS) if quick else (_NOISES, _DIMS)
    arms: list[Arm] = []
    for noise in noises:
        for dim in dims:
            arms += _arms(Source(noise_variance=noise), Shape(SIZE, dim), f"v = {noise:g}, m = {dim}", quick=quick)
    count = _QUICK_SEEDS if quick else _SEEDS
    return Design(
        name="learned-projection",
        title="What does a projection before the codebook cost?",
        question=(
            "A codebook of K words in D dimensions can be replaced by one in m dimensions behind a projection. A linear "
            "projection cannot gain on the best codebook of D dimensions; it may lose little, and be easier to fit. What is "
            "lost to the projection and what to the codebook, if the projection is random, principal axes, learned with "
            "orthonormal rows, or learned freely?"
        ),
        factor="noise floor and dimensions kept",
        arms=tuple(arms),
        metrics=(MEASURES[0], PROJECTION_LOSS, *MEASURES[1:]),
        reference=WHOLE,
        seeds=tuple(range(1, count + 1)),
        notes=_NOTES,
        short=quick,
    )


def _arms(source: Source, shape: Shape, setting: str, *, quick: bool) -> Iterator[Arm]:
    yield from pair_limits(source, shape, setting, searched=False)
    yield Arm(WHOLE, FixedPair(source, Shape(SIZE, source.dim)), setting)
    yield Arm("principal axes", FixedPair(source, shape), setting)
    yield Arm("random, transposed back", FixedPair(source, shape, random_orthonormal_rows), setting)
    yield Arm("random, fitted back", FixedPair(source, shape, random_orthonormal_rows, least_squares), setting)
    good, cold = Start(updates=20), Start(rows=random_orthonormal_rows, updates=20)
    for name, start, orthonormal, revive in (
        ("learned orthonormal, from principal axes", good, True, None),
        ("learned orthonormal, from random", cold, True, None),
        ("learned free, from random", cold, False, None),
        ("learned free, from random, revived", cold, False, Revived()),
    ):
        recipe = PairRecipe(
            orthonormal,
            _PROTOCOL_A if orthonormal else _KEEPS_SCALE,
            revive,
            steps=_SHORT_STEPS if quick else _STEPS,
            rate=0.05,
            codebook_rate=0.2,
            optimiser=Sgd(),
            schedule=cosine,
        )
        yield Arm(name, TrainedPair(source, shape, start, recipe), setting)
