"""What the reader of a comparison has to know to read its numbers rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.data import Vectors
    from zador.studies.comparison.method import Method, Room
    from zador.studies.comparison.run import Outcome

__all__ = ["on_data", "on_rates"]

_PLENTY = 10
"""Vectors per coordinate from which a covariance, and the bound that rests on it, can be trusted."""
_HEAD_SHARE = 0.02


def _of_seeds(count: int) -> str:
    if count == 1:
        return (
            "Each method ran once, from one seed: small differences between initialisers may be those of the seed, not "
            "theirs."
        )
    return (
        f"Each method ran {count} times, each time on another split: numbers are means over them. Standard errors are over "
        "those runs, corrected for the overlap of the splits; a lead counts as resolved where its Holm-adjusted p-value is "
        "below 0.05."
    )


def on_data(vectors: Vectors, eigenvalues: NDArray[np.float64], outcomes: Sequence[Outcome], seeds: int) -> tuple[str, ...]:
    """Return what to know of these data: how the noise is measured, and where the data are too few.

    Args:
        vectors: the data.
        eigenvalues: (D,) of their covariance.
        outcomes: of all arms.
        seeds: how often each arm was fitted.
    """
    notes = [_of_seeds(seeds)]
    count, dim = vectors.array.shape
    if count < _PLENTY * dim:
        notes.append(
            f"The covariance of {dim} coordinates is estimated from only {count} vectors: the Gaussian bound is a plug-in "
            "value, biased low at high rates."
        )
    flat = dim - int(np.count_nonzero(eigenvalues))
    if flat:
        notes.append(f"The data do not vary in {flat} of {dim} directions; the bound and the Gaussian starts ignore those.")
    largest = max((outcome.arm.codebook_size or 0 for outcome in outcomes), default=0)
    if count < _PLENTY * largest:
        notes.append(
            f"A table of {largest} codewords has fewer than {_PLENTY} vectors each here: held-out error exceeds training "
            "error, and dead codewords on held-out data are expected."
        )
    return tuple(notes)


def on_rates(
    outcomes: Sequence[Outcome], serving: dict[int, list[Method]], methods: Sequence[Method], room: Room
) -> tuple[str, ...]:
    """Return what to know of these rates: methods that cannot be had at them, equal arms, what coders and heads cost.

    Args:
        outcomes: of all arms.
        serving: methods that can be had at each rate.
        methods: all that were asked for.
        room: what the data leave room for.
    """
    notes = []
    for rate, here in serving.items():
        missing = [method.name for method in methods if method not in here]
        if missing:
            notes.append(
                f"At {rate} bits without {', '.join(missing)}: {room.distinct} distinct training vectors of {room.dim} "
                "coordinates do not allow that rate."
            )
    notes += _twins(outcomes)
    if any(outcome.arm.entropy_coded for outcome in outcomes):
        notes.append(
            "Entropy-coded methods meet their rate as the entropy of training vectors; what held-out vectors cost stands "
            "under cross-entropy and real bits, and is what to compare them by."
        )
    heads = [o for o in outcomes if o.arm.real_bits > (1 + _HEAD_SHARE) * o.arm.cross_entropy_bits]
    if heads:
        most = max(o.arm.real_bits - o.arm.cross_entropy_bits for o in heads)
        notes.append(
            f"Real bits are those of a file of {len(outcomes[0].indices)} vectors; its head, checksum and last words cost "
            f"up to {most:.2g} bits a vector here, which larger files hardly notice."
        )
    return tuple(notes)


def _twins(outcomes: Sequence[Outcome]) -> list[str]:
    """Say where a lattice turned into another one: both rows are then the same quantizer."""
    found: dict[tuple[float, float, float], list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault((outcome.arm.bits, outcome.arm.distortion, outcome.arm.real_bits), []).append(outcome)
    return [
        f"At {twins[0].arm.bits:g} bits {' and '.join(o.arm.name for o in twins)} are one and the same quantizer: where "
        "axes are narrow beside a cell, blocks gain nothing and whole numbers are used."
        for twins in found.values()
        if len(twins) > 1 and all(o.arm.entropy_coded for o in twins)
    ]
