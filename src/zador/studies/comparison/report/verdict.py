"""The judgements on a comparison in sentences: which arm at which rate, how far from the bound, what to look after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zador.studies.comparison.report.judgement import RESOLVED_AT, errors_apart, gap_error
from zador.studies.page import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zador.studies.comparison.records import Arm
    from zador.studies.comparison.report.judgement import Judgement

__all__ = ["advice", "distance", "headline", "in_a_file", "lead", "warnings", "without_coder"]

_AT_THE_BOUND_DB = 0.005
_OVERFIT = 1.10
_OVERSPENT = 1.02
_TIMES = 3


def headline(judgements: Sequence[Judgement]) -> str:
    """Return the answer in one sentence."""
    names = {judgement.best.name for judgement in judgements}
    first = judgements[0].best.name
    if not any(judgement.rivals for judgement in judgements) and len(names) == 1:
        only = wording.called(first)
        return f"Only {only} was compared, so there is no choice to make; how far it is from the bound stands below."
    resolved = [judgement for judgement in judgements if judgement.resolved]
    open_ = [judgement for judgement in judgements if not judgement.resolved]
    if not resolved:
        return _nothing_resolved(judgements, names)
    if not open_ and len(names) == 1:
        return f"{wording.called(first)} is the best quantizer at {_at(judgements)}."
    if not open_:
        return f"The best quantizer depends on the rate: {_leaders(resolved)}."
    return f"Best: {_leaders(resolved)}. At {_at(open_)} the lead is not resolved."


def _nothing_resolved(judgements: Sequence[Judgement], names: set[str]) -> str:
    if len(names) == 1:
        leader = wording.called(judgements[0].best.name)
        return f"{leader} has the lowest error at {_at(judgements)}; its lead over the next best is within the noise."
    return f"{_leaders(judgements)} have the lowest error; their lead over the next best is within the noise."


def advice(judgements: Sequence[Judgement]) -> str:
    """Return what to take without an entropy coder, and which arms one may pick without regret and which not."""
    return " ".join(part for part in (_plain(judgements), _groups(judgements)) if part)


def _plain(judgements: Sequence[Judgement]) -> str:
    found = [(judgement.plain.name, judgement) for judgement in judgements if judgement.plain]
    if not found:
        return ""
    return f"Entropy-coded quantizers compete at equal entropy; the lowest error without an entropy coder: {_each(found)}."


def _groups(judgements: Sequence[Judgement]) -> str:
    """Return nothing where the headline has said it."""
    if not any(judgement.rivals for judgement in judgements) or all(judgement.resolved for judgement in judgements):
        return ""
    near = [{arm.name for arm in (j.best, *j.tied)} for j in judgements]
    present = [{arm.name for arm in (j.best, *j.rivals)} for j in judgements]
    everywhere = [arm.name for arm in _ordered(judgements[-1]) if all(arm.name in names for names in present)]
    good = [name for name in everywhere if all(name in names for names in near)]
    bad = [name for name in everywhere if all(name not in names for names in near)]
    any_rate, every_rate = (" at any rate", " at every rate") if len(judgements) > 1 else ("", "")
    parts = [f"Not clearly beaten{any_rate}: {_names(good)}."] if good else []
    parts += [f"Clearly worse than the best{every_rate}: {_names(bad)}."] if bad else []
    return " ".join(parts)


def _ordered(judgement: Judgement) -> tuple[Arm, ...]:
    return judgement.best, *judgement.rivals


def _names(names: Sequence[str]) -> str:
    return wording.listing([wording.called(name) for name in names], most=6)


def _leaders(judgements: Sequence[Judgement]) -> str:
    return _each([(judgement.best.name, judgement) for judgement in judgements])


def _each(named: Sequence[tuple[str, Judgement]]) -> str:
    parts = [
        f"{wording.called(name)} at {_at([j for other, j in named if other == name])}"
        for name in dict.fromkeys(n for n, _ in named)
    ]
    return wording.listing(parts, most=len(parts))


def _at(judgements: Sequence[Judgement]) -> str:
    *others, last = [judgement.bits for judgement in judgements]
    return wording.listing([*map(wording.bits, others), wording.rate(last)], most=len(judgements))


def distance(arm: Arm) -> str:
    """Return in words how far the arm is from the Gaussian D(R) at its rate."""
    if not math.isfinite(arm.gap_db):
        return "no error left" if arm.gap_db < 0 else "above a Gaussian D(R) of zero: the vectors lie in few dimensions"
    if abs(arm.gap_db) <= max(RESOLVED_AT * gap_error(arm), _AT_THE_BOUND_DB):
        return "on the Gaussian D(R), as far as the noise shows"
    ratio = arm.distortion / arm.gaussian_bound
    if arm.gap_db > 0:
        return f"above the Gaussian D(R): {wording.more(ratio)}"
    return f"below the Gaussian D(R): {wording.percent(1 - ratio)} less error, which Gaussian vectors would not allow"


def lead(judgement: Judgement) -> str:
    """Return in words by how much the best arm leads at a rate, and whether that is more than noise."""
    if not judgement.rivals:
        return "No other quantizer was compared at this rate."
    second = judgement.rivals[0]
    if judgement.resolved:
        return f"Lead resolved: next comes {_behind(judgement.best, second)}."
    others = wording.listing([_behind(judgement.best, arm) for arm in judgement.tied])
    quickest = min((judgement.best, *judgement.tied), key=lambda arm: arm.seconds)
    hint = f"Quickest of them to fit: {wording.called(quickest.name)}, {wording.seconds(quickest.seconds)}."
    return f"Not resolved; within the noise: {others}. {hint}"


def without_coder(judgement: Judgement) -> str:
    """Return in words what a best arm that needs an entropy coder gains over the best that needs none, or nothing."""
    if not judgement.best.entropy_coded:
        return ""
    if judgement.plain is None:
        return "Entropy-coded, as all at this rate." if judgement.rivals else "Entropy-coded."
    if judgement.resolved and judgement.plain is judgement.rivals[0]:
        return "Entropy-coded; the next best needs no entropy coder."
    return f"Entropy-coded. Best without an entropy coder: {_behind(judgement.best, judgement.plain)}."


def in_a_file(judgement: Judgement) -> str:
    """Return in words what the best arm spends in a file, and who comes closer to the bound at the bits of its file."""
    best, closest = judgement.best, judgement.closest
    said = f"In a file: {_spent(best)}"
    if closest.real_gap_db < best.real_gap_db - _AT_THE_BOUND_DB:
        said += f"; closest to the bound by real bits: {wording.called(closest.name)} ({_spent(closest)})"
    return f"{said}."


def _spent(arm: Arm) -> str:
    rate = f"{wording.number(arm.real_bits, 2)}\N{NO-BREAK SPACE}bits"
    if not math.isfinite(arm.real_gap_db):
        return rate
    return f"{rate}, gap\N{NO-BREAK SPACE}{wording.decibels(arm.real_gap_db)}\N{NO-BREAK SPACE}dB"


def _behind(best: Arm, rival: Arm) -> str:
    name = wording.called(rival.name)
    if rival.distortion == best.distortion:
        return f"{name} (same error)"
    apart = f"{wording.number(errors_apart(best, rival), 1)}\N{NO-BREAK SPACE}s.e."
    if best.distortion <= 0:
        return f"{name} ({apart} above no error at all)"
    ratio = rival.distortion / best.distortion
    excess = f"+{wording.percent(ratio - 1)}" if ratio < _TIMES else wording.more(ratio)
    return f"{name} ({excess}, {apart})"


def warnings(arm: Arm) -> list[str]:
    """Return what a user of this arm should look after: overfitting, bits beyond those asked for, dead codewords."""
    found = []
    excess = arm.distortion / arm.train_distortion if arm.train_distortion > 0 else 1.0
    if excess > _OVERFIT and arm.distortion - arm.train_distortion > RESOLVED_AT * arm.distortion_se:
        found.append(
            f"Held-out error is {_above(excess)} the training error: "
            "the quantizer has partly memorised its training vectors; more of them would help."
        )
    if arm.entropy_coded and arm.cross_entropy_bits > _OVERSPENT * arm.bits:
        found.append(
            f"It meets {wording.rate(arm.bits)} on its training vectors; held-out vectors cost "
            f"{wording.number(arm.cross_entropy_bits, 2)} even with an ideal coder."
        )
    if arm.dead and not arm.entropy_coded:  # to a coder, what is never used costs next to nothing
        found.append(f"{_dead(arm)} chosen by no held-out vector.")
    return found


def _above(ratio: float) -> str:
    return f"{wording.percent(ratio - 1)} above" if ratio < _TIMES else f"{wording.number(ratio, 1)} times"


def _dead(arm: Arm) -> str:
    if arm.codebook_size is not None:
        return f"{arm.dead:,} of {wording.count(arm.codebook_size, 'codeword')}"
    return f"{arm.dead:,} of the indices ({wording.unbroken(arm.alphabets)})"
