"""The study behind `zador compare`: which quantizer serves these vectors at which rate, and how far is it from the bound?"""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from zador import __version__
from zador.codebooks import KMeansPlusPlus, Lloyd, principal_axes
from zador.codebooks.fit import distinct_rows
from zador.errors import DataError
from zador.studies.comparison.method import Room
from zador.studies.comparison.methods import METHODS, largest_table
from zador.studies.comparison.records import Comparison, DataCard, Exhibit
from zador.studies.comparison.retrieval import Retrieval
from zador.studies.comparison.run import Outcome, paired, run
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zador.data import Vectors
    from zador.studies.comparison.method import Method

__all__ = ["compare"]

_CURVE_POINTS = 241
_EXAMPLES = 8
_PLENTY = 10
"""Vectors per coordinate from which a covariance, and the bound that rests on it, can be trusted."""
_HEAD_SHARE = 0.02


def compare(
    vectors: Vectors,
    bits: Sequence[int],
    *,
    methods: Sequence[Method] = METHODS,
    held_out: float = 0.25,
    retrieval: bool = False,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda _label, _number, _total: None,
) -> Comparison:
    """Fit every method at every rate that it can be had at to a random part of `vectors`, judge all on the rest.

    Args:
        vectors: the data.
        bits: rates, whole bits per vector.
        methods: what to compare.
        held_out: share of the vectors to judge on.
        retrieval: whether to measure recall as well: how well a search among codes finds nearest neighbours.
        seed: of the split and of every fit.
        progress: told the name of each arm before it starts, its number from 1, and how many there are.

    Raises:
        DataError: a rate that no method can be had at, or vectors that do not vary.
    """
    train, judged = (_floats(part) for part in vectors.split(held_out, seed))
    eigenvalues = principal_axes(_floats(np.asarray(vectors.array))).eigenvalues
    if not eigenvalues.any():
        raise DataError(f"{vectors.name}: all {len(vectors)} vectors are equal; there is nothing to quantize")
    room = Room(distinct_rows(train, largest_table(max(bits))), train.shape[1])
    serving = {rate: [method for method in methods if method.serves(rate, room)] for rate in bits}
    _check_served(serving, room)
    task = Retrieval.among(judged) if retrieval else None
    _compile(train)
    outcomes: list[Outcome] = []
    total, number = sum(map(len, serving.values())), 0
    for rate in bits:
        here = []
        for method in serving[rate]:
            number += 1
            progress(f"{method.name}, {rate} bits", number, total)
            outcome = run(method, rate, train, judged, eigenvalues, seed=seed)
            here.append(outcome if task is None else _with_recall(outcome, task))
        outcomes += paired(here)
    highest = max(*bits, *(outcome.arm.real_bits for outcome in outcomes))
    curve = np.linspace(0.0, highest + max(1.0, 0.05 * highest), _CURVE_POINTS)
    return Comparison(
        data=_card(vectors, len(train), len(judged), eigenvalues),
        arms=tuple(outcome.arm for outcome in outcomes),
        curve_bits=curve,
        curve_distortion=np.asarray(gaussian.distortion_rate(eigenvalues, curve)),
        exhibits=tuple(_exhibit([o for o in outcomes if o.arm.bits == rate], judged) for rate in bits),
        provenance=_provenance(vectors, held_out, seed),
        notes=(*_notes(vectors, eigenvalues, outcomes), *_rate_notes(outcomes, serving, methods, room), *_asked(task)),
    )


def _floats(array: NDArray[Any]) -> NDArray[Any]:
    """Return float32 for half precision, which is exact, and the array itself otherwise."""
    return np.ascontiguousarray(array, np.float32 if array.dtype == np.float16 else array.dtype)


def _check_served(serving: dict[int, list[Method]], room: Room) -> None:
    for rate, methods in serving.items():
        if not methods:
            raise DataError(
                f"{rate} bits: none of the methods can be fitted to {room.distinct} distinct vectors of {room.dim} "
                "coordinates; ask for fewer bits, or for other methods"
            )


def _compile(train: NDArray[Any]) -> None:
    """Load the compiled kernels, so that the first arm's seconds do not hold their compilation."""
    some = np.resize(train[: 1 << 12], (1 << 12, train.shape[1]))
    Lloyd(iterations=1).fit(some, KMeansPlusPlus()(some, 16, np.random.default_rng(0)))


def _with_recall(outcome: Outcome, task: Retrieval) -> Outcome:
    return replace(outcome, arm=replace(outcome.arm, recall=task.recall(outcome.quantizer, outcome.indices)))


def _card(vectors: Vectors, train: int, held_out: int, eigenvalues: NDArray[np.float64]) -> DataCard:
    return DataCard(
        name=vectors.name,
        train=train,
        held_out=held_out,
        dim=vectors.array.shape[1],
        variance=float(eigenvalues.sum()),
        fingerprint=vectors.fingerprint,
        picture_shape=vectors.picture_shape,
        value_range=vectors.value_range,
    )


def _exhibit(outcomes: Sequence[Outcome], held_out: NDArray[Any]) -> Exhibit:
    """Show the best table of `2 ** bits` codewords, or, at rates that no table reaches, what the best arm reconstructs."""
    tables = [o for o in outcomes if o.arm.codebook_size is not None and not o.arm.entropy_coded]
    best = min(tables or outcomes, key=lambda outcome: outcome.arm.distortion)
    rows = np.linspace(0, len(held_out) - 1, min(_EXAMPLES, len(held_out))).astype(int)
    codewords = usage = None
    if tables:
        size = best.quantizer.sizes[0]
        codewords = best.quantizer.decode(np.arange(size)[:, None]).astype(np.float64)
        usage = np.bincount(best.indices[:, 0], minlength=size)
    return Exhibit(
        arm=best.arm.name,
        bits=best.arm.bits,
        codewords=codewords,
        usage=usage,
        originals=held_out[rows].astype(np.float64),
        reconstructions=best.quantizer.decode(best.indices[rows]).astype(np.float64),
    )


def _provenance(vectors: Vectors, held_out: float, seed: int) -> dict[str, str]:
    libraries = ("numpy", "scipy", "scikit-learn", "numba", "constriction")
    return {
        "data": f"{vectors.name}, {len(vectors)} vectors, fingerprint {vectors.fingerprint}",
        "split": f"{held_out:g} of the vectors held out, seed {seed}",
        "zador": __version__,
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in libraries),
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _notes(vectors: Vectors, eigenvalues: NDArray[np.float64], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    notes = [
        "Each method ran once, from one seed: small differences between initialisers may be those of the seed, not theirs."
    ]
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


def _rate_notes(
    outcomes: Sequence[Outcome], serving: dict[int, list[Method]], methods: Sequence[Method], room: Room
) -> tuple[str, ...]:
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


def _asked(task: Retrieval | None) -> tuple[str, ...]:
    return () if task is None else (task.note,)
