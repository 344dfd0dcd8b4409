"""From vectors to a codebook: initialise, run Lloyd's algorithm to convergence, keep the best of several runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zador.codebooks.initialise.kmeans_plus_plus import KMeansPlusPlus
from zador.codebooks.learn.lloyd import Lloyd, LloydResult
from zador.codebooks.table import Codebook
from zador.errors import DataError, NonFiniteError, UsageError
from zador.validation import as_count, as_matrix, as_vectors, check_finite, is_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zador.codebooks.initialise.base import Initialiser

__all__ = ["check_size", "distinct_rows", "fit_codebook"]

_DISTINCT_BLOCK = 1 << 14


def fit_codebook(
    x: Any,
    codebook_size: int,
    *,
    init: Initialiser | Any = KMeansPlusPlus(),  # noqa: B008 - frozen
    iterations: int = Lloyd().iterations,
    restarts: int = 1,
    seed: int = 0,
    weights: Any = None,
) -> Codebook:
    """Return K codewords that minimise `Σ_n w_n min_k ||x_n - c_k||²`, by Lloyd's algorithm from `init`.

    For another tolerance or another policy for empty cells, run `zador.codebooks.Lloyd(...).fit(x, start)`.

    Args:
        x: (N, d) vectors, NumPy array or torch tensor, any float type (integers become float64, half types float32).
        codebook_size: K, at most the number of distinct vectors.
        init: an initialiser such as `zador.codebooks.KMeansPlusPlus()`, or the first codewords themselves (K, d).
        iterations: most updates; a run stops earlier once an update gains less than 1e-5 of the distortion, and with
            `iterations=0` the codebook is the start itself.
        restarts: independent runs; the one with the lowest training distortion is kept. Needs a random `init` if > 1.
        seed: of all random choices; same input, same seed, same machine: same bits.
        weights: (N,) non-negative, or None for ones.

    Returns:
        `Codebook` with `.codewords` (K, d), `.usage` and `.origin`.

    Raises:
        UsageError: a size, count or `init` that no data could satisfy.
        DataError: fewer than K distinct vectors, or shapes that do not fit.
        NonFiniteError: NaN or infinity in the data, the weights or the start.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]])
        >>> sorted(fit_codebook(x, 2).codewords.tolist())
        [[0.0, 0.5], [9.0, 8.5]]
    """
    vectors, mass = _clean(x, weights)
    _check_request(vectors, codebook_size, iterations, restarts, mass)
    learner = replace(Lloyd(), iterations=iterations)
    runs = [
        learner.fit(vectors, _start(init, vectors, codebook_size, np.random.default_rng(child), mass), mass)
        for child in _children(seed, restarts, given=not callable(init))
    ]
    best = min(runs, key=lambda run: run.distortion)
    codewords = _as_given(best.codewords, x)
    return Codebook(codewords, best.usage, _origin(best, init, restarts, seed))


def _clean(x: Any, weights: Any) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    vectors = as_vectors(x, "x")
    if weights is None:
        return vectors, None
    mass = as_matrix(np.asarray(weights).reshape(-1, 1), "weights").astype(np.float64).ravel()
    check_finite(mass[:, None], "weights")
    if len(mass) != len(vectors) or (mass < 0).any() or mass.sum() <= 0:
        raise DataError(
            f"weights: expected {len(vectors)} non-negative numbers that are not all 0, got {len(mass)}"
            f"{', some negative' if (mass < 0).any() else ''}"
        )
    return vectors, mass


def _check_request(
    x: NDArray[Any], codebook_size: int, iterations: int, restarts: int, mass: NDArray[np.float64] | None
) -> None:
    as_count(codebook_size, "codebook_size")
    as_count(iterations, "iterations", least=0)
    as_count(restarts, "restarts")
    check_size(x if mass is None else x[mass > 0], codebook_size)


def check_size(x: NDArray[Any], codebook_size: int) -> None:
    """Raise DataError unless x (N, d) holds at least `codebook_size` distinct vectors."""
    distinct = distinct_rows(x, codebook_size)
    if distinct < codebook_size:
        raise DataError(
            f"codebook_size={codebook_size}, but the {len(x)} vectors hold only {distinct} distinct ones; "
            f"ask for at most {distinct}"
        )


def distinct_rows(x: NDArray[Any], enough: int) -> int:
    """Return the number of distinct rows of x, or any number >= `enough` once that many are found."""
    seen = np.empty((0, x.shape[1]), x.dtype)
    for start in range(0, len(x), max(_DISTINCT_BLOCK, 2 * enough)):
        seen = np.unique(np.concatenate([seen, x[start : start + max(_DISTINCT_BLOCK, 2 * enough)]]), axis=0)
        if len(seen) >= enough:
            break
    return len(seen)


def _children(seed: int, restarts: int, *, given: bool) -> list[np.random.SeedSequence]:
    if given and restarts > 1:
        raise UsageError(f"restarts={restarts} from one given start would all end alike; pass an initialiser as init")
    return np.random.SeedSequence(as_count(seed, "seed", least=0)).spawn(restarts)


def _start(
    init: Any, x: NDArray[Any], codebook_size: int, rng: np.random.Generator, mass: NDArray[np.float64] | None
) -> NDArray[Any]:
    if isinstance(init, str):
        raise UsageError(f"init={init!r}: expected an object such as zador.codebooks.KMeansPlusPlus(), or a (K, d) array")
    start = as_matrix(init(x, codebook_size, rng, mass) if callable(init) else init, "init")
    if start.shape != (codebook_size, x.shape[1]):
        raise DataError(f"init: expected {codebook_size} codewords of {x.shape[1]} coordinates, got shape {start.shape}")
    if not np.isfinite(start).all():
        raise NonFiniteError(f"init: {int((~np.isfinite(start)).any(axis=1).sum())} codewords hold NaN or infinity")
    return start


def _as_given(codewords: NDArray[Any], x: Any) -> Any:
    if not is_torch(x):
        return codewords
    import torch

    return torch.from_numpy(codewords).to(x.device)


def _origin(best: LloydResult, init: Any, restarts: int, seed: int) -> dict[str, str | int | float | bool]:
    return {
        "init": repr(init) if callable(init) else "given codewords",
        "iterations": len(best.history) - 1,
        "converged": best.converged,
        "training_distortion": best.distortion,
        "restarts": restarts,
        "seed": int(seed),
    }
