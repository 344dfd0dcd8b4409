"""Lloyd's algorithm against faiss and scikit-learn: the same 20 iterations, then whole fits with everybody's defaults.

Targets: faster than both, at the same objective.
"""

from __future__ import annotations

import time
import warnings
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

import zador
from paired import ratio, take_turns
from zador.codebooks import Lloyd

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES = ((200_000, 8, 1024), (200_000, 64, 1024))
ITERATIONS = 20


def main() -> None:
    """Print the equal-iterations table, then the whole fits."""
    print(f"{ITERATIONS} iterations from the same start; seconds: median of 3 turns; ratio to the best peer")
    for shape in SHAPES:
        _compete(shape, {"ours": _ours, "faiss": _faiss, "sklearn": _sklearn}, turns=3)
    print("whole fits, everybody's defaults")
    for shape in SHAPES:
        _compete(shape, {"ours": _ours_default, "faiss": _faiss_default, "sklearn": _sklearn_default}, turns=1)


def _compete(shape: tuple[int, int, int], fits: dict[str, Callable[..., Callable[[], np.ndarray]]], *, turns: int) -> None:
    start = time.perf_counter()
    seconds, codewords = take_turns({name: (prepare, (shape,)) for name, prepare in fits.items()}, turns=turns)
    best = ratio(seconds["ours"], seconds["faiss"], seconds["sklearn"])
    times = ", ".join(f"{name} {median(values):.2f} s" for name, values in seconds.items())
    objectives = ", ".join(f"{name} {_objective(_data(shape), found[-1]):.6f}" for name, found in codewords.items())
    print(f"{shape}: {times}; ratio {best:.2f}; distortion {objectives} ({time.perf_counter() - start:.0f} s)", flush=True)


def _data(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape[:2], dtype=np.float32)


def _objective(x: np.ndarray, codewords: np.ndarray) -> float:
    return float(zador.nearest(x, codewords).squared_distances.mean(dtype=np.float64))


def _ours(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    x = _data(shape)
    return lambda: Lloyd(iterations=ITERATIONS, tolerance=0.0).fit(x, x[: shape[2]]).codewords


def _faiss(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    import faiss

    x = _data(shape)

    def work() -> np.ndarray:
        # Without the limit on points per codeword faiss would fit to a sample.
        learner = faiss.Kmeans(x.shape[1], shape[2], niter=ITERATIONS, max_points_per_centroid=len(x))
        learner.train(x, init_centroids=x[: shape[2]].copy())
        return learner.centroids

    return work


def _sklearn(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    from sklearn.cluster import KMeans

    warnings.simplefilter("ignore")
    x = _data(shape)
    learner = KMeans(shape[2], init=x[: shape[2]], n_init=1, max_iter=ITERATIONS, tol=0.0)
    return lambda: learner.fit(x).cluster_centers_


def _ours_default(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    x = _data(shape)
    return lambda: zador.fit_codebook(x, shape[2]).codewords


def _faiss_default(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    import faiss

    x = _data(shape)

    def work() -> np.ndarray:
        learner = faiss.Kmeans(x.shape[1], shape[2])
        learner.train(x)
        return learner.centroids

    return work


def _sklearn_default(shape: tuple[int, int, int]) -> Callable[[], np.ndarray]:
    from sklearn.cluster import KMeans

    x = _data(shape)
    return lambda: KMeans(shape[2], random_state=0).fit(x).cluster_centers_


if __name__ == "__main__":
    main()
