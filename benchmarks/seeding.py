"""k-means++ against scikit-learn at K = 1024 on 200,000 x 64: time and potential.

Target: at least 5 times as fast, at no worse potential. Three kinds of data: no structure at all (no block of vectors can
be skipped), clusters, and a subspace of 6 dimensions with a little noise.
"""

from __future__ import annotations

import itertools
from statistics import mean, median
from typing import TYPE_CHECKING

import numpy as np

import zador
from paired import ratio, take_turns
from zador.codebooks import KMeansPlusPlus

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT, DIM, SIZE, TURNS = 200_000, 64, 1024, 3
KINDS = ("Gaussian", "clusters", "6-D subspace")


def main() -> None:
    """Print one line a kind of data."""
    for kind in KINDS:
        seconds, codewords = take_turns({"ours": (_ours, (kind,)), "sklearn": (_sklearn, (kind,))}, turns=TURNS)
        x = _data(kind)
        potentials = {name: mean(_potential(x, each) for each in found) for name, found in codewords.items()}
        print(
            f"{kind:>14}: ours {median(seconds['ours']):.2f} s, sklearn {median(seconds['sklearn']):.2f} s, "
            f"speed-up {1 / ratio(seconds['ours'], seconds['sklearn']):.1f}; mean potential "
            f"{potentials['ours']:.5g} against {potentials['sklearn']:.5g}",
            flush=True,
        )


def _data(kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((COUNT, DIM))
    if kind == "clusters":
        noise += 3 * rng.standard_normal((1000, DIM))[rng.integers(0, 1000, COUNT)]
    elif kind == "6-D subspace":
        noise = 0.05 * noise + rng.standard_normal((COUNT, 6)) @ rng.standard_normal((6, DIM))
    return noise.astype(np.float32)


def _ours(kind: str) -> Callable[[], np.ndarray]:
    x, seeds = _data(kind), itertools.count()
    return lambda: KMeansPlusPlus()(x, SIZE, np.random.default_rng(next(seeds)))


def _sklearn(kind: str) -> Callable[[], np.ndarray]:
    from sklearn.cluster import kmeans_plusplus

    x, seeds = _data(kind), itertools.count()
    return lambda: kmeans_plusplus(x, SIZE, random_state=next(seeds))[0]


def _potential(x: np.ndarray, codewords: np.ndarray) -> float:
    return float(zador.nearest(x, codewords).squared_distances.sum(dtype=np.float64))


if __name__ == "__main__":
    main()
