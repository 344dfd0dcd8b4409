"""The study behind `zador compare`: which codebook serves these vectors at which rate, and how far is it from the bound?"""

from __future__ import annotations

import datetime as dt
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from zador import __version__
from zador.codebooks import (
    FromData,
    KMeansPlusPlus,
    Lloyd,
    LloydMaxGrid,
    RateDistortion,
    Uniform,
    ZadorDensity,
    principal_axes,
)
from zador.codebooks.fit import check_size
from zador.errors import DataError
from zador.studies.design import Method
from zador.studies.records import Comparison, DataCard, Exhibit
from zador.studies.run import Outcome, paired, run
from zador.theory import gaussian

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zador.data import Vectors

__all__ = ["METHODS", "compare"]

METHODS = (
    Method("uniform + Lloyd", Uniform(), Lloyd()),
    Method("from data + Lloyd", FromData(), Lloyd()),
    Method("k-means++ + Lloyd", KMeansPlusPlus(), Lloyd()),
    Method("R(D) law + Lloyd", RateDistortion(), Lloyd()),
    Method("Zador density + Lloyd", ZadorDensity(), Lloyd()),
    Method("Lloyd–Max grid + Lloyd", LloydMaxGrid(), Lloyd()),
    Method("scalar Lloyd–Max", LloydMaxGrid(jitter=0.0), None),
    Method("random R(D) codebook", RateDistortion(), None),
)

_CURVE_POINTS = 121
_EXAMPLES = 8
_PLENTY = 10
"""Vectors per coordinate from which a covariance, and the bound that rests on it, can be trusted."""


def compare(
    vectors: Vectors,
    bits: Sequence[int],
    *,
    methods: Sequence[Method] = METHODS,
    held_out: float = 0.25,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _label: None,
) -> Comparison:
    """Fit every method at every rate to a random part of `vectors`, judge all on the rest.

    Args:
        vectors: the data.
        bits: rates, whole bits per vector: codebooks of `2 ** bits`.
        methods: what to compare.
        held_out: share of the vectors to judge on.
        seed: of the split and of every initialiser.
        progress: told the name of each arm before it starts.

    Raises:
        DataError: fewer distinct training vectors than codewords, or vectors that do not vary.
    """
    train, judged = (_floats(part) for part in vectors.split(held_out, seed))
    check_size(train, 2 ** max(bits))
    eigenvalues = principal_axes(_floats(np.asarray(vectors.array))).eigenvalues
    if not eigenvalues.any():
        raise DataError(f"{vectors.name}: all {len(vectors)} vectors are equal; there is nothing to quantize")
    _compile(train)
    outcomes: list[Outcome] = []
    for rate in bits:
        here = []
        for method in methods:
            progress(f"{method.name}, {rate} bits")
            here.append(run(method, rate, train, judged, eigenvalues, seed=seed))
        outcomes += paired(here)
    curve = np.linspace(0.0, max(bits) + 1.0, _CURVE_POINTS)
    return Comparison(
        data=_card(vectors, len(train), len(judged), eigenvalues),
        arms=tuple(outcome.arm for outcome in outcomes),
        curve_bits=curve,
        curve_distortion=np.asarray(gaussian.distortion_rate(eigenvalues, curve)),
        exhibits=tuple(_exhibit([o for o in outcomes if o.arm.bits == rate], judged) for rate in bits),
        provenance=_provenance(vectors, held_out, seed),
        notes=_notes(vectors, eigenvalues, max(bits)),
    )


def _floats(array: NDArray[Any]) -> NDArray[Any]:
    """Return float32 for half precision, which is exact, and the array itself otherwise."""
    return np.ascontiguousarray(array, np.float32 if array.dtype == np.float16 else array.dtype)


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
    best = min(outcomes, key=lambda outcome: outcome.arm.distortion)
    rows = np.linspace(0, len(held_out) - 1, min(_EXAMPLES, len(held_out))).astype(int)
    return Exhibit(
        arm=best.arm.name,
        bits=best.arm.bits,
        codewords=best.codewords.astype(np.float64),
        usage=np.bincount(best.indices, minlength=best.arm.codebook_size),
        originals=held_out[rows].astype(np.float64),
        reconstructions=best.codewords[best.indices[rows]].astype(np.float64),
    )


def _provenance(vectors: Vectors, held_out: float, seed: int) -> dict[str, str]:
    libraries = ("numpy", "scipy", "scikit-learn", "numba")
    return {
        "data": f"{vectors.name}, {len(vectors)} vectors, fingerprint {vectors.fingerprint}",
        "split": f"{held_out:g} of the vectors held out, seed {seed}",
        "zador": __version__,
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in libraries),
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _notes(vectors: Vectors, eigenvalues: NDArray[np.float64], highest: int) -> tuple[str, ...]:
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
    if count < _PLENTY * 2**highest:
        notes.append(
            f"At {highest} bits there are fewer than {_PLENTY} vectors a codeword: held-out error exceeds training error, "
            "and dead codewords on held-out data are expected."
        )
    return tuple(notes)
