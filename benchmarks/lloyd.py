"""Lloyd's algorithm against faiss and scikit-learn: the same 20 iterations, then whole fits with everybody's defaults.

Targets: faster than both, at the same objective.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

import faiss
import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

import zador
from paired import ratio, take_turns
from zador.codebooks import Lloyd

SHAPES = ((200_000, 8, 1024), (200_000, 64, 1024))
ITERATIONS = 20


def main() -> None:
    """Print the equal-iterations table, then the whole fits."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{ITERATIONS} iterations from the same start; seconds: median of 3 turns; ratio to the best peer")
    for count, dim, size in SHAPES:
        x = np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
        _equal_iterations(x, x[:size].copy())
    print("whole fits, everybody's defaults (one run each)")
    for count, dim, size in SHAPES:
        _whole_fits(np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32), size)


def _equal_iterations(x: np.ndarray, start: np.ndarray) -> None:
    objective = {}

    def ours() -> None:
        objective["ours"] = Lloyd(iterations=ITERATIONS, tolerance=0.0).fit(x, start).distortion

    def with_faiss() -> None:
        # Without the limit on points per codeword faiss would fit to a sample.
        learner = faiss.Kmeans(x.shape[1], len(start), niter=ITERATIONS, max_points_per_centroid=len(x))
        learner.train(x, init_centroids=start)
        objective["faiss"] = _objective(x, learner.centroids)

    def with_sklearn() -> None:
        learner = KMeans(len(start), init=start, n_init=1, max_iter=ITERATIONS, tol=0.0).fit(x)
        objective["sklearn"] = learner.inertia_ / len(x)

    seconds = take_turns({"ours": ours, "faiss": with_faiss, "sklearn": with_sklearn}, turns=3)
    best = ratio(seconds["ours"], seconds["faiss"], seconds["sklearn"])
    times = ", ".join(f"{name} {median(values):.2f} s" for name, values in seconds.items())
    values = ", ".join(f"{name} {value:.6f}" for name, value in objective.items())
    print(f"{x.shape} K={len(start)}: {times}; ratio {best:.2f}; distortion {values}", flush=True)


def _whole_fits(x: np.ndarray, size: int) -> None:
    fits = {
        "ours": lambda: zador.fit_codebook(x, size).codewords,
        "faiss": lambda: _faiss_default(x, size),
        "sklearn": lambda: KMeans(size, random_state=0).fit(x).cluster_centers_,
    }
    for name, fit in fits.items():
        start = time.perf_counter()
        codewords = fit()
        seconds = time.perf_counter() - start
        print(f"{x.shape} K={size} {name}: {seconds:.1f} s, distortion {_objective(x, codewords):.6f}", flush=True)


def _faiss_default(x: np.ndarray, size: int) -> np.ndarray:
    learner = faiss.Kmeans(x.shape[1], size)
    learner.train(x)
    return learner.centroids


def _objective(x: np.ndarray, codewords: np.ndarray) -> float:
    return float(zador.nearest(x, codewords).squared_distances.mean(dtype=np.float64))


if __name__ == "__main__":
    main()
