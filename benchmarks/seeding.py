"""k-means++ against scikit-learn at K = 1024 on 200,000 x 64: time and potential.

Target: at least 5 times as fast, at no worse potential. Three kinds of data: no structure at all (no block of vectors can
be skipped), clusters, and a subspace of 6 dimensions with a little noise.
"""

from __future__ import annotations

from statistics import mean, median

import numpy as np
from sklearn.cluster import kmeans_plusplus

import zador
from paired import ratio, take_turns
from zador.codebooks import KMeansPlusPlus

COUNT, DIM, SIZE, TURNS = 200_000, 64, 1024, 3


def main() -> None:
    """Print one line a kind of data."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((1000, DIM))
    kinds = {
        "Gaussian": rng.standard_normal((COUNT, DIM)),
        "clusters": centres[rng.integers(0, 1000, COUNT)] + rng.standard_normal((COUNT, DIM)),
        "6-D subspace": rng.standard_normal((COUNT, 6)) @ rng.standard_normal((6, DIM))
        + 0.05 * rng.standard_normal((COUNT, DIM)),
    }
    for kind, data in kinds.items():
        print(f"{kind:>14}: {_line(data.astype(np.float32))}", flush=True)


def _line(x: np.ndarray) -> str:
    potentials: dict[str, list[float]] = {"ours": [], "sklearn": []}
    seeds = iter(range(10**6))

    def ours() -> None:
        potentials["ours"].append(_potential(x, KMeansPlusPlus()(x, SIZE, np.random.default_rng(next(seeds)))))

    def with_sklearn() -> None:
        potentials["sklearn"].append(_potential(x, kmeans_plusplus(x, SIZE, random_state=next(seeds))[0]))

    seconds = take_turns({"ours": ours, "sklearn": with_sklearn}, turns=TURNS)
    return (
        f"ours {median(seconds['ours']):.2f} s, sklearn {median(seconds['sklearn']):.2f} s, "
        f"speed-up {1 / ratio(seconds['ours'], seconds['sklearn']):.1f}; "
        f"potential {mean(potentials['ours']):.5g} against {mean(potentials['sklearn']):.5g}"
    )


def _potential(x: np.ndarray, codewords: np.ndarray) -> float:
    return float(zador.nearest(x, codewords).squared_distances.sum(dtype=np.float64))


if __name__ == "__main__":
    main()
