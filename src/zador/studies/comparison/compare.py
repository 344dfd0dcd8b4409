"""The study behind `zador compare`: which quantizer serves these vectors at which rate, and how far is it from the bound?"""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zador import __version__
from zador.codebooks import KMeansPlusPlus, Lloyd, principal_axes
from zador.codebooks.fit import distinct_rows
from zador.errors import DataError
from zador.studies.comparison import notes
from zador.studies.comparison.method import Room
from zador.studies.comparison.methods import METHODS, largest_table
from zador.studies.comparison.records import Comparison, DataCard, Exhibit
from zador.studies.comparison.retrieval import Retrieval
from zador.studies.comparison.run import Outcome, paired, run
from zador.studies.comparison.several import together
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zador.data import Vectors
    from zador.studies.comparison.method import Method

__all__ = ["compare"]

_CURVE_POINTS = 241
_EXAMPLES = 8


def compare(
    vectors: Vectors,
    bits: Sequence[int],
    *,
    methods: Sequence[Method] = METHODS,
    held_out: float = 0.25,
    retrieval: bool = False,
    seeds: Sequence[int] = (0,),
    progress: Callable[[str, int, int], None] = lambda _label, _number, _total: None,
) -> Comparison:
    """Fit every method at every rate that it can be had at to a random part of `vectors`, judge all on the rest.

    Args:
        vectors: the data.
        bits: rates, whole bits per vector.
        methods: what to compare.
        held_out: share of the vectors to judge on.
        retrieval: whether to measure recall as well: how well a search among codes finds nearest neighbours.
        seeds: of the split and of every fit, one after the other: with several, each arm is fitted on as many splits, its
            numbers are means, and a lead counts as one if it holds over the seeds.
        progress: told the name of each arm before it starts, its number from 1, and how many there are.

    Raises:
        DataError: a rate that no method can be had at, or vectors that do not vary.
    """
    eigenvalues = principal_axes(_floats(np.asarray(vectors.array))).eigenvalues
    if not eigenvalues.any():
        raise DataError(f"{vectors.name}: all {len(vectors)} vectors are equal; there is nothing to quantize")
    splits = [_Split.of(vectors, held_out, seed, retrieval=retrieval) for seed in seeds]
    train, judged = splits[0].train, splits[0].judged
    distinct = min(distinct_rows(split.train, largest_table(max(bits))) for split in splits)
    room = Room(distinct, train.shape[1])
    serving = {rate: [method for method in methods if method.serves(rate, room)] for rate in bits}
    _check_served(serving, room)
    _compile(train)
    outcomes: list[Outcome] = []
    total, number = len(splits) * sum(map(len, serving.values())), 0
    for rate in bits:
        repetitions: list[list[Outcome]] = [[] for _ in splits]
        for method in serving[rate]:
            for split, here in zip(splits, repetitions, strict=True):
                number += 1
                progress(f"{method.name}, {rate} bits" + f", seed {split.seed}" * (len(splits) > 1), number, total)
                here.append(split.judge(method, rate, eigenvalues))
        outcomes += together(repetitions, held_out) if len(splits) > 1 else paired(repetitions[0])
    highest = max(*bits, *(outcome.arm.real_bits for outcome in outcomes))
    curve = np.linspace(0.0, highest + max(1.0, 0.05 * highest), _CURVE_POINTS)
    return Comparison(
        data=_card(vectors, len(train), len(judged), eigenvalues),
        arms=tuple(outcome.arm for outcome in outcomes),
        curve_bits=curve,
        curve_distortion=np.asarray(gaussian.distortion_rate(eigenvalues, curve)),
        exhibits=tuple(_exhibit([o for o in outcomes if o.arm.bits == rate], judged) for rate in bits),
        provenance=_provenance(vectors, held_out, seeds),
        notes=(
            *notes.on_data(vectors, eigenvalues, outcomes, len(splits)),
            *notes.on_rates(outcomes, serving, methods, room),
            *((splits[0].task.note,) if splits[0].task else ()),
        ),
        seeds=len(splits),
    )


@dataclass(frozen=True, eq=False)
class _Split:
    """One random split, and the queries for retrieval in it, if asked for."""

    train: NDArray[Any]
    judged: NDArray[Any]
    seed: int
    task: Retrieval | None

    @classmethod
    def of(cls, vectors: Vectors, held_out: float, seed: int, *, retrieval: bool) -> Self:
        train, judged = (_floats(part) for part in vectors.split(held_out, seed))
        return cls(train, judged, seed, Retrieval.among(judged) if retrieval else None)

    def judge(self, method: Method, rate: int, eigenvalues: NDArray[np.float64]) -> Outcome:
        outcome = run(method, rate, self.train, self.judged, eigenvalues, seed=self.seed)
        if self.task is None:
            return outcome
        return replace(outcome, arm=replace(outcome.arm, recall=self.task.recall(outcome.quantizer, outcome.indices)))


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


def _provenance(vectors: Vectors, held_out: float, seeds: Sequence[int]) -> dict[str, str]:
    libraries = ("numpy", "scipy", "scikit-learn", "numba", "constriction")
    return {
        "data": f"{vectors.name}, {len(vectors)} vectors, fingerprint {vectors.fingerprint}",
        "split": f"{held_out:g} of the vectors held out, {_named(seeds)}",
        "zador": __version__,
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in libraries),
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _named(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds: {', '.join(map(str, seeds))}"
