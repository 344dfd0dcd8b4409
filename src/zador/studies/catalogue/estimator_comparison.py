"""Does an estimator save codewords in 256 dimensions? The report's protocol, the same corrected, and a sound one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zador.models.linear import KMeansCodewords, NormalCodewords
from zador.studies.catalogue.subspace.measures import DEAD, MEASURES, RECONSTRUCTION
from zador.studies.catalogue.subspace.protocols import (
    CORRECTED,
    ORIGINAL,
    OTHER_BATCHES,
    PROJECTION,
    ROTATION_TRICK,
    SOUND,
    STRAIGHT_THROUGH,
    Table,
)
from zador.studies.catalogue.subspace.reported import quoted
from zador.studies.design import Design

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zador.studies.catalogue.subspace.protocols import Protocol, Way
    from zador.studies.design import Metric

__all__ = ["estimator_comparison", "estimator_comparison_commitment", "estimator_comparison_noise"]

_SEEDS, _QUICK_SEEDS = 20, 5
_QUICK_EPOCHS = 8
_SETTLED_EPOCHS = 10
"""Of 40, where training starts at principal axes and k-means: the rest moved the reconstruction by 0.3 %, no code died."""

_TWO_WAYS = (STRAIGHT_THROUGH, PROJECTION)
_THREE_WAYS = (*_TWO_WAYS, ROTATION_TRICK)
_FOUR_WAYS = (STRAIGHT_THROUGH, OTHER_BATCHES, PROJECTION, ROTATION_TRICK)

_BLIND = Table(16, NormalCodewords(0.1))
"""K = 16 and codewords from N(0, 0.1²), as the report's tables on noise and commitment have it."""

_SEED = (
    "A seed draws a subspace, vectors to fit on and to judge on, a start and an order of batches; all arms of a setting "
    "share them. Under “original” and “corrected” all but the vectors to judge on are the same."
)
_THREE = (
    "original: vectors to judge on lie in a subspace of their own, W comes back to orthonormal rows by LAPACK's QR with its "
    "signs as they come, training starts at a random W, and the terms of the loss are means over coordinates, which makes β "
    "64 times as large against the reconstruction as sums would. corrected: one subspace, and QR with a positive diagonal. "
    "sound: from the principal axes and with summed losses, too."
)
_ELSEWHERE = (
    "Under “original” errors, entropies and dead codes are those of vectors that have nothing to do with the ones that were "
    "learned from: “dead on training” is what the codebook really leaves unused."
)
_NAMES = (
    "What is called projection here is called rotation in the report; the rotation trick is another estimator. Behind "
    "orthonormal rows the projection is straight-through up to rounding; “other batches” is straight-through once more, and "
    "what differs from straight-through by no more than that says nothing about estimators."
)
_LENGTH = (
    f"Runs take 40 epochs, as in the report; those from principal axes and k-means take {_SETTLED_EPOCHS}: in a trial of 40 "
    "the other 30 moved the reconstruction error by 0.3 %, and no code died."
)
_NOTES = (_SEED, _THREE, _ELSEWHERE, _NAMES, _LENGTH)
_SHORT = (
    f"A quick run: {_QUICK_EPOCHS} of 40 epochs and fewer settings. It shows that everything works; claims are judged on "
    "the full run."
)


def estimator_comparison(*, quick: bool = False) -> Design:
    """Return the study of K = 4 … 64: codewords from k-means on 4,000 encodings by the encoder that training starts from."""
    sizes = (32,) if quick else (4, 8, 16, 32, 64)
    return _design(
        "estimator-comparison",
        title="Does an estimator save codewords as the codebook grows?",
        question=(
            "In three runs at K = 32 and 64 the projection left 85 % fewer codes unused than straight-through, though "
            "behind orthonormal rows the two are the same function. Is it the estimator, chance, or what the codes were "
            "counted on?"
        ),
        tables={f"K = {size}": Table(size, KMeansCodewords(4000)) for size in sizes},
        ways={ORIGINAL: _FOUR_WAYS, CORRECTED: _FOUR_WAYS, SOUND: _FOUR_WAYS},
        first=DEAD,
        quick=quick,
    )


def estimator_comparison_noise(*, quick: bool = False) -> Design:
    """Return the study of σ = 0, 0.1, 0.3 at K = 16: codewords from N(0, 0.1²)."""
    deviations = (0.0,) if quick else (0.0, 0.1, 0.3)
    return _design(
        "estimator-comparison-noise",
        title="Are estimators equally robust to noise?",
        question=(
            "The report finds identical reconstruction at every noise level. Its errors are the whole variance of the data: "
            "nothing was reconstructed. Are they still alike where something is?"
        ),
        tables={f"σ = {deviation:g}": replace(_BLIND, noise=deviation) for deviation in deviations},
        ways=dict.fromkeys((ORIGINAL, CORRECTED, SOUND), _TWO_WAYS),
        first=RECONSTRUCTION,
        quick=quick,
    )


def estimator_comparison_commitment(*, quick: bool = False) -> Design:
    """Return the study of β = 0, 0.1, 0.25, 1 at K = 16: codewords from N(0, 0.1²)."""
    weights = (0.0, 0.25) if quick else (0.0, 0.1, 0.25, 1.0)
    return _design(
        "estimator-comparison-commitment",
        title="Do codebooks collapse without commitment?",
        question=(
            "The report counts 15 of 16 codes dead at β = 0 with both estimators, and none from β = 0.25 on. Is that a "
            "collapse, or the sign that something was learned: a code that has found its subspace puts all vectors of "
            "another one into one cell?"
        ),
        tables={f"β = {weight:g}": replace(_BLIND, commitment=weight) for weight in weights},
        ways={ORIGINAL: _FOUR_WAYS, CORRECTED: _TWO_WAYS, SOUND: _THREE_WAYS},
        first=DEAD,
        quick=quick,
    )


def _design(
    name: str,
    *,
    title: str,
    question: str,
    tables: Mapping[str, Table],
    ways: Mapping[Protocol, tuple[Way, ...]],
    first: Metric,
    quick: bool,
) -> Design:
    return Design(
        name=name,
        title=title,
        question=question,
        arms=tuple(
            arm
            for protocol, chosen in ways.items()
            for setting, table in tables.items()
            for arm in _lasting(table, protocol, quick=quick).arms(protocol, f"{setting}, {protocol.name}", chosen)
        ),
        metrics=(first, *(metric for metric in MEASURES if metric != first)),
        reference=STRAIGHT_THROUGH.name,
        factor="setting",
        seeds=tuple(range(1, 1 + (_QUICK_SEEDS if quick else _SEEDS))),
        quoted=() if quick else quoted(name, ORIGINAL.name),
        notes=(_SHORT, *_NOTES) if quick else _NOTES,
        short=quick,
    )


def _lasting(table: Table, protocol: Protocol, *, quick: bool) -> Table:
    settled = protocol is SOUND and isinstance(table.codewords, KMeansCodewords)
    return replace(table, epochs=_QUICK_EPOCHS if quick else _SETTLED_EPOCHS if settled else table.epochs)
