"""What rows say for and against one prediction: two p-values and a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

import numpy as np
from scipy import stats

from zador.studies.claims import wording
from zador.studies.claims.prediction import Differs, Equal, Fails, Level, parts_of
from zador.studies.claims.runs import Cell
from zador.studies.statistics import above, below, compare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.studies.claims.claim import Control
    from zador.studies.claims.prediction import Prediction
    from zador.studies.claims.runs import Runs
    from zador.studies.statistics import Difference

__all__ = ["Evidence", "removed", "weigh"]

HIGHER_IS_BETTER = frozenset({"entropy", "perplexity", "effective bits", "utilisation"})


@dataclass(frozen=True)
class Evidence:
    """What rows say about a prediction.

    Attributes:
        p_for: p-value of "it is not so"; small where the prediction is shown to hold.
        p_against: p-value of "it is so"; small where it is shown not to.
        seeds: number of runs that it rests on.
        sentence: what was measured, in words.
        size_fits: whether the claimed size is not excluded; true if none was claimed.
        measured: the difference that the sentence speaks of, or the level as one from zero; None where runs are counted.
        threshold: one number a run that `measured` has to be told from for the prediction to hold.
        parts: what each part of a conjunction says; empty otherwise.
    """

    p_for: float
    p_against: float
    seeds: int
    sentence: str
    size_fits: bool = True
    measured: Difference | None = None
    threshold: tuple[float, ...] = ()
    parts: tuple[Evidence, ...] = ()


def weigh(prediction: Prediction, runs: Runs) -> Evidence:
    """Return what `runs` say about `prediction`.

    A conjunction holds if every part does, p = max p_for (berger1982multiparameter), and fails if any part does, p = k times
    the least p_against (Bonferroni). For a difference of a claimed least size, against means "smaller than that".

    Raises:
        NotRunError: rows that it needs are missing.
    """
    parts = tuple(_weigh_one(part, runs) for part in parts_of(prediction))
    if len(parts) == 1:
        return parts[0]
    hardest = max(parts, key=lambda part: (math.isnan(part.p_for), part.p_for))
    refuting = min(parts, key=lambda part: (math.isnan(part.p_against), part.p_against))
    p_against = min(1.0, len(parts) * refuting.p_against)
    return replace(
        refuting if p_against < hardest.p_for else hardest,
        p_for=hardest.p_for,
        p_against=p_against,
        seeds=min(part.seeds for part in parts),
        size_fits=all(part.size_fits for part in parts),
        parts=parts,
    )


def removed(prediction: Prediction, control: Control, runs: Runs) -> float:
    """Return the p-value of "the claim survives its control"; small where what the control takes away explains the claim.

    Where both are differences of one metric, and the control claims no size of its own: the test, seed by seed, that less
    than `control.keeps` of the claimed difference is left. Otherwise p_against of the control's own prediction.

    Raises:
        NotRunError: rows that it needs are missing.
    """
    claimed, controlled = parts_of(prediction), parts_of(control.prediction)
    p_values = []
    for part, other in zip(claimed, controlled, strict=False):
        if not (isinstance(part, Differs) and isinstance(other, Differs)) or part.metric != other.metric:
            break
        if other.relative is None and other.absolute is None:
            p_values.append(_less_is_left(part, other, control.keeps, runs))
    if len(p_values) == len(claimed) == len(controlled):
        return max(p_values, key=lambda p: (math.isnan(p), p))
    return weigh(control.prediction, runs).p_against


def _less_is_left(part: Differs, other: Differs, keeps: float, runs: Runs) -> float:
    a, b, c, d = runs.paired(part.metric, *_cells(part), *_cells(other))
    sign = -1.0 if part.direction == "lower" else 1.0
    return below(compare(sign * (c - d), keeps * sign * (a - b), lower_is_better=False))


def _weigh_one(prediction: Differs | Equal | Level | Fails, runs: Runs) -> Evidence:
    match prediction:
        case Differs():
            return _difference(prediction, *runs.paired(prediction.metric, *_cells(prediction)))
        case Equal():
            return _equivalence(prediction, *runs.paired(prediction.metric, *_cells(prediction)))
        case Level():
            return _level(prediction, *runs.paired(prediction.metric, Cell(prediction.arm, prediction.setting)))
        case Fails():
            return _failure(prediction, runs.diverged(Cell(prediction.arm, prediction.setting)))
        case _:
            assert_never(prediction)


def _difference(prediction: Differs, a: NDArray[np.float64], b: NDArray[np.float64]) -> Evidence:
    lower = prediction.direction == "lower"
    ours = compare(a, b, lower_is_better=_lower_is_better(prediction.metric))
    sign = -1.0 if lower else 1.0
    least = sign * _of_each(b, (prediction.relative or (0.0,))[0], (prediction.absolute or (0.0,))[0])
    one, two = _cells(prediction)
    return Evidence(
        p_for=below(ours) if lower else above(ours),
        p_against=above(ours, least) if lower else below(ours, least),
        seeds=ours.n,
        sentence=wording.of_difference(prediction.metric, one, two, ours) + wording.of_claimed(prediction),
        size_fits=_size_fits(prediction, ours, sign, abs(float(b.mean()))),
        measured=ours,
        threshold=(0.0,) * ours.n,
    )


def _size_fits(prediction: Differs, ours: Difference, sign: float, scale: float) -> bool:
    size = prediction.relative or prediction.absolute
    if size is None:
        return True
    unit = scale if prediction.relative else 1.0
    if unit == 0:  # a share of nothing is no size
        return False
    low, high = sorted((sign * ours.low / unit, sign * ours.high / unit))
    return low <= size[1] and high >= size[0]


def _equivalence(prediction: Equal, a: NDArray[np.float64], b: NDArray[np.float64]) -> Evidence:
    margin = _of_each(b, prediction.relative or 0.0, prediction.absolute or 0.0)
    ours = compare(a, b, lower_is_better=_lower_is_better(prediction.metric))
    inside = (below(ours, margin), above(ours, -margin))
    one, two = _cells(prediction)
    return Evidence(
        p_for=1.0 if ours.failures else max(inside),
        p_against=min(1.0, 2 * min(above(ours, margin), below(ours, -margin))),
        seeds=ours.n,
        sentence=wording.of_difference(prediction.metric, one, two, ours) + wording.of_margin(prediction),
        measured=ours,
        threshold=tuple((margin if inside[0] >= inside[1] else -margin).tolist()),
    )


def _level(prediction: Level, a: NDArray[np.float64]) -> Evidence:
    low = -math.inf if prediction.at_least is None else prediction.at_least
    high = math.inf if prediction.at_most is None else prediction.at_most
    cell = Cell(prediction.arm, prediction.setting)
    if prediction.every_run:
        outside = ~((a >= low) & (a <= high))
        return _every_run(outside, wording.of_runs_outside(prediction, cell, a, int(outside.sum())))
    ours = compare(a, np.zeros(len(a)), lower_is_better=_lower_is_better(prediction.metric))
    sides = [(below(ours, high), above(ours, high), high)] if math.isfinite(high) else []
    sides += [(above(ours, low), below(ours, low), low)] if math.isfinite(low) else []
    hardest = max(sides, key=lambda side: side[0])
    return Evidence(
        p_for=hardest[0],
        p_against=min(1.0, len(sides) * min(side[1] for side in sides)),
        seeds=len(a),
        sentence=wording.of_level(prediction, cell, a),
        measured=ours,
        threshold=(hardest[2],) * ours.n,
    )


def _failure(prediction: Fails, diverged: NDArray[np.bool_]) -> Evidence:
    count, seeds = int(diverged.sum()), len(diverged)
    sentence = wording.of_failures(Cell(prediction.arm, prediction.setting), count, seeds)
    if not prediction.diverges:
        return _every_run(diverged, sentence)
    more, fewer = (stats.binomtest(count, seeds, 0.5, alternative=side).pvalue for side in ("greater", "less"))
    return Evidence(float(more), float(fewer), seeds, sentence)


def _every_run(outside: NDArray[np.bool_], sentence: str) -> Evidence:
    """Return the evidence on "no run does": one that does refutes it, n that do not exclude that half of all would."""
    if outside.any():
        return Evidence(1.0, 0.0, len(outside), sentence)
    return Evidence(0.5 ** len(outside), 1.0, len(outside), sentence)


def _cells(prediction: Differs | Equal) -> tuple[Cell, Cell]:
    setting = prediction.setting if prediction.other_setting is None else prediction.other_setting
    return Cell(prediction.arm, prediction.setting), Cell(prediction.other or prediction.arm, setting)


def _of_each(values: NDArray[np.float64], relative: float, absolute: float) -> NDArray[np.float64]:
    """Return a share of each value plus a constant; zero for a failed run, which is infinitely far from any number."""
    return np.asarray(np.nan_to_num(relative * np.abs(values) + absolute, nan=0.0, posinf=0.0), np.float64)


def _lower_is_better(metric: str) -> bool:
    return metric not in HIGHER_IS_BETTER
