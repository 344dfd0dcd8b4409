"""What the studies of protocol A have in common: seeds from 42 on, the reports' tables, and a shorter form to try things."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.studies.catalogue.bounds import FLOOR
from zador.studies.catalogue.testbed.arms import LLOYD
from zador.studies.catalogue.testbed.reported import SEED, quoted
from zador.studies.design import Design

if TYPE_CHECKING:
    from zador.models.linear import Recipe
    from zador.studies.design import Arm, Metric

__all__ = ["design", "shortened"]

_SEEDS, _QUICK_SEEDS = 20, 5
_SHORTER = 5

_SHARED = (
    "Each seed draws a subspace, vectors to fit on and to judge on, a start and a stream of batches. All but the last are "
    "the same for every method of a setting."
)
_NAMES = "What is called projection here is called rotation in the reports; the rotation trick is another estimator."
_SHORT = (
    f"A quick run: 1/{_SHORTER} of the steps, fewer settings, and no K-point floors, of which each takes as long as a whole "
    "table. It shows that everything works; claims are judged on the full run."
)


def design(
    name: str,
    *,
    title: str,
    question: str,
    arms: tuple[Arm, ...],
    metrics: tuple[Metric, ...],
    quick: bool,
    factor: str = "",
) -> Design:
    """Return a study of protocol A: 20 seeds from the reports' own on, 5 if `quick`.

    A quick study stands beside nothing that the reports printed, as it runs a fifth of their steps.
    """
    count = _QUICK_SEEDS if quick else _SEEDS
    notes = (_SHARED, _NAMES)
    return Design(
        name=name,
        title=title,
        question=question,
        arms=tuple(arm for arm in arms if not (quick and arm.name == FLOOR)),
        metrics=metrics,
        reference=LLOYD,
        factor=factor,
        seeds=tuple(range(SEED, SEED + count)),
        quoted=() if quick else quoted(name),
        notes=(_SHORT, *notes) if quick else notes,
        short=quick,
    )


def shortened(recipe: Recipe, *, quick: bool) -> Recipe:
    """Return the recipe with a fifth of its steps if `quick`."""
    return replace(recipe, steps=recipe.steps // _SHORTER) if quick else recipe
