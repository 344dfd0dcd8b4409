"""Verdicts, computed from rows and never typed in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.claims.evidence import removed, weigh
from zador.studies.claims.runs import NotRunError, Runs
from zador.studies.claims.wording import of_p
from zador.studies.statistics import holm, needed, unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zador.studies.claims.claim import Claim, Control
    from zador.studies.claims.evidence import Evidence
    from zador.studies.rows import Row

__all__ = ["Status", "Verdict", "verdicts"]

_NAN = float("nan")


class Status(StrEnum):
    """What can become of a claim."""

    CONFIRMED = "confirmed"
    SIZE_DIFFERS = "confirmed in direction, size differs"
    REFUTED = "refuted"
    ARTEFACT = "artefact"
    NOT_RESOLVED = "not resolved"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Verdict:
    """What rows say about a claim.

    Attributes:
        claim: the claim.
        status: what became of it.
        sentence: the same in plain English, with the numbers that decided.
        n_seeds: runs of each arm that it rests on; 0 if the study has not been run.
        effect: measured difference, or level, in the metric's own unit; NaN where runs were counted.
        relative: the same as a share.
        low: lower end of its 95 % interval, of this comparison alone.
        high: upper end.
        p: of the test that decided, adjusted over the family.
        family: number of tests of the study that p is adjusted over.
        needed: seeds that would resolve what these do not; None where that is not the question, or cannot be said.
        evidence: one sentence for each part of the claim, and for each control.
    """

    claim: Claim
    status: Status
    sentence: str
    n_seeds: int = 0
    effect: float = _NAN
    relative: float = _NAN
    low: float = _NAN
    high: float = _NAN
    p: float = _NAN
    family: int = 0
    needed: int | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Weighed:
    """A claim with its evidence, before anything is adjusted."""

    claim: Claim
    main: Evidence
    controls: tuple[tuple[Control, Evidence, float], ...]
    missing: tuple[str, ...]

    @property
    def p_values(self) -> list[float]:
        """Return p-values of all tests: for, against, and one a control."""
        return [self.main.p_for, self.main.p_against, *(p for _, _, p in self.controls)]


def verdicts(claims: Iterable[Claim], rows: Iterable[Row], *, alpha: float = 0.05) -> tuple[Verdict, ...]:
    """Return one verdict a claim, in the order of the claims.

    All tests of one study, those for a claim, those against it, and those of its controls, are one family: p-values are
    adjusted with `holm` over them, so that with probability 1 - alpha no verdict of the study is a false alarm.

    Args:
        claims: from `all_claims` or `read_claims`.
        rows: of any studies; those of others than the claims' protocols are passed over.
        alpha: level of a family.
    """
    listed, by_study = tuple(claims), _by_study(rows)
    found: dict[str, Verdict] = {}
    for study in dict.fromkeys(claim.protocol for claim in listed):
        mine = [claim for claim in listed if claim.protocol == study]
        found |= {verdict.claim.key: verdict for verdict in _of_study(mine, by_study.get(study, []), alpha)}
    return tuple(found[claim.key] for claim in listed)


def _by_study(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.study, []).append(row)
    return found


def _of_study(claims: Sequence[Claim], rows: Sequence[Row], alpha: float) -> list[Verdict]:
    runs = Runs(rows)
    weighed = [_weigh(claim, runs) for claim in claims]
    p_values = [p for each in weighed if isinstance(each, _Weighed) for p in each.p_values]
    adjusted = iter(holm(p_values).tolist())
    family = sum(not math.isnan(p) for p in p_values)
    return [
        each if isinstance(each, Verdict) else _judge(each, [next(adjusted) for _ in each.p_values], family, alpha)
        for each in weighed
    ]


def _weigh(claim: Claim, runs: Runs) -> _Weighed | Verdict:
    try:
        main = weigh(claim.prediction, runs)
    except NotRunError as missing:
        return Verdict(claim, Status.NOT_RUN, f"Not run: {missing}.")
    controls: list[tuple[Control, Evidence, float]] = []
    lacking: list[str] = []
    for control in claim.controls:
        try:
            controls.append((control, weigh(control.prediction, runs), removed(claim.prediction, control, runs)))
        except NotRunError as missing:
            lacking.append(f"Control not run: {missing}.")
    return _Weighed(claim, main, tuple(controls), tuple(lacking))


def _judge(weighed: _Weighed, adjusted: list[float], family: int, alpha: float) -> Verdict:
    main, (holds, fails, *removals) = weighed.main, adjusted
    explained = [(*pair[:2], p) for pair, p in zip(weighed.controls, removals, strict=True) if p < alpha]
    more = None
    if holds < alpha and explained:
        status, p = Status.ARTEFACT, explained[0][2]
    elif holds < alpha:
        status, p = Status.CONFIRMED if main.size_fits else Status.SIZE_DIFFERS, holds
    elif fails < alpha:
        status, p = Status.REFUTED, fails
    else:
        status, p = Status.NOT_RESOLVED, holds
        more = _needed(main, alpha / max(family, 1))
    measured = main.measured
    return Verdict(
        claim=weighed.claim,
        status=status,
        sentence=_sentence(status, weighed, explained, p, family, more),
        n_seeds=main.seeds,
        effect=measured.effect if measured else _NAN,
        relative=measured.relative if measured else _NAN,
        low=measured.low if measured else _NAN,
        high=measured.high if measured else _NAN,
        p=p,
        family=family,
        needed=more,
        evidence=_evidence(weighed),
    )


def _needed(main: Evidence, level: float) -> int | None:
    """Return the seeds with which a one-sided test at `level` would resolve what was seen."""
    if main.seeds == 1:
        return None
    if main.measured is None:  # runs were counted: n alike exclude that half of all are different when 2^-n < level
        return max(math.ceil(-math.log2(level)), main.seeds + 1)
    # A family may ask for more seeds than the effect: where Student's t says fewer, the tests of signs have their floor.
    return max(needed(main.measured, np.array(main.threshold), alpha=2 * level) or 0, main.seeds + 1)


def _sentence(
    status: Status,
    weighed: _Weighed,
    explained: Sequence[tuple[Control, Evidence, float]],
    p: float,
    family: int,
    more: int | None,
) -> str:
    main = weighed.main
    told = main.sentence
    if main.parts:
        which = "the first to fail" if status is Status.REFUTED else "the least clear"
        told = f"{len(main.parts)} parts, {which}: {told}"
    if status is Status.ARTEFACT:
        causes = " and ".join(dict.fromkeys(control.artefact_of for control, _, _ in explained))
        shown = "; ".join(evidence.sentence for _, evidence, _ in explained)
        return f"Artefact of {causes}: {told}. But {shown}; {of_p(p)} after Holm over {family} tests."
    if status is Status.NOT_RESOLVED:
        words = unresolved(main.seeds, more)
        return f"{words[0].upper()}{words[1:]}: {told}.{_beside(weighed)}"
    beside = _beside(weighed) if status is Status.REFUTED else ""
    return f"{status.value.capitalize()}: {told}; {of_p(p)} after Holm over {family} tests.{beside}"


def _beside(weighed: _Weighed) -> str:
    """Return what the controls show where the claim does not hold: they are no longer asked, but a reader will."""
    return "".join(f" Beside it: {evidence.sentence}." for _, evidence, _ in weighed.controls)


def _evidence(weighed: _Weighed) -> tuple[str, ...]:
    parts = weighed.main.parts or (weighed.main,)
    told = [f"{part.sentence}." for part in parts]
    for _, evidence, _ in weighed.controls:
        told += [f"Control: {part.sentence}." for part in evidence.parts or (evidence,)]
    return (*told, *weighed.missing)
