"""Several seeds of one comparison become one: means, their noise, and what it leaves of a lead."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.studies.comparison.records import Arm
from zador.studies.statistics import holm
from zador.studies.statistics.resampled import resampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.comparison.run import Outcome

__all__ = ["together"]


def together(repetitions: Sequence[Sequence[Outcome]], held_out: float) -> list[Outcome]:
    """Return one outcome a method at one rate: its numbers are means over the seeds, its quantizer is the first seed's.

    Differences to the best arm are paired by seed, their noise is that of `resampled`, and p-values are Holm-adjusted for
    the arms at this rate.

    Args:
        repetitions: for each seed the outcomes of the same methods, in the same order.
        held_out: share of the vectors that each split judges on.
    """
    arms = [[outcome.arm for outcome in of_method] for of_method in zip(*repetitions, strict=True)]
    errors = np.array([[arm.distortion for arm in of_method] for of_method in arms])
    best = int(errors.mean(axis=1).argmin())
    excess = [resampled(row - errors[best], held_out) for row in errors]
    rivals = [number for number in range(len(arms)) if number != best]
    adjusted = dict(zip(rivals, holm([excess[number].p for number in rivals]), strict=True)) if rivals else {}
    return [
        replace(
            first,
            arm=replace(
                _mean(of_method),
                distortion_se=resampled(errors[number], held_out).standard_error,
                excess_se=0.0 if number == best else excess[number].standard_error,
                excess_p=float(adjusted.get(number, 1.0)),
            ),
        )
        for number, (first, of_method) in enumerate(zip(repetitions[0], arms, strict=True))
    ]


def _mean(arms: Sequence[Arm]) -> Arm:
    """Return the arm whose numbers are means; what is the same for all, or no number, is the first one's."""
    changed: dict[str, Any] = {}
    for field in fields(Arm):
        values = [getattr(arm, field.name) for arm in arms]
        if isinstance(values[0], float):
            changed[field.name] = float(np.mean(values))
        elif field.name == "dead":
            changed[field.name] = round(float(np.mean(values)))
        elif isinstance(values[0], dict):
            changed[field.name] = {key: float(np.mean([value[key] for value in values])) for key in values[0]}
    return replace(arms[0], **changed)
