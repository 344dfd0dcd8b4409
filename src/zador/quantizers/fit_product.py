"""Fitting a product quantizer: slices, a codebook each, and, if wanted, the axes along which slicing costs least."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from zador.codebooks import KMeansPlusPlus, Lloyd
from zador.codebooks.fit import check_size, distinct_rows
from zador.errors import UsageError
from zador.quantizers.base import count_usage
from zador.quantizers.frame import Frame
from zador.quantizers.product import ProductQuantizer
from zador.quantizers.slicing import balanced_slices, equal_slices
from zador.search import nearest_of_clean
from zador.validation import as_count, as_counts, as_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zador.quantizers.base import Origin
    from zador.quantizers.slicing import Slicing

__all__ = ["Rotation", "fit_product"]


@dataclass(frozen=True)
class Rotation:
    """Cut along learned axes: principal ones at first, then turned to fit the codebooks [ge2013optimized].

    Each iteration moves the codewords once and then takes the rotation that brings the data nearest to their
    reconstructions, `U = P Qᵀ` for the singular value decomposition `P S Qᵀ` of `Σ (x - μ) ẑᵀ` (orthogonal Procrustes
    [schonemann1966generalized]). Neither half-step can raise the training error.

    Attributes:
        iterations: how often codebooks and axes take turns; 0 keeps the principal axes.
    """

    iterations: int = 50


def fit_product(
    x: Any,
    *,
    slices: int = 8,
    codebook_size: int | Sequence[int] = 256,
    rotation: Rotation | None = None,
    slicing: Slicing | None = None,
    learner: Lloyd = Lloyd(),  # noqa: B008 - frozen
    seed: int = 0,
) -> ProductQuantizer:
    """Return a product quantizer of `Σ log2 codebook_size` bits, fitted to x by k-means++ and Lloyd on every slice.

    Args:
        x: (N, D) vectors, NumPy array or torch tensor, any float type.
        slices: S, at most D.
        codebook_size: K of every slice, or one number a slice; a slice with fewer distinct parts of vectors gets only as
            many codewords.
        rotation: None to cut the coordinates as they are, or `Rotation()` to learn the axes.
        slicing: which coordinates go together: `equal_slices`, `balanced_slices` or a function like them. By default
            equal slices of the coordinates as they are, and balanced slices of rotated ones.
        learner: how the codewords of a slice move.
        seed: of all random choices; same input, same seed, same machine: same bits.

    Raises:
        UsageError: counts that make no sense, more slices than coordinates.
        DataError: fewer distinct vectors than `codebook_size`, not a matrix.
        NonFiniteError: NaN or infinity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((2000, 8))
        >>> quantizer = fit_product(x, slices=4, codebook_size=16)
        >>> quantizer.bits, quantizer.encode(x[:1]).shape
        (16.0, (1, 4))
    """
    vectors = as_vectors(x, "x")
    sizes = _sizes(vectors, slices, codebook_size)
    frame = None if rotation is None else Frame.principal(vectors)
    z = vectors if frame is None else frame.forward(vectors)
    cut = slicing or (equal_slices if frame is None else balanced_slices)
    columns = cut(z.var(axis=0, dtype=np.float64), slices)
    seeds = np.random.SeedSequence(as_count(seed, "seed", least=0)).spawn(slices)
    tables = [
        _codebook(z[:, part], size, learner, np.random.default_rng(child))
        for part, size, child in zip(columns, sizes, seeds, strict=True)
    ]
    if rotation is not None and frame is not None and rotation.iterations > 0:
        frame, tables = _turn(vectors, frame, columns, tables, rotation.iterations)
        z = frame.forward(vectors)
        tables = [_move(z[:, part], table, learner) for part, table in zip(columns, tables, strict=True)]
    empty = tuple(np.zeros(len(table)) for table in tables)
    quantizer = ProductQuantizer(frame=frame, columns=columns, codebooks=tuple(tables), usage=empty)
    indices = quantizer.encode(vectors)
    error = float(((vectors - quantizer.decode(indices)) ** 2).sum(axis=1, dtype=np.float64).mean())
    origin: Origin = {
        "slicing": cut.__name__ if hasattr(cut, "__name__") else repr(cut),
        "rotation": "none" if rotation is None else repr(rotation),
        "training_distortion": error,
        "seed": int(seed),
    }
    return replace(quantizer, usage=count_usage(indices, quantizer.sizes), origin=origin)


def _sizes(x: NDArray[Any], slices: int, codebook_size: int | Sequence[int]) -> tuple[int, ...]:
    if as_count(slices, "slices") > x.shape[1]:
        raise UsageError(f"slices={slices}, but the vectors have {x.shape[1]} coordinates; ask for at most {x.shape[1]}")
    sizes = as_counts(codebook_size, "codebook_size", slices)
    check_size(x, max(sizes))
    return sizes


def _codebook(x: NDArray[Any], codebook_size: int, learner: Lloyd, rng: np.random.Generator) -> NDArray[Any]:
    part = np.ascontiguousarray(x)
    size = min(codebook_size, distinct_rows(part, codebook_size))
    return learner.fit(part, KMeansPlusPlus()(part, size, rng)).codewords


def _move(x: NDArray[Any], table: NDArray[Any], learner: Lloyd) -> NDArray[Any]:
    return learner.fit(np.ascontiguousarray(x), table).codewords


def _turn(
    x: NDArray[Any], frame: Frame, columns: tuple[NDArray[np.int64], ...], tables: list[NDArray[Any]], iterations: int
) -> tuple[Frame, list[NDArray[Any]]]:
    """Return axes and codebooks after `iterations` turns."""
    centred = np.ascontiguousarray((x - frame.mean).T, np.float64)
    once, libraries = Lloyd(iterations=1), ThreadpoolController()
    for _ in range(iterations):
        z = frame.forward(x)
        reconstructed = np.empty_like(z)
        for s, part in enumerate(columns):
            here = np.ascontiguousarray(z[:, part])
            tables[s] = once.step(once.init(tables[s]), here)[0].codewords
            reconstructed[:, part] = tables[s][nearest_of_clean(here, tables[s]).indices]
        between = centred @ reconstructed.astype(np.float64)
        # A few hundred rows are no work to share: on a busy machine the threads would wait for each other a second long.
        with libraries.limit(limits=1, user_api="blas"):
            left, _, right = np.linalg.svd(between)
        frame = Frame(frame.mean, np.ascontiguousarray(left @ right, x.dtype))
    return frame, tables
